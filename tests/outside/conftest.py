from collections.abc import Iterator

import pytest
from django.test import Client

from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.people.mailbox import Mailbox, running
from tests.support import people

mara, bo = people.mara, people.bo


@pytest.fixture
def vera(db: None) -> Person:
    """Whoever waits."""
    return world.person("Vera Okafor", role=Person.Role.VIEWER)


@pytest.fixture
def room(mara: Person) -> Incident:
    return incidents.take_lead(incidents.declare("Apache is down", by=mara), mara, by=mara)


@pytest.fixture
def browser(bo: Person) -> Client:
    found = Client()
    found.force_login(bo)
    return found


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server that keeps what it takes."""
    with running(monkeypatch) as box:
        yield box

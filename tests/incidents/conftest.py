from collections.abc import Iterator

import pytest

from raglan.incidents import actions
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture
def outbox(db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel; it remembers what it took."""
    with world.outbox(world.Outbox()) as box:
        yield box


@pytest.fixture
def mara(outbox: world.Outbox) -> Person:
    """Whoever declared it."""
    return world.person("Mara Keller")


@pytest.fixture
def bo(outbox: world.Outbox) -> Person:
    """Whoever helps."""
    return world.person("Bo Silva")


@pytest.fixture
def incident(mara: Person) -> Incident:
    """An open room."""
    return actions.declare("Apache is down", by=mara)

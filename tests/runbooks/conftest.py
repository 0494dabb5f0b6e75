from collections.abc import Callable
from textwrap import dedent

import pytest
from django.test import Client

from raglan.catalog.models import Service
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.runbooks import actions
from raglan.runbooks.actions import Draft
from raglan.runbooks.models import Runbook
from raglan.testing import world
from tests.support import people

mara, bo = people.mara, people.bo

BY_HAND = dedent(
    """\
    Only when Chef is stopped.

    1. Look at one host.

       ```
       ssh web-014 systemctl status httpd
       ```
    2. Install the old package.
    3. Start it and look again.
    """
)


@pytest.fixture
def httpd(db: None) -> Service:
    return world.service("httpd")


@pytest.fixture
def write(mara: Person) -> Callable[..., Runbook]:
    """Writes runbooks."""

    def written(title: str = "Put it back by hand", text: str = BY_HAND, **more: object) -> Runbook:
        draft = Draft(title, text, **more)  # type: ignore[arg-type]  # by name
        return actions.write_new(draft, writer=actions.by(mara))

    return written


@pytest.fixture
def runbook(write: Callable[..., Runbook], httpd: Service) -> Runbook:
    return write(services=[httpd])


@pytest.fixture
def room(mara: Person, httpd: Service) -> Incident:
    return incidents.declare("Apache is down", by=mara, services=[httpd])


@pytest.fixture
def browser(mara: Person) -> Client:
    found = Client()
    found.force_login(mara)
    return found

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.people.models import Person
from raglan.processes import actions
from raglan.processes.actions import Draft
from raglan.processes.models import Process
from raglan.processes.steps import read
from tests.support import people

mara, bo = people.mara, people.bo
STEPS = "Reserve the test environment | 40\nRun it on one host | 15\nAsk somebody to look over it"


@pytest.fixture
def write(mara: Person) -> Callable[..., Process]:
    """Writes processes."""

    def written(title: str = "Change a cookbook", steps: str = STEPS) -> Process:
        draft = Draft(title, "Surprises are seen on one host first", read(steps))
        return actions.write_new(draft, writer=actions.by(mara))

    return written


@pytest.fixture
def process(write: Callable[..., Process]) -> Process:
    return write()


@pytest.fixture
def browser(mara: Person) -> Client:
    found = Client()
    found.force_login(mara)
    return found


@pytest.fixture
def as_person() -> Callable[[Person], Client]:
    """Return a function that signs somebody in."""

    def sign_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in

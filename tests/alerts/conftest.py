from collections.abc import Callable

import pytest

from raglan.alerts.ports import SourceKey
from raglan.paging.models import Policy
from raglan.people.models import Person
from raglan.testing import world
from tests.support import people

outbox, mara = people.outbox, people.mara_reached


@pytest.fixture
def policy(mara: Person) -> Policy:
    """A policy, taken by every alert."""
    made = world.policy((300, [mara]), slug="web")
    world.route(1, made)
    return made


@pytest.fixture
def source(policy: Policy) -> SourceKey:
    """A source whose alerts the policy takes."""
    return world.source()


@pytest.fixture
def decided() -> Callable[[int], list[tuple[str, str]]]:
    """Return stage and outcome of all that was decided on an alert, in order."""
    from raglan.alerts.queries import alert_with_decisions

    def read(pk: int) -> list[tuple[str, str]]:
        alert = alert_with_decisions(pk)
        assert alert is not None
        return [(item.stage, item.outcome) for item in alert.decided]

    return read

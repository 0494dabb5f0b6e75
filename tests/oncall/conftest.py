from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import MONDAY, standing_at


@pytest.fixture(autouse=True, scope="session")
def _a_folder_for_static_files() -> None:
    """Serve screens from a checkout that was never built, without a warning."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def monday(db: None) -> Iterator[None]:
    """It is Monday 23 November 2026, noon in UTC."""
    with standing_at(MONDAY):
        yield


@pytest.fixture
def mara(monday: None) -> Person:
    return world.person("Mara Novak", time_zone="UTC")


@pytest.fixture
def ike(monday: None) -> Person:
    return world.person("Ike Okafor", time_zone="UTC")


@pytest.fixture
def rowan(monday: None) -> Person:
    return world.person("Rowan Ellis", time_zone="UTC")


@pytest.fixture
def boss(monday: None) -> Person:
    return world.person("Hana Lind", role=Person.Role.MANAGER, time_zone="UTC")

"""Options and habits of the whole suite; `tests.support.environment` sets data folder and database before."""

import sys
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the run on PostgreSQL leave out what never touches the database."""
    parser.addoption("--database-only", action="store_true", help="run only tests that use Django's database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the database when asked to."""
    if not config.getoption("--database-only"):
        return
    kept = [item for item in items if _uses_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("one_database"):
        return False
    names = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(names & {"db", "transactional_db"})


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Make the database, and have it emptied briefly after each test that committed."""
    from tests.support import emptying

    emptying.be_brief()


@pytest.fixture(autouse=True)
def _nothing_is_known_of_another_test() -> Iterator[None]:
    """Forget the rules of alerts that the last commit knew: a new test may give ids of events once more."""
    yield
    if (snapshot := sys.modules.get("raglan.alerts.snapshot")) is not None:
        snapshot._kept.stamp = None


@pytest.fixture(autouse=True)
def _clock_stands_where_it_was() -> Iterator[None]:
    """Take back whatever a test did to the clock."""
    from datetime import timedelta

    from raglan.core.clock import CLOCK

    before = CLOCK.moved
    yield
    CLOCK.move(before - CLOCK.moved)
    assert timedelta(0) == CLOCK.moved - before

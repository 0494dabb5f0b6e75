"""Options and habits of the whole suite; `tests.support.environment` sets data folder and database before."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.share import SECOND_RUN

# How long a busy machine takes says nothing of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
E2E_S = 400  # how long a test with real servers may take that says nothing else: each of its waits may be a minute

# Tests and all that they import stay until the end: looking through them for rubbish again and again finds nothing.
gc.disable()
OBJECTS_BEFORE_A_LOOK = 50_000


@pytest.fixture(autouse=True)
def no_keys_of_another_database() -> None:
    """What is known by heart of packages is of the database of one test; the next one gives the same keys again."""
    if packages := sys.modules.get("raglan.fleet.packages"):
        packages.forget_known()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the run on PostgreSQL leave out what never touches the database."""
    parser.addoption("--database-only", action="store_true", help="run only tests that use Django's database")


def pytest_configure(config: pytest.Config) -> None:
    """Say before modules are read that this is the second run of many tests; see `tests.support.share`."""
    if config.getoption("--database-only"):
        os.environ[SECOND_RUN] = "1"


def pytest_collection_finish() -> None:
    """Look for rubbish from now on, among what tests make."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK, *gc.get_threshold()[1:])
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the database when asked to; files with long tests go first, none is left for the end."""
    if config.getoption("--database-only"):
        kept = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    patience: dict[Path, float] = {}
    for item in items:
        patience[item.path] = max(patience.get(item.path, 0), _patience(item))
    items.sort(key=lambda item: patience[item.path], reverse=True)
    for item in items:
        if item.get_closest_marker("e2e") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(E2E_S))


def _patience(item: pytest.Item) -> float:
    """Return for how many seconds a test may run; real servers come before what needs none."""
    given = item.get_closest_marker("timeout")
    is_long = bool(item.get_closest_marker("e2e") or item.get_closest_marker("slow"))
    return float(given.args[0]) if given and given.args else float(is_long)


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
    """Forget what commits of this process knew, and how providers did: a new test may give the same ids once more."""
    yield
    if (snapshot := sys.modules.get("raglan.alerts.snapshot")) is not None:
        snapshot._kept.stamp = None
    for name in (
        "raglan.core.standing",
        "raglan.paging.actions.known",
        "raglan.paging.claimed",
        "raglan.paging.circuit",
    ):
        if (module := sys.modules.get(name)) is not None:
            module.forget()


@pytest.fixture(autouse=True)
def _clock_stands_where_it_was() -> Iterator[None]:
    """Take back whatever a test did to the clock."""
    from datetime import timedelta

    from raglan.core.clock import CLOCK

    before = CLOCK.moved
    yield
    CLOCK.move(before - CLOCK.moved)
    assert timedelta(0) == CLOCK.moved - before

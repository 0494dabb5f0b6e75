"""Gives each test process its own data folder and database before Django reads its settings."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_data = Path(tempfile.mkdtemp(prefix="raglan-test-"))
atexit.register(shutil.rmtree, _data, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("RAGLAN_") and not name.startswith("RAGLAN_TEST_")]:
    del os.environ[_name]
os.environ["RAGLAN_DATA_DIR"] = str(_data)
os.environ["RAGLAN_CONFIG"] = str(_data / "raglan.toml")
os.environ["RAGLAN_ALLOW_NETWORKS"] = "127.0.0.0/8"
os.environ["RAGLAN_SMTP_URL"] = ""

if os.environ.get("RAGLAN_TEST_DATABASE_URL"):
    from tests.support import pg

    os.environ["RAGLAN_DATABASE_URL"] = pg.url_for_tests(os.environ["RAGLAN_TEST_DATABASE_URL"])


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
    names = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(names & {"db", "transactional_db"})


@pytest.fixture(autouse=True)
def _clock_stands_where_it_was() -> Iterator[None]:
    """Take back whatever a test did to the clock."""
    from datetime import timedelta

    from raglan.core.clock import CLOCK

    before = CLOCK.moved
    yield
    CLOCK.move(before - CLOCK.moved)
    assert timedelta(0) == CLOCK.moved - before

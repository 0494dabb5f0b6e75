"""Four engines on one database, some of them killed: each step is claimed by one."""

from pathlib import Path

import pytest
from django.db import connection

from tests.scenarios import engines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
COUNT = 150


def race(folder: Path, **how: object) -> engines.Outcome:
    return engines.race(str(connection.settings_dict["NAME"]), folder, COUNT, **how)  # type: ignore[arg-type]


def test_four_engines_do_each_thing_once(tmp_path: Path) -> None:
    found = race(tmp_path)

    assert found.lost(COUNT) == 0
    assert [found.repeated(kind) for kind in engines.KINDS] == [0, 0, 0]


def test_four_engines_that_are_killed_lose_nothing_and_repeat_only_calls_under_way(tmp_path: Path) -> None:
    found = race(tmp_path, kills=3)

    assert found.kills > 0
    assert found.lost(COUNT) == 0
    assert [found.repeated(kind) for kind in engines.KINDS[:2]] == [0, 0]
    assert found.repeated("engines.call") <= engines.THREADS * found.kills


def test_control_engines_without_leases_do_things_twice(tmp_path: Path) -> None:
    found = race(tmp_path, broken=True)

    assert sum(found.repeated(kind) for kind in engines.KINDS) > 0

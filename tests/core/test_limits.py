"""How often strangers may do a thing: counted to the end of the hour, by everybody who counts at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache, caches

from raglan.core import limits
from raglan.core.clock import CLOCK, now

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _at_the_start_of_an_hour(db: None) -> None:
    caches[limits.CACHE].clear()
    CLOCK.move(HOUR - (now() - datetime.fromtimestamp(0, UTC)) % HOUR)


def asked(times: int, key: str = "a") -> list[bool]:
    return [limits.is_within(key, most=3, each=HOUR) for _ in range(times)]


def test_a_key_is_within_so_many_times_and_again_in_the_next_hour() -> None:
    assert asked(5) == [True] * 3 + [False] * 2
    assert asked(1, "b") == [True]
    CLOCK.move(timedelta(minutes=59))
    assert asked(1) == [False]
    CLOCK.move(timedelta(minutes=1))
    assert asked(4) == [True] * 3 + [False]


def test_whoever_read_before_others_counted_takes_no_place_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(caches[limits.CACHE]), "get_many", lambda *_: {})
    assert asked(5) == [True] * 3 + [False] * 2


def test_made_up_keys_push_no_limit_of_signing_in_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set("sign-in", 1, 3600)
    monkeypatch.setattr(caches[limits.CACHE], "_max_entries", 5)
    for number in range(20):
        limits.is_within(f"a{number}", most=3, each=HOUR)
    assert cache.get("sign-in") == 1

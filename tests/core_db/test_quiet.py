"""Whether events of some kinds were told since is known at a price that does not grow with what else was told."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection

from raglan.core.clock import now
from raglan.core.db import quiet
from raglan.core.models import Event

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL is asked for what stands each time"),
]
KINDS = ["person.added", "team.added"]
STEPS = 600  # what SQLite takes for a look into the index for each kind is well below, for a thousand rows far above


def tell(kind: str, count: int = 1) -> int:
    """Store events; return the id of the newest."""
    Event.objects.bulk_create(Event(at=now(), kind=kind, actor="system") for _ in range(count))
    return Event.objects.latest("pk").pk


def steps_of(act: Callable[[], object]) -> int:
    """Count what SQLite does, in steps of its own machine."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(step, 1)
    try:
        act()
    finally:
        connection.connection.set_progress_handler(None, 1)
    return taken


def test_after_a_lull_it_does_not_read_all_that_was_told_since() -> None:
    since = tell("person.added")
    tell("alert.opened", 1000)

    assert steps_of(lambda: quiet.newest(KINDS, since=since)) < STEPS


@pytest.mark.parametrize("others", [0, 1, quiet.MANY - 1, quiet.MANY, quiet.MANY + 1, 3 * quiet.MANY])
@pytest.mark.parametrize("kind", KINDS)
def test_one_of_these_kinds_is_found_however_much_came_before_or_after(kind: str, others: int) -> None:
    since = tell("person.added")
    tell("alert.opened", others)
    last = Event.objects.latest("pk").pk
    assert quiet.newest(KINDS, since=since) == (last, True)

    told = tell(kind)
    assert quiet.newest(KINDS, since=since) == (told, False)

    tell("alert.opened", others)
    assert quiet.newest(KINDS, since=since)[1] is False
    assert quiet.newest(KINDS, since=told)[1] is True


def test_where_nothing_was_told_yet_nothing_is_newer() -> None:
    Event.objects.all().delete()

    assert quiet.newest(KINDS, since=0) == (0, True)
    assert quiet.newest(KINDS, since=None) == (0, False)


def test_an_id_beyond_the_newest_says_nothing() -> None:
    last = tell("alert.opened")

    assert quiet.newest(KINDS, since=last + 1) == (last, False)


@pytest.mark.parametrize("ask", [quiet.mark, lambda: quiet.newest(KINDS, since=1)], ids=["mark", "newest"])
def test_what_fails_in_the_database_is_told_as_django_tells_it(ask: Callable[[], object]) -> None:
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: 1, 1)
    try:
        with pytest.raises(OperationalError):
            ask()
    finally:
        connection.connection.set_progress_handler(None, 1)

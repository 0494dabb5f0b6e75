"""What a commit claimed and no thread began with is given back by an orderly stop, and goes out once and unmarked."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from raglan.core import timeline, timers
from raglan.core.clock import CLOCK
from raglan.core.db import atomic, bulk
from raglan.core.engine import Engine
from raglan.core.models import Timer
from raglan.paging import actions, at_once, claimed, queries
from raglan.paging.actions import known
from raglan.paging.models import Notification, Page
from raglan.testing import world
from tests.core.conftest import eventually

__all__ = ["eventually"]
pytestmark = pytest.mark.django_db(transaction=True)
Wait = Callable[[Callable[[], object]], None]


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """As after a start."""
    claimed.forget()
    known.forget()
    yield
    claimed.forget()
    known.forget()


@atomic
def page_three() -> None:
    """Start three pages as the intake does, in one commit."""
    pages = []
    for name in ("Mara Keller", "Bo Silva", "Ines Roth"):
        plan = queries.plan_of(world.policy((1800, [world.person(name)])))
        key = bulk.take_keys(Page, 1)[0]
        words, reason = actions.Words("Apache"), actions.Reason()
        pages.append(actions.draft(None, words, reason=reason, plan=plan, key=key))
    timeline.append_records(at_once.start_many(pages))


def standing() -> set[tuple[object, ...]]:
    rows = Notification.objects.values_list("state", "attempts", "may_repeat")
    dues = Timer.objects.filter(kind=actions.DELIVER).values_list("attempts", "leased_by", "leased_until")
    return {*rows, *dues}


def interrupted(engine: Engine, ends: Callable[[], object]) -> Callable[[Sequence[timers.Due]], None]:
    """Return a `take` of an engine before which something ends it."""
    take = engine.take

    def takes(dues: Sequence[timers.Due]) -> None:
        ends()
        take(dues)

    return takes


@pytest.mark.parametrize("interleaving", ["told to end before the commit gave them", "ended before that"])
def test_what_no_thread_began_with_goes_out_once_and_unmarked_after_the_restart(
    outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, eventually: Wait, interleaving: str
) -> None:
    running = Engine(threads=1, network_threads=2)
    running.start()
    eventually(lambda: timers.taker() is running)
    if interleaving == "ended before that":
        monkeypatch.setattr(running, "take", interrupted(running, lambda: running.stop(timeout=8)))
    else:
        stops = running._pools[timers.Pool.NETWORK].begin_no_more
        monkeypatch.setattr(running, "take", interrupted(running, stops))

    page_three()
    assert running.stop(timeout=60)
    timers.let_go()  # as a process does when its journal has ended, too

    assert outbox.tried == []
    assert standing() == {("waiting", 0, False), (0, "", None)}
    again = Engine(threads=1, network_threads=2)
    again.start()
    try:
        eventually(lambda: not Timer.objects.filter(kind=actions.DELIVER).exists())
    finally:
        assert again.stop(timeout=60)
    assert sorted(item.message.person_name for item in outbox.sent) == ["Bo Silva", "Ines Roth", "Mara Keller"]
    assert not any(item.message.may_repeat for item in outbox.sent)
    assert standing() == {("handed_over", 1, False)}


class Dying:
    """An engine that begins with nothing any more."""

    is_working = True
    room = 16

    def take(self, dues: Sequence[timers.Due]) -> None:
        """Leave it."""


@pytest.fixture
def dying() -> Iterator[None]:
    """Let this process have an engine that begins with nothing."""
    end = timers.on_claimed(Dying())
    yield
    end()


def test_what_another_node_has_by_now_is_left_to_it(dying: None, outbox: world.Outbox) -> None:
    page_three()
    other = Timer.objects.filter(kind=actions.DELIVER).order_by("pk")[0]
    Timer.objects.filter(pk=other.pk).update(leased_by="elsewhere:1", attempts=2)

    assert timers.let_go() == 0

    other.refresh_from_db()
    assert (other.leased_by, other.attempts) == ("elsewhere:1", 2)
    states = Notification.objects.order_by("pk").values_list("pk", "state", "attempts")
    of_other = int(other.subject.rpartition(":")[2])
    expected = [(pk, *(("sending", 1) if pk == of_other else ("waiting", 0))) for pk, _, _ in states]
    assert list(states) == expected


def test_what_can_not_be_given_back_comes_again_as_a_possible_repeat(
    dying: None, outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("a fault of our own")

    page_three()
    monkeypatch.setattr(timers, "_unbegun", [broken])

    timers.let_go()
    assert standing() == {("sending", 1, False), (1, "", None)}
    CLOCK.move(timedelta(seconds=1))

    world.fire_all()
    assert [item.message.may_repeat for item in outbox.sent] == [True, True, True]

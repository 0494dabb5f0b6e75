"""Runs are kept once, whatever their order, and shown to the judges as far as they are facts."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest

from raglan.core.clock import CLOCK, now
from raglan.fleet import ports, runs
from raglan.fleet.models import Host, PackageMove, UnitTurn
from raglan.fleet.ports import MoveTold, Observation, Outcome, RunTold, ServiceTurn
from raglan.fleet.run_models import HostRun
from tests.fleet.running import HTTPD, failed, source, take, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Observation]:
    """What the judges are shown."""
    shown: list[Observation] = []

    def look(observations: Sequence[Observation]) -> None:
        shown.extend(observations)

    monkeypatch.setattr(ports, "_judges", [look])
    return shown


def test_a_run_makes_its_host_and_shows_what_moved(seen: list[Observation]) -> None:
    run = take(failed())

    assert (run.host.name, run.host.cluster, run.outcome, run.failed) == ("web17", "fra1", "failed", 1)
    assert list(PackageMove.objects.values_list("name", "old", "new")) == [("httpd", "2.4.6-40", "2.4.6-45")]
    (one,) = seen
    assert (one.run, one.outcome, one.is_new) == (run.pk, Outcome.FAILED, True)
    assert list(one.moves) == [HTTPD]
    assert list(one.turns) == [ServiceTurn("httpd", "", "failed")]
    assert one.details["role"] == "web"


def test_a_run_told_twice_counts_once(seen: list[Observation]) -> None:
    run = failed()
    take(run)
    take(run)
    assert (HostRun.objects.count(), PackageMove.objects.count(), UnitTurn.objects.count(), len(seen)) == (1, 1, 1, 1)


def test_the_order_of_messages_does_not_matter() -> None:
    at = now()
    start = told(outcome=Outcome.STARTED, started_at=at - timedelta(seconds=30), ended_at=None)
    messages = [start, told(outcome=Outcome.CHANGED, ended_at=at), failed(ended_at=at)]
    for number, order in enumerate(permutations(messages)):
        for message in order:
            run = take(RunTold(**{**{f: getattr(message, f) for f in message.__slots__}, "key": f"r{number}"}))
        run.refresh_from_db()
        assert (run.outcome, run.words, run.failed) == ("failed", "1 failed", 1)
        assert (run.started_at, run.ended_at) == (start.started_at, at)
    assert HostRun.objects.count() == 6


def test_a_second_word_that_is_worse_is_shown_again(seen: list[Observation]) -> None:
    take(told(moves=(HTTPD,)))
    take(failed())
    assert [one.outcome for one in seen] == [Outcome.CHANGED, Outcome.FAILED]
    assert [list(one.moves) for one in seen] == [[HTTPD], []]


def test_a_run_that_tells_again_from_its_beginning_moves_nothing_twice(seen: list[Observation]) -> None:
    later, other = MoveTold("httpd", "2.4.6-45", "2.4.6-46"), MoveTold("curl", "7", "8")
    for moves in ((HTTPD,), (HTTPD, later), (HTTPD, later, other), (HTTPD, later)):
        CLOCK.move(timedelta(minutes=1))
        take(told(moves=moves, ended_at=now()))
    assert [list(one.moves) for one in seen] == [[HTTPD], [later], [other], []]
    assert PackageMove.objects.count() == 3


def test_a_rehearsal_and_a_start_are_no_facts(seen: list[Observation]) -> None:
    take(told("r1", Outcome.REHEARSED, moves=(HTTPD,)))
    take(told("r2", Outcome.STARTED, ended_at=None))
    assert (seen, PackageMove.objects.count(), HostRun.objects.count()) == ([], 0, 2)


def test_of_runs_that_changed_nothing_the_last_is_kept(seen: list[Observation]) -> None:
    for number in range(3):
        take(told(f"r{number}", Outcome.UNCHANGED))
        CLOCK.move(timedelta(minutes=10))
    assert list(HostRun.objects.values_list("key", flat=True)) == ["r2"]
    assert [one.outcome for one in seen] == [Outcome.UNCHANGED] * 3
    assert Host.objects.get().run_interval_s == 600


def test_no_time_of_a_run_is_later_than_it_was_heard_of() -> None:
    at = now()
    run = take(failed(started_at=at + timedelta(hours=3), ended_at=at + timedelta(hours=2)), received_at=at)
    assert (run.started_at, run.ended_at, run.at) == (at, at, at)
    assert take(failed("r2", started_at=None, ended_at=None), received_at=at).at == at


def test_a_clock_that_is_known_to_be_ahead_is_put_right() -> None:
    take(told())
    Host.objects.update(clock_offset_s=3_600)
    at = now()
    assert take(told("r2", ended_at=at - timedelta(minutes=5))).ended_at == at - timedelta(minutes=65)


def test_one_key_of_two_hosts_is_two_runs() -> None:
    take(told(name="web17"))
    take(told(name="web18"))
    assert HostRun.objects.count() == 2


def test_old_runs_are_forgotten() -> None:
    take(told())
    CLOCK.move(timedelta(days=91))
    take(told("r2"))
    assert runs.forget_old() == 1
    assert HostRun.objects.get().key == "r2"
    source().delete()
    assert not HostRun.objects.exists()

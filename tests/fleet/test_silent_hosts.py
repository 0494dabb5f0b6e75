"""Hosts that are quiet for too long are told once; what nobody needs any more is forgotten."""

from datetime import timedelta

import pytest

from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event
from raglan.fleet import keeping, silence
from raglan.fleet.models import FleetPayload, Host, Package, PackageMove, PackageSet, UnitTurn
from tests.fleet.reporting import NEWER, WEB, host, report

pytestmark = pytest.mark.django_db


def silent_words() -> list[tuple[int, list[str]]]:
    found = Event.objects.filter(kind="hosts.fell_silent").order_by("pk")
    return [(event.data["count"], event.data["hosts"]) for event in found]


def hear(*names: str, times: int, every: timedelta = timedelta(minutes=10), first: int = 1) -> None:
    for seq in range(first, first + times):
        for name in names:
            report(name, seq=seq, because="timer")
        CLOCK.move(every)


def test_a_host_that_misses_three_reports_is_silent_and_told_once() -> None:
    hear("web1", "web2", times=3)
    hear("web2", times=3, first=4)
    assert (silence.fall_silent(), silence.fall_silent()) == (1, 0)

    assert silent_words() == [(1, ["web1"])]
    assert host("web1").silent_since == host("web1").last_heard_at
    report("web1", seq=9)
    assert host("web1").silent_since is None


def test_the_time_in_which_raglan_was_away_is_held_against_nobody() -> None:
    hear("web1", times=3)
    CLOCK.move(timedelta(hours=5))
    due = timers.Due(1, silence.WATCH, "fleet", now() - timedelta(hours=5), 1, {})
    silence.watch(due)
    assert silent_words() == []

    CLOCK.move(timedelta(minutes=40))
    silence.watch(timers.Due(2, silence.WATCH, "fleet", now(), 1, {}))
    assert silent_words() == [(1, ["web1"])]


def test_a_machine_that_was_started_anew_under_another_name_is_followed() -> None:
    hear("web1", times=2)
    report("www1", host={"machine": "id-web1"}, boot="later")
    CLOCK.move(timedelta(hours=1))
    silence.fall_silent()

    assert host("web1").retired_at is not None
    renamed = Event.objects.get(kind="host.renamed")
    assert (renamed.data["was"], renamed.data["name"]) == ("web1", "www1")
    assert not any("web1" in names for _, names in silent_words())


def test_old_moves_samples_and_unused_lists_are_forgotten() -> None:
    report(units=[["cron", "active"]])
    report(packages=NEWER, units=[["cron", "failed"]], seq=2)
    assert (PackageMove.objects.count(), UnitTurn.objects.count(), PackageSet.objects.count()) == (1, 1, 2)

    CLOCK.move(timedelta(hours=2))
    keeping.forget_old()
    assert [one.pk for one in PackageSet.objects.all()] == [host().packages_id]
    CLOCK.move(timedelta(days=181))
    keeping.forget_old()
    assert (PackageMove.objects.count(), UnitTurn.objects.count(), FleetPayload.objects.count()) == (0, 0, 0)
    assert (Host.objects.count(), Package.objects.count()) == (1, len(WEB) + 1)

"""Who took a time of somebody has it until its end, also when that somebody leaves meanwhile."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.oncall import actions, covers, queries, resolve
from raglan.oncall.events import OverrideCancelled
from raglan.oncall.models import Override
from raglan.oncall.resolve import Kind, Schedule
from raglan.people import actions as people
from raglan.people.events import PersonChanged
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, rota
from tests.oncall.test_rules_of_layers import IKE, MARA, NOON, ROWAN, SOL, always, day_of, edges, who

EVE = NOON - timedelta(hours=13)
LATER = NOON + timedelta(hours=6)
FOR_MARA = day_of(3, Kind.REPLACE_ONE, IKE, MARA, made=1)


def test_a_cover_outlives_the_one_who_is_covered_for() -> None:
    schedule = Schedule((always(MARA),), (FOR_MARA,), departed={MARA: NOON})

    assert edges(schedule, EVE, NOON + 2 * DAY, IKE) == [(FOR_MARA.starts_at, FOR_MARA.ends_at)]
    assert who(schedule, FOR_MARA.ends_at) == ()
    assert resolve.who_is_on_call(schedule, LATER).reasons[0].instead_of == (MARA,)


def test_also_where_she_had_left_before_it_began() -> None:
    schedule = Schedule((always(MARA),), (FOR_MARA,), departed={MARA: EVE - DAY})

    assert (who(schedule, EVE), who(schedule, NOON)) == ((), (IKE,))


def test_a_layer_below_decides_only_where_nobody_took_it() -> None:
    top, below = always(MARA, layer=1, rank=1), always(ROWAN)
    schedule = Schedule((top, below), (FOR_MARA,), departed={MARA: NOON})

    assert [who(schedule, at) for at in (EVE, NOON, LATER, FOR_MARA.ends_at)] == [(MARA,), (IKE,), (IKE,), (ROWAN,)]


def test_the_last_of_several_who_took_it_keeps_it() -> None:
    for_ike = day_of(3, Kind.REPLACE_ONE, SOL, IKE, made=2)
    schedule = Schedule((always(MARA),), (FOR_MARA, for_ike), departed={IKE: NOON, MARA: NOON})

    assert who(schedule, LATER) == (SOL,)


def test_when_who_took_it_leaves_it_falls_back() -> None:
    both = Schedule((always(MARA, layer=1, rank=1), always(ROWAN)), (FOR_MARA,), departed={IKE: NOON})
    assert who(both, LATER) == (MARA,)

    gone = Schedule((always(MARA, layer=1, rank=1), always(ROWAN)), (FOR_MARA,), departed={IKE: NOON, MARA: EVE})
    assert who(gone, LATER) == (ROWAN,)


def test_what_would_seat_somebody_who_left_is_left_out_and_nothing_else() -> None:
    hers_again = day_of(3, Kind.ADD, MARA, made=3)
    schedule = Schedule((always(MARA),), (FOR_MARA, hers_again), departed={MARA: NOON})

    assert sorted(who(schedule, NOON - HOUR)) == [MARA, IKE]
    assert who(schedule, LATER) == (IKE,)


def covered_each_day(days: int) -> Schedule:
    """Return a rota of somebody who left, with a cover on each of some days."""
    covers = (
        resolve.Override(n, IKE, NOON + n * DAY, NOON + n * DAY + 9 * HOUR, "", NOON, Kind.REPLACE_ONE, MARA)
        for n in range(days)
    )
    return Schedule((always(MARA),), tuple(covers), departed={MARA: EVE})


def test_each_cover_is_looked_at_only_around_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[resolve.Override] = []
    cut = resolve.of_those_here

    def look(item: resolve.Override, departed: Mapping[int, datetime]) -> resolve.Override:
        looked.append(item)
        return cut(item, departed)

    monkeypatch.setattr(resolve, "of_those_here", look)
    assert edges(covered_each_day(200), NOON, NOON + 200 * DAY, IKE)[-1][0] == NOON + 199 * DAY
    assert len(looked) <= 3 * 200
    looked.clear()

    assert who(covered_each_day(200), NOON + 100 * DAY) == (IKE,)
    assert len(looked) <= 9


@pytest.mark.django_db
def test_a_shift_that_somebody_took_by_request_stays_theirs_until_it_is_released() -> None:
    boss, mara, ike, rowan = (world.administrator(), *(world.person(n) for n in ("Mara K", "Ike W", "Rowan A")))
    schedule = rota(mara)
    start = now() + HOUR
    asked = covers.ask(schedule, covers.RequestDraft(start, start + DAY, ike), by=mara)
    [taken] = covers.take(asked, by=ike)

    people.deactivate(mara, by=boss)

    assert [one.name for one in queries.who("web", start).people] == ["Ike W"]
    actions.cancel_override(Override.objects.get(pk=taken.pk), actor=boss, reason="Ike asked")
    assert queries.who("web", start).people == ()
    actions.add_override(
        schedule, actions.OverrideDraft(rowan, start, start + DAY, "gone", Override.Kind.REPLACE_ONE, mara), by=boss
    )
    assert [one.name for one in queries.who("web", start).people] == ["Rowan A"]


def migrate_again() -> None:
    """Go back to before the upgrade, and upgrade."""
    executor = MigrationExecutor(connection)
    latest = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "oncall"]
    executor.migrate([("oncall", "0011_gaps_that_grow")])
    MigrationExecutor(connection).migrate(latest)


@pytest.mark.django_db(transaction=True)
def test_covers_that_had_ended_before_the_upgrade_stay_ended() -> None:
    boss, mara, ike = world.administrator(), world.person("Mara K"), world.person("Ike W")
    schedule = rota(mara, ike)
    begun, coming = (
        actions.add_override(
            schedule, actions.OverrideDraft(ike, start, start + DAY, "", Override.Kind.REPLACE_ONE, mara), by=boss
        )
        for start in (now(), now() + 2 * DAY)
    )
    people.deactivate(mara, by=boss)
    migrate_again()

    left = queries.left_at({mara.pk})[mara.pk]
    begun.refresh_from_db()
    coming.refresh_from_db()
    assert begun.cancelled_at == begun.ends_at == left
    assert not queries.counts(coming)


@pytest.mark.django_db(transaction=True)
def test_after_leaving_twice_the_upgrade_changes_nothing_of_the_past_and_tells_what_it_ends() -> None:
    boss, mara, ike = world.administrator(), world.person("Mara K"), world.person("Ike W")
    schedule = rota(mara)
    first_day = now()

    def at(day: float) -> datetime:
        return first_day + day * DAY

    def covered(start: float, end: float) -> Override:
        draft = actions.OverrideDraft(ike, at(start), at(end), "", Override.Kind.REPLACE_ONE, mara)
        return actions.add_override(schedule, draft, by=boss)

    while_away, between, ended, late = covered(2, 3), covered(6, 7), covered(9, 12), covered(20, 21)
    CLOCK.move(DAY)
    people.deactivate(mara, by=boss)
    CLOCK.move(4 * DAY)
    Person.objects.filter(pk=mara.pk).update(is_active=True)
    timeline.append(PersonChanged(person=mara.pk, values={"is_active": True}), actor=boss, about=[mara, "people"])
    mara.refresh_from_db()
    CLOCK.move(5 * DAY)
    people.deactivate(mara, by=boss)
    CLOCK.move(DAY)
    cut_later = Override.objects.create(
        schedule=schedule,
        person=ike,
        instead_of=mara,
        kind=Override.Kind.REPLACE_ONE,
        created_at=at(8),
        starts_at=at(9.5),
        ends_at=at(11),
        cancelled_at=at(11),
    )
    migrate_again()

    left = queries.left_at({mara.pk})[mara.pk]
    for one in (while_away, between, ended, late, cut_later):
        one.refresh_from_db()
    assert [(one.cancelled_at, one.ends_at) for one in (while_away, between)] == [(None, at(3)), (None, at(7))]
    assert [(one.cancelled_at, one.ends_at) for one in (ended, cut_later)] == [(left, left)] * 2
    assert (late.cancelled_at, late.ends_at) == (at(20), at(21))
    days = (2.5, 4, 6.5, 9.75, 10.5, 20.5)  # as they were answered before the upgrade
    found = [[one.name for one in queries.who("web", at(day)).people] for day in days]
    assert found == [["Ike W"], ["Mara K"], ["Ike W"], ["Ike W"], [], []]

    for one in (ended, late, cut_later):
        told = [event for event in timeline.about(one) if event.kind == OverrideCancelled.kind]
        payload = told[0].payload()
        assert isinstance(payload, OverrideCancelled)
        assert (payload.ends_at, payload.cancelled_at) == (one.ends_at, one.cancelled_at)
        about = {f"schedule:{schedule.pk}", f"override:{one.pk}", f"person:{ike.pk}", "oncall", "now"}
        assert set(told[0].subjects) == about
        assert len(told) == 1
    kept = Override.objects.order_by("pk").values("pk", "starts_at", "ends_at", "cancelled_at")
    before = list(kept)
    migrate_again()  # what has ended is not told twice
    assert list(kept.all()) == before
    assert sum(event.kind == OverrideCancelled.kind for event in timeline.about(schedule)) == 3

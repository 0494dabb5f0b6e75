"""Paging without a database: who is paged for what, what is kept on disk, and what the database learns afterwards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.alerts import actions
from raglan.alerts.ports import Batch, Decoded, SourceKey, Status
from raglan.core.clock import now
from raglan.core.faults import Crash, crash_at
from raglan.edge.last_resort import reading
from raglan.edge.last_resort.cases import (
    MOST_A_MINUTE,
    Cases,
    Ended,
    Grouped,
    Opened,
    Sending,
    Sent,
    Taken,
    Urgent,
    messages_due,
    steps_due,
    take_in,
    urgent_in,
)
from raglan.edge.last_resort.diary import Diary
from raglan.edge.last_resort.pager import Pager
from raglan.edge.last_resort.standing import Duty, Kept, Rule, Somebody, Standing, Turn, Way
from raglan.edge.spool import Spool
from raglan.oncall import queries as oncall
from raglan.paging.models import Page
from raglan.paging.plan import PlannedStep, Target
from raglan.testing import world

AT = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STEPS = (PlannedStep(300, (Target("schedule", 7),)), PlannedStep(300, (Target("person", 2),)))
STANDING = Standing(
    at=AT,
    rules={1: Rule("Web", "high", 1, STEPS)},
    fallback=1,
    duties={7: Duty("Web", (Turn(AT + timedelta(hours=1), (1,)), Turn(None, (2,))))},
    people={pk: Somebody(pk, f"P{pk}", (Way("email", f"p{pk}@example.test"),)) for pk in (1, 2, 3)},
    owners=(3,),
)


def fires(name: str, severity: str = "critical") -> Urgent:
    return Urgent(1, name, {"alertname": name}, name, severity)


def over(name: str) -> Urgent:
    return Urgent(1, name)


def lived(*signals: Urgent, standing: Standing = STANDING) -> Cases:
    cases = Cases()
    take_in(cases, standing, signals, AT)
    return cases


def go_on(cases: Cases, at: datetime, *, standing: Standing = STANDING, why: str = "") -> list[int]:
    """Do what is due at a time; return who was sent a message."""
    for entry in steps_due(cases, standing, at):
        cases.apply(entry)
    wanted = messages_due(cases, standing, at)
    for item in wanted:
        case, number, groups = item.case, len(item.case.tried), len(item.case.firing)
        pk = item.asked.person
        cases.apply(Sending(case.id, number, pk, item.asked.name, item.number, item.way.channel, at, groups))
        cases.apply(Sent(case.id, number, at, why))
    return [item.asked.person for item in wanted]


def test_who_is_on_call_is_told_once_and_the_next_step_follows_after_its_wait() -> None:
    cases = lived(fires("a"))

    told = [go_on(cases, AT + number * MINUTE) for number in range(7)]

    assert told == [[1], [], [], [], [], [2], []]


def test_many_alerts_are_one_message_and_growth_is_told_seldom() -> None:
    cases = lived(*(fires(f"a{number}") for number in range(500)))
    assert go_on(cases, AT) == [1]

    take_in(cases, STANDING, [fires("more")], AT + MINUTE)

    assert [go_on(cases, AT + number * MINUTE) for number in (1, 2, 3, 4)] == [[], [], [], []]


def test_alerts_that_only_their_source_tells_apart_are_counted_apart() -> None:
    [case] = lived(
        *(Urgent(1, name, {"source": "nagios.example"}, name, "critical") for name in ("za", "zb"))
    ).all.values()

    assert [group.title for group in case.firing] == ["za", "zb"]


def test_what_ended_pages_nobody_and_what_somebody_took_is_quiet() -> None:
    assert not lived(fires("a"), over("a")).all
    cases = lived(fires("a"))
    [case] = cases.all.values()
    cases.apply(Taken(case.id, 1, AT))

    assert go_on(cases, AT + MINUTE) == []
    take_in(cases, STANDING, [fires("b")], AT + 2 * MINUTE)
    assert len(cases.all) == 2


def test_an_update_neither_fires_nor_ends_while_the_database_is_away() -> None:
    source = SourceKey(1, "zabbix", "zabbix")
    statuses: tuple[Status, ...] = ("firing", "updated", "resolved")

    said = [urgent_in(source, Decoded([world.signal(status, key="451")])) for status in statuses]

    assert [len(found) for found in said] == [1, 0, 1]
    assert [sorted(found[0]) for found in said if found] == [["l", "p", "s", "t"], ["p"]]


def test_nobody_at_any_step_means_those_who_look_after_raglan() -> None:
    empty = Standing(at=AT, people=STANDING.people, owners=(3,))

    assert go_on(lived(fires("a"), standing=empty), AT, standing=empty) == [3]


def test_a_message_that_failed_is_tried_again_but_not_for_ever() -> None:
    cases = lived(fires("a"))

    told = [go_on(cases, AT + timedelta(seconds=30 * number), why="refused") for number in range(9)]

    assert sum(map(len, told)) == 5


NAMES = st.sampled_from("abcdef")
MOVES = st.lists(st.tuples(st.sampled_from(["fires", "over", "take", "wait"]), NAMES), max_size=40)


@given(MOVES)
def test_after_any_history_open_cases_ask_somebody_and_nobody_gets_too_much(moves: list[tuple[str, str]]) -> None:
    cases, at, told = Cases(), AT, list[tuple[datetime, int]]()
    for move, name in moves:
        match move:
            case "fires":
                take_in(cases, STANDING, [fires(name)], at)
            case "over":
                take_in(cases, STANDING, [over(name)], at)
            case "take":
                for case in list(cases.all.values()):
                    cases.apply(Taken(case.id, 1, at))
            case _:
                at += timedelta(seconds=20)
        told += [(at, person) for person in go_on(cases, at)]
        for case in cases.all.values():
            assert not case.is_open or case.asked
        for person in (1, 2, 3):
            assert sum(when > at - MINUTE and who == person for when, who in told) <= MOST_A_MINUTE
    open_now = [case for case in cases.all.values() if case.is_open]
    assert all(any(one.is_done for one in case.tried) or len(told) >= MOST_A_MINUTE for case in open_now)


# On disk.


def test_what_is_kept_comes_back_sealed_and_only_changes_are_written(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "standing", Standing)
    assert kept.keep(STANDING)
    assert not kept.keep(
        Standing(**{name: getattr(STANDING, name) for name in STANDING.__slots__} | {"at": AT + MINUTE})
    )

    assert (kept.writes, kept.at) == (1, AT + MINUTE)
    found = kept.read()
    assert found is not None
    assert (found.people, found.at) == (STANDING.people, AT + MINUTE)
    assert "example" not in (tmp_path / "standing").read_text()
    assert (tmp_path / "standing").stat().st_mode & 0o777 == 0o600


def test_a_crash_while_it_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "standing", Standing)
    kept.keep(STANDING)

    with crash_at(1, "standing.before_rename"), pytest.raises(Crash):
        kept.keep(Standing(at=AT))

    assert kept.read() == STANDING


def test_the_diary_comes_back_after_a_crash_and_a_torn_line_is_taken_off(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary")
    diary.add([Opened("c", 1, AT), Grouped("c", "key", "a", "A", "critical")])
    with crash_at(1, "diary.before_sync"), pytest.raises(Crash):
        diary.add([Taken("c", 1, AT)])
    with (tmp_path / "diary").open("ab") as file:
        file.write(b'{"type":"tak')

    again = Diary(tmp_path / "diary")
    again.add([Ended("a")])

    assert Diary(tmp_path / "diary").cases.all["c"].firing == []
    again.told(again.written)
    with crash_at(1, "diary.before_end"), pytest.raises(Crash):
        again.begin_anew()
    assert not Diary(tmp_path / "diary").is_empty


# With the database, before and after.


@pytest.mark.django_db
def test_the_turns_that_are_kept_agree_with_the_one_function() -> None:
    rota = world.schedule(world.person("Mara Keller"), world.person("Bo Silva"))
    at = now()
    duty = reading.read(at).duties[rota.pk]

    for hours in range(24):
        moment = at + timedelta(hours=hours)
        assert list(duty.people(moment)) == [one.pk for one, _ in oncall.people_on_call(rota.pk, moment)]


def pager_of(folder: Path, key: world.SourceKey, *names: str) -> Pager:
    """Return a pager whose database has been away for long, with alerts in its spool."""
    spool = Spool(folder / "spool", most_mb=1)
    spool.open()
    for name in names:
        labels = {"alertname": name, "severity": "critical", "service": name}
        listed = [{"p": world_print(key, labels), "l": labels, "t": name, "s": "critical"}]
        spool.add({"source": key.id, "urgent": listed})
    pager = Pager(folder / "last", spool, after_s=1, silent_since=lambda: -100.0)
    pager._refreshing.refresh()
    return pager


def world_print(key: world.SourceKey, labels: dict[str, str]) -> str:
    from raglan.alerts.pipeline import identify

    return identify(world.signal(**labels), key.id)[0]


def page_now(pager: Pager) -> None:
    """Page once and hand over on this thread."""
    given = []
    pager._give = lambda begun, letter: given.append((begun, letter))  # type: ignore[method-assign] # no threads here
    pager.page()
    for begun, letter in given:
        pager._send(begun, letter)


@pytest.fixture
def outbox(db: None) -> "world.Iterator[world.Outbox]":
    with world.outbox(world.Outbox()) as box:
        yield box


@pytest.mark.django_db
def test_what_was_taken_starts_acknowledged_and_nobody_is_paged_again(outbox: world.Outbox, tmp_path: Path) -> None:
    mara, key = world.person("Mara Keller"), world.source()
    world.route(1, world.policy((300, [mara])))
    pager = pager_of(tmp_path, key, "Away")
    page_now(pager)
    assert ["The database is away" in item.message.title for item in outbox.sent] == [True]
    [case] = pager.diary.cases.all
    came_at = now()
    pager.answer(case, mara.pk, has_it=True)

    pager.tell()
    signals = [world.signal(alertname="Away", severity="critical", service="Away")]
    actions.ingest([Batch(key, Decoded(signals), came_at)])
    world.fast_forward(timedelta(minutes=20))

    [page] = Page.objects.filter(reason_type="group")
    assert (page.state, page.acknowledged_by, len(outbox.sent)) == ("acknowledged", mara, 1)


@pytest.mark.django_db
def test_what_nobody_took_pages_once_more_marked_as_a_repeat(outbox: world.Outbox, tmp_path: Path) -> None:
    mara, key = world.person("Mara Keller"), world.source()
    world.route(1, world.policy((300, [mara])))
    pager = pager_of(tmp_path, key, "Away")
    page_now(pager)

    pager.tell()
    pager.tell()
    world.ingest(key, world.signal(alertname="Away", severity="critical", service="Away"))
    world.fire_all()

    assert [item.message.may_repeat for item in outbox.sent] == [False, True]


@pytest.mark.django_db
def test_a_crash_after_a_message_leaves_it_unknown_and_the_page_goes_out(outbox: world.Outbox, tmp_path: Path) -> None:
    mara, key = world.person("Mara Keller"), world.source()
    world.route(1, world.policy((300, [mara])))
    with crash_at(1, "last_resort.sent"), pytest.raises(Crash):
        page_now(pager_of(tmp_path, key, "Away"))

    again = Pager(tmp_path / "last", Spool(tmp_path / "spool", most_mb=1), after_s=1, silent_since=lambda: None)
    again.tell()
    world.ingest(key, world.signal(alertname="Away", severity="critical", service="Away"))
    world.fire_all()

    assert [item.message.may_repeat for item in outbox.sent] == [False, True]


@pytest.mark.django_db
def test_what_is_silenced_pages_nobody(outbox: world.Outbox, tmp_path: Path) -> None:
    world.route(1, world.policy((300, [world.person("Mara Keller")])))
    world.silence(("alertname", "=", "Away"))

    page_now(pager_of(tmp_path, world.source(), "Away"))

    assert not outbox.sent

"""Holds: raised, extended, lifted, ended by themselves; exceptions, drills, who has heard, planned freezes."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from raglan.changes import events, freezing, hearing, hold_queries, holding
from raglan.changes.gate import Asked, Reach, answer
from raglan.changes.hold_models import Freeze, Hold, HoldDrill, HoldException
from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.testing import replay, world

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
BY = holding.By("Mara Keller", "raglan")
HOLD = ("name", "reason", "clusters", "roles", "environments", "packages", "changes", "starts_at", "ends_at")
HOLD += ("ended_at", "lifted_by", "lift_word", "is_drill", "link", "freeze_id", "who", "person_id", "version")
EXCEPTION = ("hold_id", "kind", "name", "reason", "ends_at", "who", "created_at")
DRILL = ("began_at", "ended_at", "obeyed", "went_on")
FREEZE = ("name", "reason", "clusters", "zone", "first", "start", "minutes", "days", "last", "who", "ended_at")


def raised(name: str = "httpd", *, hours: float = 1, **more: object) -> Hold:
    draft = {"name": name, "reason": "httpd fails", "ends_at": now() + hours * HOUR, **more}
    return holding.raise_hold(holding.HoldDraft(**draft), by=BY)  # type: ignore[arg-type]


def word(**asked: object) -> str:
    return answer(hold_queries.rules(), Asked(**asked), now()).word  # type: ignore[arg-type]


def test_a_hold_stops_until_it_ends_by_itself() -> None:
    hold = raised(reach=Reach(clusters=("fra1",)))
    assert (word(clusters=("fra1",)), word(clusters=("ams2",))) == ("stop", "go")
    world.fast_forward(timedelta(minutes=61))
    hold.refresh_from_db()
    assert (word(clusters=("fra1",)), hold.ended_at, hold.version) == ("go", hold.ends_at, 2)


@pytest.mark.parametrize(
    ("reach", "field", "said"),
    [
        (Reach(packages=("two words",)), "packages", "no spaces and no commas"),
        (Reach(packages=("a,b",)), "packages", "no spaces and no commas"),
        (Reach(tags=("a,\tb",)), "tags", "no signs that can not be printed"),
        (Reach(tags=(" edge",)), "tags", "names begin and end with no space"),
        (Reach(tags=("x" * 300,)), "tags", "at most 253 letters"),
        (Reach(changes=("seven",)), "changes", "there is no change seven; write its number"),
        (Reach(changes=("7" * 30,)), "changes", "there is no change 777"),
        (Reach(changes=("99999",)), "changes", "there is no change 99999"),
    ],
)
def test_what_can_mean_no_host_is_refused_in_words(reach: Reach, field: str, said: str) -> None:
    with pytest.raises(BadInput) as wrong:
        raised(reach=reach)
    assert wrong.value.field == field
    assert said in wrong.value.sentence
    assert not Hold.objects.exists()


def test_a_hold_names_hosts_by_words_with_spaces() -> None:
    hold = raised(reach=Reach(tags=("Front row",), roles=("web server",)))
    assert word(roles=("web server",), tags=("front row",)) == "stop"
    assert word(roles=("web server",), tags=("front", "row")) == "go"
    holding.let_through(hold, holding.Through("tag", "front row", "they look"), by=BY)
    assert word(roles=("web server",), tags=("front row",)) == "go"


def test_it_is_extended_by_hand_by_whoever_saw_it_last() -> None:
    hold = raised()
    holding.extend(hold, now() + 3 * HOUR, version=1, by=BY)
    with pytest.raises(Conflict):
        holding.extend(hold, now() + HOUR, version=1, by=BY)
    world.fast_forward(timedelta(minutes=120))
    assert word() == "stop"
    world.fast_forward(timedelta(minutes=61))
    assert word() == "go"
    with pytest.raises(Conflict):
        holding.extend(hold, now() + HOUR, version=3, by=BY)


def test_lifting_needs_a_word_and_is_safe_twice() -> None:
    hold = raised()
    with pytest.raises(BadInput):
        holding.lift(hold, word=" ", by=BY)
    for said in ("fixed in -46", "again"):
        holding.lift(hold, word=said, by=BY)
    hold.refresh_from_db()
    assert (word(), hold.lift_word, hold.lifted_by) == ("go", "fixed in -46", "Mara Keller")
    raised()  # the name is free again


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"reason": ""},
        {"hours": 73},
        {"hours": -1},
        {"hours": 1, "is_drill": True},
        {"reach": Reach(roles=("a\nb",))},
        {"starts_at": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_hold_without_a_name_a_reason_or_a_near_end_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        raised(**wrong)  # type: ignore[arg-type]


def test_a_second_hold_of_the_same_name_is_refused() -> None:
    raised()
    with pytest.raises(Conflict):
        raised()


def test_an_exception_lasts_no_longer_than_its_hold_and_can_be_taken_back() -> None:
    hold = raised()
    through = holding.Through("host", "web1", "the test host", now() + 9 * HOUR)
    made = holding.let_through(hold, through, by=BY)
    assert (made.ends_at, word(host="web1"), word(host="web2")) == (hold.ends_at, "go", "stop")
    for _ in range(2):
        holding.take_back(made, by=BY)
    assert word(host="web1") == "stop"
    for wrong in (
        holding.Through("rack", "1", "x"),
        holding.Through("host", "", "x"),
        holding.Through("role", "a", ""),
    ):
        with pytest.raises(BadInput):
            holding.let_through(hold, wrong, by=BY)


def test_the_newest_word_of_a_host_counts_in_any_order() -> None:
    hold, at = raised(), now()
    CLOCK.move(HOUR / 2)
    told = [hearing.Heard("web1", ("httpd", "never"), stopped=n > 1, at=at + timedelta(minutes=n)) for n in (3, 1, 2)]
    assert hearing.heard_many([*told, hearing.Heard("web2", ("httpd",), stopped=False, at=at), told[1]]) == 2
    hearing.heard("web1", ["httpd"], "go", at + timedelta(seconds=30))
    found = hold_queries.heard_of(hold)
    assert [(row.host, row.stopped, row.last_at - at) for row in found] == [
        ("web2", False, timedelta()),
        ("web1", True, timedelta(minutes=3)),
    ]
    assert found[1].first_at == at + timedelta(seconds=30)
    assert hold_queries.tally(hold) == hold_queries.Tally(obeyed=1, let_through=1)


def test_who_heard_is_forgotten_after_a_month_and_how_many_is_not() -> None:
    hold = raised()
    hearing.heard("web1", ["httpd"], "stop", now())
    world.fast_forward(timedelta(days=31))
    hold.refresh_from_db()
    assert hold_queries.heard_of(hold).count() == 0
    assert hold_queries.tally(hold) == hold_queries.Tally(obeyed=1, let_through=0)


def test_a_drill_keeps_how_many_obeyed() -> None:
    raised("practice", hours=0.4, is_drill=True)
    hearing.heard("web1", ["practice"], "stop", now())
    assert hold_queries.last_drill() is None
    world.fast_forward(timedelta(minutes=30))
    drill = hold_queries.last_drill()
    assert drill is not None
    assert (drill.obeyed, drill.went_on) == (1, 0)


def planned(**more: object) -> Freeze:
    first = (now() + timedelta(days=1)).date()
    draft: dict[str, object] = {"name": "weekend", "reason": "nobody is there", "zone": "Europe/Berlin"}
    draft |= {"first": first, "start": time(16), "minutes": 60, **more}
    return freezing.plan_freeze(freezing.FreezeDraft(**draft), by=BY)  # type: ignore[arg-type]


def test_a_freeze_gives_the_gate_its_next_hold_ahead_of_time() -> None:
    freeze = planned(days=range(7))
    first = Hold.objects.get(freeze=freeze)
    assert (word(), hold_queries.state_of(first, now())) == ("go", "coming")
    CLOCK.move(first.starts_at - now())
    assert word() == "stop"
    world.fast_forward(timedelta(minutes=61))
    second = Hold.objects.get(freeze=freeze, ended_at=None)
    assert timedelta(hours=22) < second.starts_at - first.starts_at < timedelta(hours=26)
    for _ in range(2):
        freezing.end_freeze(freeze, by=BY)
    assert hold_queries.rules() == []


def test_a_freeze_follows_the_wall_clock_of_its_zone() -> None:
    freeze = Freeze(zone="Europe/Berlin", first=date(2026, 10, 24), start=time(16), minutes=30, days=[5, 6])
    begins = [start for start, _ in zip(freezing.windows(freeze, datetime(2026, 10, 24, tzinfo=UTC)), range(2))]  # noqa: B905
    assert [f"{start[0]:%d %H}" for start in begins] == ["24 14", "25 15"]


@pytest.mark.parametrize(
    "draft",
    [
        {"days": range(7), "minutes": 24 * 60},
        {"days": range(7), "minutes": 23 * 60 + 30},
        {"days": range(7), "minutes": 20 * 60 + 30},
        {"days": [4], "minutes": 7 * 24 * 60},
        {"days": [4], "minutes": 7 * 24 * 60 - 90},
        {"days": [0, 3], "minutes": 5 * 24 * 60},
    ],
)
def test_a_freeze_that_never_lets_go_needs_a_last_day(draft: dict[str, object]) -> None:
    with pytest.raises(BadInput) as wrong:
        planned(**draft)
    assert (wrong.value.field, wrong.value.status) == ("last", 422)
    assert "give an earlier last day" in wrong.value.sentence
    with pytest.raises(BadInput):
        planned(**draft, last=(now() + timedelta(days=30)).date())
    assert not Freeze.objects.exists()
    assert planned(**draft, last=(now() + timedelta(days=10)).date()).pk


def test_one_of_old_that_never_lets_go_is_over_after_as_long_as_one_may_be_planned() -> None:
    freeze = planned(days=range(7), minutes=20 * 60)
    Freeze.objects.update(minutes=24 * 60)  # as it could be planned once
    freeze.refresh_from_db()
    told = freezing.ends_for_good_at(freeze, at=now())
    for _ in range(30):
        world.fast_forward(timedelta(hours=24))
    freeze.refresh_from_db()
    assert freeze.ended_at is not None
    assert word() == "go"
    days = [hold.starts_at for hold in Hold.objects.filter(freeze=freeze, lifted_by="").order_by("starts_at")]
    assert days[-1] - days[0] <= timedelta(days=21)
    assert told == Hold.objects.filter(freeze=freeze, lifted_by="").latest("ends_at").ends_at


def test_a_freeze_of_whole_weekends_lets_go_between_them() -> None:
    assert planned(days=[5, 6], minutes=24 * 60).pk


def test_a_freeze_waits_for_its_name() -> None:
    freeze = planned(name="weekend", days=range(7))
    first = Hold.objects.get(freeze=freeze)
    holding.lift(first, word="not this time", by=BY)
    second = Hold.objects.get(freeze=freeze, ended_at=None)
    Hold.objects.filter(pk=second.pk).update(name="other")
    raised("weekend", hours=70)
    CLOCK.move(second.ends_at - now())
    world.fast_forward(timedelta(minutes=1))
    assert Hold.objects.filter(freeze=freeze, ended_at=None).count() == 0
    world.fast_forward(timedelta(minutes=60 * 71))
    assert Hold.objects.filter(freeze=freeze, ended_at=None).count() == 1


def stored() -> replay.State:
    return {
        "holds": replay.rows(Hold, HOLD),
        "exceptions": replay.rows(HoldException, EXCEPTION),
        "drills": {row["hold_id"]: row for row in HoldDrill.objects.values("hold_id", *DRILL)},
        "freezes": replay.rows(Freeze, FREEZE),
    }


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    match said:
        case events.HoldRaised():
            row = {**replay.fresh(Hold, HOLD), **said.model_dump(include=set(HOLD))}
            state["holds"][said.hold] = {"pk": said.hold, **row, "freeze_id": said.freeze, "person_id": said.person}
            if said.is_drill:
                drill = {**replay.fresh(HoldDrill, DRILL), "began_at": said.starts_at}
                state["drills"][said.hold] = {"hold_id": said.hold, **drill}
        case events.HoldExtended() | events.HoldLifted() | events.HoldEnded():
            state["holds"][said.hold].update(said.model_dump(exclude={"hold", "who"}))
        case events.HoldExceptionMade():
            row = {**said.model_dump(exclude={"exception", "hold", "of"}), "hold_id": said.hold, "kind": said.of}
            state["exceptions"][said.exception] = {"pk": said.exception, **row}
        case events.HoldExceptionEnded():
            state["exceptions"][said.exception]["ends_at"] = said.ends_at
        case events.HoldDrilled():
            state["drills"][said.hold].update(said.model_dump(exclude={"hold"}))
        case _:
            tell_of_freeze(state, said)


def tell_of_freeze(state: replay.State, said: timeline.EventPayload) -> None:
    match said:
        case events.FreezePlanned():
            row = {**replay.fresh(Freeze, FREEZE), **said.model_dump(include=set(FREEZE))}
            state["freezes"][said.freeze] = {"pk": said.freeze, **row}
        case events.FreezeEnded():
            state["freezes"][said.freeze]["ended_at"] = said.ended_at


def much() -> None:
    hold = raised("a", reach=Reach(clusters=("fra1",), packages=("httpd",)), link="incident:4")
    made = holding.let_through(hold, holding.Through("role", "db", "they look"), by=BY)
    holding.take_back(made, by=BY)
    holding.extend(hold, now() + 2 * HOUR, version=1, by=BY)
    holding.lift(hold, word="fine", by=BY)
    raised("drill", hours=0.2, is_drill=True)
    freeze = planned(days=range(7))
    world.fast_forward(timedelta(minutes=60 * 50))
    freezing.end_freeze(freeze, by=BY)


def test_events_told_to_an_older_copy_give_the_stored_state() -> None:
    assert replay.differences(stored, tell, much) == {}
    assert Hold.objects.count() > 3

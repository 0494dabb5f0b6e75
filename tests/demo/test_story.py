"""The script holds together under every lever, and keeps to the words of the design."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from raglan.demo import company
from raglan.demo.beats import (
    AnswerOutside,
    AskOutside,
    Beat,
    Begins,
    Close,
    Declare,
    Ends,
    GiveHeadsUp,
    Happened,
    LoseTool,
    Propose,
    RaiseHold,
    Reply,
    Say,
    StandDown,
    Take,
    Tell,
    TellFigures,
    TellOutside,
    ToolBack,
)
from raglan.demo.levers import LEVERS, Lever, markdown, render
from raglan.demo.model import simulate
from raglan.demo.scene import Scene, t
from raglan.demo.story import story

BLAME = re.compile(
    r"root cause|human error|caused by|offender|violation|\bfault|blame|mistake|should have|could have|careless"
    r"|failed to|accidental|forgot|obvious|simply|just ",
    re.IGNORECASE,
)
EVERY = pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.slug)


def told(lever: Lever) -> tuple[Beat, ...]:
    return story(Scene(lever, simulate(lever.settings)))


def words(beat: Beat) -> Iterator[str]:
    for part in fields(beat.action):
        value = getattr(beat.action, part.name)
        yield from (
            [value]
            if isinstance(value, str)
            else [item for item in value if isinstance(item, str)]
            if isinstance(value, tuple)
            else []
        )


@EVERY
def test_nobody_is_blamed(lever: Lever) -> None:
    for beat in told(lever):
        assert not [said for said in words(beat) if BLAME.search(said)]


def test_levers_tell_how_the_system_behaves() -> None:
    assert all(lever.label.startswith("How the system behaves ") for lever in LEVERS)
    assert not BLAME.search(render())
    assert not BLAME.search(markdown().replace("ought to have", ""))


@EVERY
def test_beats_are_in_order_and_people_exist(lever: Lever) -> None:
    beats = told(lever)
    assert [beat.at for beat in beats] == sorted(beat.at for beat in beats)
    assert {beat.who for beat in beats} <= {*company.BY_KEY, ""}


@EVERY
def test_an_answer_speaks_of_an_entry_that_is_there(lever: Lever) -> None:
    said: dict[str, Say] = {}
    for beat in told(lever):
        match beat.action:
            case Say(name=name) if name:
                assert name not in said
                said[name] = beat.action
            case Happened(of) | Close(of):
                assert of in said
            case Take(of):
                assert said[of].kind == "ask"
            case Reply(of):
                assert said[of].kind == "verify"


@EVERY
def test_every_ask_verification_and_intention_comes_to_an_end(lever: Lever) -> None:
    beats = told(lever)
    ended = {beat.action.of for beat in beats if isinstance(beat.action, Happened | Close)}
    waits = {
        beat.action.name
        for beat in beats
        if isinstance(beat.action, Say) and beat.action.kind in ("ask", "verify", "doing")
    }
    assert waits <= ended


@EVERY
def test_a_room_is_opened_before_anything_is_said_in_it(lever: Lever) -> None:
    acts = [beat.action for beat in told(lever) if not isinstance(beat.action, Tell | Propose | Begins)]
    assert isinstance(acts[0], GiveHeadsUp | Declare)


@EVERY
def test_what_is_expected_is_said_before_the_change_begins_and_its_end_is_told(lever: Lever) -> None:
    acts = [type(beat.action) for beat in told(lever)]
    assert acts.index(Propose) < acts.index(Begins) < acts.index(Ends)
    assert [acts.count(kind) for kind in (Propose, Begins, Ends)] == [1, 1, 1]
    assert (RaiseHold in acts) == (lever.slug == "stop-at-4")


@EVERY
def test_the_figures_are_told_before_the_room_is_closed(lever: Lever) -> None:
    acts = [beat.action for beat in told(lever)]
    figures = next(place for place, act in enumerate(acts) if isinstance(act, TellFigures))
    closings = [place for place, act in enumerate(acts) if isinstance(act, StandDown)]
    assert all(figures < place for place in closings)
    assert bool(closings) == (lever.slug != "stop-at-4")


@EVERY
def test_tools_that_are_lost_come_back_when_all_machines_serve(lever: Lever) -> None:
    acts = [beat.action for beat in told(lever)]
    lost = {act.service for act in acts if isinstance(act, LoseTool)}
    back = {act.service for act in acts if isinstance(act, ToolBack)}
    assert back == (lost if lever.slug != "stop-at-4" else set())


def test_people_are_told_before_the_pager_speaks() -> None:
    first = next(beat for beat in told(LEVERS[0]) if isinstance(beat.action, GiveHeadsUp))
    assert (first.at, first.who) == (t(3, 30), "rowan")


def test_the_seven_are_named_only_where_they_exist() -> None:
    scene = Scene(LEVERS[0], simulate())
    assert len(scene.untouched()) == 7
    put_right = next(lever for lever in LEVERS if lever.slug == "seven-put-right")
    assert not [said for beat in told(put_right) for said in words(beat) if "seven" in said.lower()]


@EVERY
def test_machines_with_a_part_in_the_story_are_bad_when_they_are_spoken_of(lever: Lever) -> None:
    if lever.slug in ("one-machine-first", "no-stagger"):
        return
    scene = Scene(lever, simulate(lever.settings))
    assert len({scene.watched().name, scene.tried().name, scene.repeated().name}) == 3
    assert not scene.watched().state_at(t(3)).serves
    if lever.slug in ("as-documented", "seven-put-right", "dashboards-elsewhere"):
        assert not scene.tried().state_at(t(8)).serves
        assert not scene.repeated().state_at(t(9, 10)).serves


def test_those_who_wait_get_an_answer_and_a_last_word() -> None:
    acts = [beat.action for beat in told(LEVERS[0])]
    asked = {act.name for act in acts if isinstance(act, AskOutside)}
    assert asked == {act.of for act in acts if isinstance(act, AnswerOutside)}
    assert [act.stage for act in acts if isinstance(act, TellOutside)] == ["looking", "found", "over"]

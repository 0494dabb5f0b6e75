"""Events of the outside are enough: told to an older copy of the state, they give the stored one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.incidents.models import Incident
from raglan.outside import asking, desk, events
from raglan.outside.desk import Word
from raglan.outside.models import Desk, Question, StatusUpdate
from raglan.people.models import Person
from raglan.testing import replay, world

DESK = ("holder_id", "held_since", "note", "next_word_at", "reminded_at")
UPDATE = ("incident_id", "number", "key", "stage", "text", "by_id", "at", "next_word_at")
QUESTION = ("incident_id", "key", "text", "asker_id", "asked_at", "state", "answer", "answered_by_id", "answered_at",
            "answered_in_id")  # fmt: skip


def stored() -> replay.State:
    return {
        "desks": replay.rows(Desk, DESK),
        "updates": replay.rows(StatusUpdate, UPDATE),
        "questions": replay.rows(Question, QUESTION),
    }


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    match said:
        case events.DeskHeld():
            at_desk(state, said.incident).update(holder_id=said.person, held_since=said.held_since, note=said.note)
        case events.WordPromised():
            at_desk(state, said.incident).update(next_word_at=said.next_word_at, reminded_at=None)
        case events.WordLate():
            at_desk(state, said.incident).update(reminded_at=said.reminded_at)
        case events.UpdateSaid():
            at_desk(state, said.incident).update(next_word_at=said.next_word_at, reminded_at=None)
            own = said.model_dump(include={"number", "key", "stage", "text", "next_word_at"})
            links: replay.Row = {"pk": said.update, "incident_id": said.incident, "by_id": said.person}
            state["updates"][said.update] = {**own, **links, "at": said.said_at}
        case events.QuestionAsked():
            asked = said.model_dump(include={"key", "text", "asked_at"})
            who: replay.Row = {"pk": said.question, "incident_id": said.incident, "asker_id": said.person}
            state["questions"][said.question] = {**replay.fresh(Question, QUESTION), **asked, **who}
        case events.QuestionPutOff():
            state["questions"][said.question]["state"] = "next"
        case events.QuestionAnswered():
            given: replay.Row = {"state": "answered", "answer": said.answer, "answered_by_id": said.person}
            state["questions"][said.question].update(given, answered_at=said.answered_at, answered_in_id=said.update)


def at_desk(state: replay.State, pk: int) -> replay.Row:
    fresh: replay.Row = {"pk": pk, **replay.fresh(Desk, DESK)}
    return state["desks"].setdefault(pk, fresh)


def holding(room: Incident, mara: Person, bo: Person) -> None:
    desk.hold(room, bo, by=bo)
    desk.hold(room, mara, by=bo, note="Sales asks")
    desk.promise(room, timedelta(minutes=5), by=mara)
    world.fast_forward(timedelta(minutes=6))
    desk.hold(room, None, by=mara)


def saying(room: Incident, mara: Person, bo: Person) -> None:
    asking.put_off(asking.ask(room, "Until when?", by=mara, key="1"), by=bo)
    asking.answer(asking.ask(room, "Why?", by=mara, key="2"), "We do not know yet.", by=bo)
    desk.promise(room, timedelta(minutes=5), by=mara)
    world.fast_forward(timedelta(minutes=6))
    desk.say(room, Word("looking", "We look.", timedelta(minutes=5)), by=bo)
    desk.say(room, Word("over", "It is over."), by=mara)


@pytest.mark.parametrize("act", [holding, saying], ids=lambda act: act.__name__)
def test_events_told_to_an_older_copy_give_the_stored_state(
    act: Callable[[Incident, Person, Person], object], room: Incident, mara: Person, bo: Person
) -> None:
    assert replay.differences(stored, tell, lambda: act(room, mara, bo)) == {}

"""Events of the outside are enough: told to an older copy of the state, they give the stored one."""

from collections.abc import Callable
from datetime import time, timedelta
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.incidents.models import Incident
from raglan.outside import asking, components, desk, events, publishing, wordings
from raglan.outside.components import ComponentDraft, PageDraft, WindowDraft
from raglan.outside.desk import Word
from raglan.outside.models import (
    Component,
    ComponentWord,
    Desk,
    PublicWindow,
    Question,
    StatusPage,
    StatusUpdate,
    Target,
    Wording,
)
from raglan.people.models import Person
from raglan.testing import replay, world

DESK = ("holder_id", "held_since", "note", "next_word_at", "reminded_at")
UPDATE = ("incident_id", "number", "key", "stage", "text", "by_id", "at", "next_word_at", "is_public",
          "headline", "withdrawn_at", "withdrawn_by_id")  # fmt: skip
QUESTION = ("incident_id", "key", "text", "asker_id", "asked_at", "state", "answer", "answered_by_id", "answered_at",
            "answered_in_id")  # fmt: skip

PAGE = ("is_on", "title", "intro", "home_url", "address", "language", "zone", "word_hours", "uses_script", "version",
        "takes_subscribers")  # fmt: skip
PART = ("name", "group", "text", "position", "source_id", "quiet_min", "removed_at")
WINDOW = ("title", "text")
TARGET = ("kind", "name", "settings", "every_min", "created_at", "ended_at", "problem", "failing_since")


def services_of(component: Component) -> list[int]:
    return sorted(component.services.values_list("pk", flat=True))


def stored() -> replay.State:
    return {
        "desks": replay.rows(Desk, DESK),
        "updates": replay.rows(StatusUpdate, UPDATE),
        "questions": replay.rows(Question, QUESTION),
        "pages": replay.rows(StatusPage, PAGE),
        "parts": replay.rows(Component, PART),
        "services": {one.pk: {"of": of} for one in Component.objects.all() if (of := services_of(one))},
        "words": {
            (row["component_id"], row["at"]): dict(row)
            for row in ComponentWord.objects.values("component_id", "update_id", "state", "by_id", "at")
        },
        "windows": replay.rows(PublicWindow, WINDOW),
        "targets": replay.rows(Target, TARGET),
        "wordings": replay.rows(Wording, ("name", "stage", "headline", "text", "removed_at")),
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
            public: replay.Row = {"is_public": said.is_public, "headline": said.headline}
            public |= {"withdrawn_at": None, "withdrawn_by_id": None}
            state["updates"][said.update] = {**own, **links, **public, "at": said.said_at}
            for one in said.states:
                word = one.component, said.update, one.state, said.person, said.said_at
                state["words"][one.component, said.said_at] = dict(zip(WORD, word, strict=True))
        case _:
            of_a_question(state, said)


def of_a_question(state: replay.State, said: timeline.EventPayload) -> None:
    match said:
        case events.UpdateWithdrawn():
            state["updates"][said.update].update(withdrawn_at=said.withdrawn_at, withdrawn_by_id=said.person)
        case events.QuestionAsked():
            asked = said.model_dump(include={"key", "text", "asked_at"})
            who: replay.Row = {"pk": said.question, "incident_id": said.incident, "asker_id": said.person}
            state["questions"][said.question] = {**replay.fresh(Question, QUESTION), **asked, **who}
        case events.QuestionPutOff():
            state["questions"][said.question]["state"] = "next"
        case events.QuestionAnswered():
            given: replay.Row = {"state": "answered", "answer": said.answer, "answered_by_id": said.person}
            state["questions"][said.question].update(given, answered_at=said.answered_at, answered_in_id=said.update)
        case _:
            of_the_page(state, said)


WORD = ("component_id", "update_id", "state", "by_id", "at")


def of_the_page(state: replay.State, said: timeline.EventPayload) -> None:
    match said:
        case events.StatusPageSet():
            state["pages"][said.page] = {"pk": said.page, **said.model_dump(exclude={"page"})}
        case events.ComponentSet():
            own = said.model_dump(exclude={"component", "source", "services"})
            before = state["parts"].get(said.component, replay.fresh(Component, PART))
            state["parts"][said.component] = {**before, "pk": said.component, **own, "source_id": said.source}
            state["services"].pop(said.component, None)
            state["services"] |= {said.component: {"of": said.services}} if said.services else {}
        case events.ComponentRemoved():
            state["parts"][said.component]["removed_at"] = said.removed_at
        case events.ComponentSaid():
            word = said.component, None, said.state, said.person, said.said_at
            state["words"][said.component, said.said_at] = dict(zip(WORD, word, strict=True))
        case events.WindowShown():
            shown: replay.Row = {"pk": said.maintenance, "title": said.title, "text": said.text}
            state["windows"][said.maintenance] = shown
        case events.WindowHidden():
            del state["windows"][said.maintenance]
        case _:
            of_a_place(state, said)


def of_a_place(state: replay.State, said: timeline.EventPayload) -> None:
    match said:
        case events.TargetSet():
            own = said.model_dump(include={"name", "settings", "every_min", "created_at"})
            kind: replay.Row = {"pk": said.target, "kind": said.target_kind}
            state["targets"][said.target] = {**replay.fresh(Target, TARGET), **own, **kind}
        case events.TargetEnded():
            state["targets"][said.target]["ended_at"] = said.ended_at
        case events.Published():
            state["targets"][said.target].update(problem="", failing_since=None)
        case events.WordingSet():
            row: replay.Row = {"pk": said.wording, "removed_at": None, **said.model_dump(exclude={"wording"})}
            state["wordings"][said.wording] = row
        case events.WordingRemoved():
            state["wordings"][said.wording]["removed_at"] = said.removed_at
        case events.NotPublished():
            state["targets"][said.target].update(problem=said.problem, failing_since=said.failing_since)


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


def showing(room: Incident, mara: Person, bo: Person) -> None:
    components.set_page(PageDraft(True, "Loomhaven", "Ask us."), seen_version=0, actor=mara)
    one = components.add_component(ComponentDraft("Buying", services=[world.service("web")]), actor=mara)
    components.change_component(one, ComponentDraft("Shop", "Sales", position=2), actor=mara)
    components.say_state(one, "slow", by=bo, actor=bo)
    over = Word("over", "Over.", is_public=True, headline="Slow", states={one.pk: "fine"})
    desk.withdraw(desk.say(room, over, by=bo), by=mara)
    soon = (now() + timedelta(days=1)).date()
    first, other = (world.maintenance(("service", "=", "web"), first=soon, start=time(2)) for _ in range(2))
    components.show_window(first, WindowDraft("Breaks"), actor=mara)
    components.show_window(first, WindowDraft("Short breaks", "Soon.", [one]), actor=mara)
    components.show_window(other, WindowDraft("Other"), actor=mara)
    components.hide_window(other, actor=mara)
    components.remove_component(one, actor=mara)


def wording(room: Incident, mara: Person, bo: Person) -> None:
    made = wordings.add(wordings.Draft("Slow", "looking", "… is slow."), actor=mara)
    wordings.change(made, wordings.Draft("Slow, first word", "found", "… is slow.", "Slow"), actor=bo)
    wordings.remove(made, actor=mara)


def bringing(room: Incident, mara: Person, bo: Person) -> None:
    components.set_page(PageDraft(True, "Loomhaven"), seen_version=0, actor=mara)
    with TemporaryDirectory() as folder, patch.object(config(), "status_folders", [folder]):
        settings = {"path": f"{folder}/a"}
        target = publishing.add(publishing.Draft("folder", "Web", settings), actor=mara)
        with patch.object(config(), "status_folders", []):
            world.fire_all()
        world.fast_forward(timedelta(minutes=2))
        publishing.end(target, actor=mara)


@pytest.mark.parametrize("act", [holding, saying, showing, wording, bringing], ids=lambda act: act.__name__)
def test_events_told_to_an_older_copy_give_the_stored_state(
    act: Callable[[Incident, Person, Person], object], room: Incident, mara: Person, bo: Person
) -> None:
    assert replay.differences(stored, tell, lambda: act(room, mara, bo)) == {}

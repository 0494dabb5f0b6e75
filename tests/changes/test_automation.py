"""Automation cards: answers keep their earlier texts and show how far they can be relied on; events are enough."""

from datetime import date, timedelta

import pytest
from django.test import Client

from raglan.changes import automation
from raglan.changes import automation_events as events
from raglan.changes.automation import Draft
from raglan.changes.automation_models import AutomationAnswer, AutomationCard, AutomationPractice
from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person
from raglan.testing import replay, world

CARD = ("slug", "title", "acts_on", "team_id", "version", "updated_at", "updated_by_id", "removed_at")
ANSWER = ("card_id", "question", "version", "text", "at", "by_id")
DONE = ("answer_id", "worked", "words", "at", "by_id")
CHEF = {"notice": "Failed runs page", "stop": "Hold the fleet"}


@pytest.fixture
def mara(db: None) -> Person:
    return world.person("Mara Keller")


@pytest.fixture
def card(mara: Person) -> AutomationCard:
    return automation.write_new(Draft("Chef", "all web hosts", CHEF), writer=automation.by(mara))


def states(card: AutomationCard) -> dict[str, str]:
    return {str(one.question): one.state for one in automation.answered([card])[card.pk]}


def stored() -> replay.State:
    return {
        "cards": replay.rows(AutomationCard, CARD),
        "answers": replay.rows(AutomationAnswer, ANSWER),
        "done": replay.rows(AutomationPractice, DONE),
    }


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    pk = next(int(name[11:]) for name in event.subjects if name.startswith("automation:"))
    match said:
        case events.AutomationWritten():
            wrote(state, said)
        case events.AutomationPractised():
            row: replay.Row = {"pk": said.practice, "answer_id": said.answer, "worked": said.worked}
            more: replay.Row = {"words": said.words, "at": said.practised_at, "by_id": said.person}
            state["done"][said.practice] = {**row, **more}
        case events.AutomationRemoved():
            state["cards"][pk]["removed_at"] = said.removed_at
        case events.AutomationBroughtBack():
            state["cards"][pk]["removed_at"] = None


def wrote(state: replay.State, said: events.AutomationWritten) -> None:
    at: replay.Row = {"updated_at": said.written_at, "updated_by_id": said.person, "version": said.version}
    own = {"slug": said.slug, "title": said.title, "acts_on": said.acts_on, "team_id": said.team}
    before = state["cards"].get(said.automation, replay.fresh(AutomationCard, CARD))
    state["cards"][said.automation] = {**before, "pk": said.automation, **own, **at}
    for question, text in said.answers.items():
        row: replay.Row = {"pk": said.keys[question], "card_id": said.automation, "question": question, "text": text}
        by: replay.Row = {"version": said.version, "at": said.written_at, "by_id": said.person}
        state["answers"][said.keys[question]] = {**row, **by}


def test_events_told_to_an_older_copy_give_the_stored_state(mara: Person) -> None:
    writer = automation.by(mara)

    def act() -> None:
        made = automation.write_new(Draft("Chef", "all", CHEF), writer=writer)
        draft = Draft("Chef", "some", {**CHEF, "stop": "Ask Bo"})
        automation.rewrite(made, draft, seen_version=1, writer=writer)
        automation.practise(made, "stop", "In the drill", worked=False, writer=writer)
        automation.remove(made, writer=writer)
        automation.bring_back(made, writer=writer)

    assert replay.differences(stored, tell, act) == {}


def test_an_answer_says_how_far_it_can_be_relied_on(card: AutomationCard, mara: Person) -> None:
    writer = automation.by(mara)
    assert states(card) == {"notice": "never", "try": "empty", "stop": "never", "by_hand": "empty"}

    automation.practise(card, "stop", "In the drill", worked=False, writer=writer)
    assert states(card)["stop"] == "failed"
    automation.practise(card, "stop", "Again", worked=True, writer=writer)
    assert states(card)["stop"] == "fresh"
    CLOCK.move(automation.FRESH_FOR + timedelta(days=1))
    assert states(card)["stop"] == "stale"
    automation.rewrite(card, Draft("Chef", "all", {"stop": "Another switch"}), seen_version=1, writer=writer)
    assert states(card)["stop"] == "reworded"


def test_changing_one_answer_keeps_the_others_and_the_earlier_text(card: AutomationCard, mara: Person) -> None:
    draft = Draft("Chef", "all web hosts", {"stop": "Another switch"})
    automation.rewrite(card, draft, seen_version=1, writer=automation.by(mara))
    notice, _, stop, _ = automation.answered([card])[card.pk]

    assert notice.answer is not None
    assert (notice.answer.text, [one.text for one in stop.earlier]) == ("Failed runs page", ["Hold the fleet"])


def test_the_same_again_changes_nothing_and_the_later_of_two_is_refused(card: AutomationCard, mara: Person) -> None:
    draft, writer = Draft("Chef", "all web hosts", CHEF), automation.by(mara)
    assert automation.rewrite(card, draft, seen_version=1, writer=writer).version == 1
    with pytest.raises(Conflict):
        automation.rewrite(card, draft, seen_version=0, writer=writer)


def test_what_is_not_answered_can_not_be_practised(card: AutomationCard, mara: Person) -> None:
    with pytest.raises(Conflict):
        automation.practise(card, "by_hand", "Done", worked=True, writer=automation.by(mara))
    with pytest.raises(BadInput):
        automation.practise(card, "stop", " ", worked=True, writer=automation.by(mara))


def test_what_was_practised_earlier_is_kept_with_its_day_and_the_last_one_counts(
    card: AutomationCard, mara: Person
) -> None:
    writer, today = automation.by(mara), now().date()
    for days, worked in ((20, True), (300, False)):
        day = today - timedelta(days=days)
        automation.practise(card, "stop", f"{days} days ago", worked=worked, writer=writer, on=day)
    stop = next(one for one in automation.answered([card])[card.pk] if one.question == "stop")
    assert [(one.at.date(), one.worked) for one in stop.practices] == [
        (today - timedelta(days=20), True),
        (today - timedelta(days=300), False),
    ]
    assert stop.state == "fresh"
    for wrong in (today + timedelta(days=3), date(1, 1, 1)):
        with pytest.raises(BadInput):
            automation.practise(card, "stop", "Done", worked=True, writer=writer, on=wrong)


def test_the_screen_takes_the_day_and_says_when_it_is_none(card: AutomationCard, mara: Person) -> None:
    browser = Client()
    browser.force_login(mara)
    said = {"do": "worked", "question": "stop", "words": "In the drill"}
    for day in ("2020-02-29", "2021-02-29", "2999-01-01"):
        browser.post(f"/changes/automation/{card.slug}/act/", {**said, "on": day})
    page = browser.get(f"/changes/automation/{card.slug}/").content.decode()
    assert "a day is written as 2026-11-23" in page
    assert "this day is still to come" in page
    assert [one.at.date() for one in AutomationPractice.objects.all()] == [date(2020, 2, 29)]


def test_a_card_is_written_and_practised_by_its_screens(mara: Person) -> None:
    browser = Client()
    browser.force_login(mara)
    browser.post("/changes/automation/new/", {"title": "New", "acts_on": "all", "stop": "Pull the plug"})
    browser.post("/changes/automation/new-2/act/", {"do": "worked", "question": "stop", "words": "In the drill"})

    page = browser.get("/changes/automation/").content.decode()
    assert "Practised" in page
    assert page.count("Nobody has answered") == 3

"""Quotes show only when their speaker approved them, never with a name, and are gone when they are taken back."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.errors import BadInput, NotFound
from raglan.core.models import Event, Timer
from raglan.people.models import Person
from raglan.processes import interview_events as events
from raglan.processes import interviews
from raglan.processes.interview_models import InterviewRound, InterviewTheme, Quote
from raglan.processes.interviews import Quoted
from raglan.processes.models import Process
from raglan.testing import replay, world

WORDS = "I wait two hours, then I go round it"
ROUND = ("process_id", "question", "planned", "held", "begun_by_id", "begun_at")
THEME = ("round_id", "title", "words", "at")


@pytest.fixture
def talks(process: Process, mara: Person) -> InterviewRound:
    return interviews.begin(process, "Where do people wait?", 6, by=mara)


@pytest.fixture
def theme(talks: InterviewRound, mara: Person) -> InterviewTheme:
    return interviews.write_theme(talks, "Waits", "For the environment", by=mara)


def seen(talks: InterviewRound, reader: Person | None) -> list[str]:
    return [quote.words for theme in interviews.themes(talks, reader) for quote in theme.quotes.all()]


def stored() -> replay.State:
    return {
        "rounds": replay.rows(InterviewRound, ROUND),
        "themes": replay.rows(InterviewTheme, THEME),
        "quotes": replay.rows(Quote, ("theme_id", "state")),
    }


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event; the words of quotes are in none."""
    match said:
        case events.InterviewsBegun():
            own = said.model_dump(exclude={"round", "process", "person"})
            links: replay.Row = {"pk": said.round, "process_id": said.process, "begun_by_id": said.person, "held": 0}
            state["rounds"][said.round] = {**own, **links}
        case events.InterviewHeld():
            state["rounds"][said.round]["held"] = said.held
        case events.InterviewThemeWritten():
            row: replay.Row = {"pk": said.theme, "round_id": said.round, "at": said.written_at}
            state["themes"][said.theme] = {**row, "title": said.title, "words": said.words}
        case events.QuoteTurned():
            state["quotes"][said.quote] = {"pk": said.quote, "theme_id": said.theme, "state": said.state}


def test_events_told_to_an_older_copy_give_the_stored_state(process: Process, mara: Person, bo: Person) -> None:
    def act() -> None:
        talks = interviews.begin(process, "Where do people wait?", 6, by=mara)
        interviews.hold(talks, by=mara)
        theme = interviews.write_theme(talks, "Waits", "", by=mara)
        one = interviews.quote(theme, Quoted(WORDS, "somebody", bo), by=mara)
        interviews.approve(one, by=bo)
        interviews.take_back(interviews.quote(theme, Quoted(WORDS, "somebody"), by=mara), by=mara)

    assert replay.differences(stored, tell, act) == {}


def test_a_quote_waits_for_its_speaker_who_is_asked_by_mail(
    talks: InterviewRound, theme: InterviewTheme, mara: Person, bo: Person
) -> None:
    one = interviews.quote(theme, Quoted(WORDS, "somebody who changes cookbooks", bo), by=mara)
    other = world.person("Ines Roy")
    assert (seen(talks, bo), seen(talks, mara), seen(talks, other), seen(talks, None)) == ([WORDS], [WORDS], [], [])
    assert Timer.objects.filter(kind="people.mail", subject=timeline.ref(one)).count() == 1
    with pytest.raises(NotFound):
        interviews.approve(one, by=mara)

    interviews.approve(one, by=bo)
    assert seen(talks, other) == [WORDS]


def test_what_is_taken_back_is_gone_and_in_no_event(
    talks: InterviewRound, theme: InterviewTheme, mara: Person, bo: Person
) -> None:
    one = interviews.quote(theme, Quoted(WORDS, "somebody", bo), by=mara)
    interviews.approve(one, by=bo)
    with pytest.raises(NotFound):
        interviews.take_back(one, by=world.person("Ines Roy"))
    interviews.take_back(one, by=bo)

    one.refresh_from_db()
    assert (one.words, one.described_as, one.speaker, seen(talks, mara)) == ("", "", None, [])
    turned = Event.objects.filter(kind="interview.quote_turned").order_by("pk")
    assert [event.actor for event in turned] == ["raglan"] * 3
    assert not any(WORDS in str(event.data) for event in Event.objects.order_by("pk"))


def test_a_round_is_of_five_to_eight_talks(process: Process, mara: Person) -> None:
    for planned in (4, 9):
        with pytest.raises(BadInput):
            interviews.begin(process, "Why?", planned, by=mara)


def test_every_round_of_talks_can_be_seen(client: Client, process: Process, mara: Person) -> None:
    client.force_login(mara)
    for number in range(52):
        interviews.begin(process, f"Question {number:02}?", 6, by=mara)
    path = f"/processes/{process.slug}/interviews/"
    first, last = (client.get(f"{path}?page={page}").content.decode() for page in (1, 2))
    assert ("Question 51?" in first, "Question 01?" in first, "Question 01?" in last) == (True, False, True)
    told = client.get(f"/api/v1{path.rstrip('/')}?skip=50").json()
    assert [one["question"] for one in told] == ["Question 01?", "Question 00?"]


def test_the_screens_lead_from_the_kit_to_a_quote(
    process: Process, mara: Person, bo: Person, browser: Client, as_person: Callable[[Person], Client]
) -> None:
    path = f"/processes/{process.slug}/interviews/"
    assert "Reserve the test environment" in browser.get(f"{path}kit/").content.decode()
    browser.post(path, {"question": "Where do people wait?", "planned": "6"})
    talks = InterviewRound.objects.get()
    browser.post(f"{path}{talks.pk}/", {"do": "held"})
    browser.post(f"{path}{talks.pk}/", {"do": "theme", "theme-title": "Waits"})
    said = {"quote-words": WORDS, "quote-described_as": "somebody", "quote-speaker": str(bo.pk)}
    browser.post(f"{path}{talks.pk}/", {"do": "quote", "quote-theme": str(talks.themes.get().pk), **said})
    his = as_person(bo)
    assert "They may be shown" in his.get(f"{path}{talks.pk}/").content.decode()
    his.post(f"{path}{talks.pk}/quotes/{Quote.objects.get().pk}/", {"do": "approve"})

    assert (Quote.objects.get().state, InterviewRound.objects.get().held) == ("approved", 1)

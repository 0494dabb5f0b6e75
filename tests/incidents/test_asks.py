"""To whom an ask goes, what happens if nobody answers, and how it is handed back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, queries
from raglan.incidents.actions import IfNobody, Said
from raglan.incidents.asking import Ask
from raglan.incidents.models import Entry, Incident
from raglan.incidents.room import tally
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]
Kind = Entry.Kind
LATER = timedelta(minutes=2, seconds=2)


def paged(outbox: world.Outbox) -> list[str]:
    return [item.message.person_name for item in outbox.sent]


@pytest.mark.parametrize("kind", [Kind.ASK, Kind.STUCK])
def test_a_named_person_is_pinged_when_nobody_answers(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox, kind: Entry.Kind
) -> None:
    said = Said(kind, "Who knows yum?", if_nobody=IfNobody(timedelta(minutes=2), person=bo))
    entry = actions.post(incident, said, by=mara)
    assert Ask(entry, "").otherwise.startswith("Bo Silva is paged at ")

    world.fast_forward(LATER)

    assert paged(outbox) == ["Bo Silva"]
    assert outbox.sent[0].message.title == "Mara Keller asks you for help"
    entry = queries.entry(entry.pk)
    assert Ask(entry, "").otherwise.startswith("Bo Silva was paged at ")


def test_who_is_on_call_is_pinged_and_not_the_whole_team(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    ines = world.person("Ines Roth")
    team = world.team(bo, ines, name="Web")
    world.schedule(ines, of=team)
    actions.post(incident, Said(Kind.ASK, "A second pair of eyes?", to_team=team), by=mara)

    world.fast_forward(timedelta(minutes=5, seconds=2))

    assert paged(outbox) == ["Ines Roth"]


def test_an_ask_to_one_may_ping_another_or_nobody(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    ines = world.person("Ines Roth")
    team = world.team(ines, name="Web")
    quiet = actions.post(incident, Said(Kind.ASK, "When you have time", to_team=team, if_nobody=IfNobody()), by=mara)
    said = Said(Kind.ASK, "Yum?", to_person=ines, to_topic=" the  mirror ", if_nobody=IfNobody(person=bo))
    asked = actions.post(incident, said, by=mara)

    world.fast_forward(timedelta(minutes=6))

    assert paged(outbox) == ["Bo Silva"]
    assert (Ask(quiet, "").to, Ask(quiet, "").otherwise) == ("to Web", "")
    assert Ask(asked, "").to == "to Ines Roth about the mirror"


def test_who_is_asked_by_name_is_pinged_where_nothing_else_is_said(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    actions.post(incident, Said(Kind.ASK, "Yum?", to_person=bo), by=mara)

    world.fast_forward(timedelta(minutes=6))

    assert paged(outbox) == ["Bo Silva"]


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=2)])
def test_the_wait_is_from_a_minute_to_a_day(incident: Incident, mara: Person, bo: Person, after: timedelta) -> None:
    with pytest.raises(BadInput):
        actions.post(incident, Said(Kind.ASK, "Yum?", if_nobody=IfNobody(after, person=bo)), by=mara)


def test_an_ask_that_is_handed_back_waits_and_pings_anew(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    ines = world.person("Ines Roth")
    said = Said(Kind.ASK, "Yum?", if_nobody=IfNobody(timedelta(minutes=2), person=ines))
    entry = actions.take_ask(actions.post(incident, said, by=mara), by=bo)
    world.fast_forward(LATER)

    for _ in range(2):
        entry = actions.hand_back(entry, by=bo, why="I have to leave.")
    assert (entry.ask_state, entry.taken_by) == (Entry.AskState.WAITING, None)
    told = Entry.objects.get(incident=incident, kind=Kind.NOTE)
    assert told.text == "I hand this back: “Yum?”. I have to leave."

    world.fast_forward(LATER)
    assert paged(outbox) == ["Ines Roth"]


def test_nobody_hands_back_what_somebody_else_took(incident: Incident, mara: Person, bo: Person) -> None:
    entry = actions.take_ask(actions.post(incident, Said(Kind.ASK, "Yum?"), by=mara), by=bo)

    with pytest.raises(Conflict):
        actions.hand_back(entry, by=mara)


def test_an_ask_goes_where_its_form_says(incident: Incident, mara: Person, bo: Person, browser: Browser) -> None:
    team = world.team(bo, name="Web")
    actions.be_here(incident, by=bo)
    post = f"/incidents/{incident.pk}/entries/"
    given = {"to": f"person:{bo.pk}", "to_topic": "yum", "otherwise": f"team:{team.slug}", "after": "10"}
    browser(mara).post(post, {"kind": "ask", "text": "one", **given})
    browser(mara).post(post, {"kind": "ask", "text": "two", "to": f"team:{team.slug}", "otherwise": "same"})
    browser(mara).post(post, {"kind": "stuck", "text": "three", "to": "person:9999999", "otherwise": "nothing"})
    browser(mara).post(post, {"kind": "note", "text": "four", **given})

    found = Entry.objects.filter(incident=incident).order_by("pk")
    assert [(item.to_person, item.to_team, item.ping_person, item.ping_team, item.ping_after_s) for item in found] == [
        (bo, None, None, team, 600),
        (None, team, None, team, 300),
        (None, None, None, None, 0),
        (None, None, None, None, 0),
    ]
    shown = browser(bo).get(f"/incidents/{incident.pk}/").content.decode()
    assert "To you:" in shown
    assert "asks for help (to Bo Silva about yum):" in shown


def test_sides_of_a_verification_name_who_and_when_and_carry_evidence(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    entry = actions.post(incident, Said(Kind.VERIFY, "Slow for you, too?"), by=mara)
    browser(mara).post(f"/entries/{entry.pk}/yes/", {"text": "8 s: https://graphs.example.test/x"})
    browser(bo).post(f"/entries/{entry.pk}/no/")

    shown = browser(bo).get(f"/incidents/{incident.pk}/").content.decode()

    assert "1 sees it too, 1 does not." in shown
    assert "Mara Keller " in shown
    assert '<a href="https://graphs.example.test/x"' in shown


def test_a_side_that_nobody_took_is_not_counted_aloud(incident: Incident, mara: Person, bo: Person) -> None:
    entry = actions.post(incident, Said(Kind.VERIFY, "Slow for you, too?"), by=mara)
    actions.answer(entry, "yes", by=mara)
    assert tally(entry) == "1 sees it too."
    other = actions.post(incident, Said(Kind.VERIFY, "Slow from outside?"), by=mara)
    actions.answer(other, "no", by=bo)
    assert tally(other) == "1 does not see it."


def test_after_a_tap_the_page_opens_again_at_what_was_tapped(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    seen = actions.post(incident, Said(Kind.VERIFY, "Slow for you, too?"), by=mara)
    ask = actions.post(incident, Said(Kind.ASK, "Who reads the log?"), by=mara)
    client, room = browser(bo), f"/incidents/{incident.pk}/"

    def lands(address: str, **sent: str) -> str:
        return client.post(address, sent).headers["Location"].removeprefix(room)

    assert lands(f"/entries/{ask.pk}/take/") == f"#ask-{ask.pk}"
    assert lands(f"/entries/{ask.pk}/hand-back/") == f"#ask-{ask.pk}"
    assert lands(f"/entries/{seen.pk}/yes/") == f"#ask-{seen.pk}"
    assert lands(f"/entries/{ask.pk}/outcome/", text="I did") == "#h-asks"
    assert lands(f"{room}here/", doing="the log") == "#h-here"
    assert lands(f"{room}here/", do="offer", words="logs") == "#h-asks"
    assert lands(f"{room}here/", do="lead") == ""
    shown = client.get(room).content.decode()
    assert all(f'id="{place}"' in shown for place in (f"ask-{seen.pk}", "h-asks", "h-here"))


def test_the_same_over_rest(incident: Incident, mara: Person, bo: Person, rest: Call) -> None:
    path = f"/incidents/{incident.pk}/entries"
    otherwise = {"after_minutes": 2, "page_person_id": bo.pk}
    asked = rest(mara, "POST", path, {"kind": "ask", "text": "Yum?", "to_person_id": bo.pk, "if_nobody": otherwise})
    assert (asked["to_person"], asked["ping_at"] is not None) == ("Bo Silva", True)
    assert rest(mara, "POST", path, {"text": "x", "kind": "ask", "to_person_id": 99_999}) == (422, "bad_input")

    rest(bo, "POST", f"/entries/{asked['id']}/take")
    back = rest(bo, "POST", f"/entries/{asked['id']}/hand-back", {"why": "Called away"})

    assert (back["ask_state"], back["taken_by"]) == ("waiting", None)


def test_of_very_many_asks_some_unfold_and_those_to_the_reader_stand_first(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    to_bo = actions.post(incident, Said(Kind.ASK, "Bo, is the mirror yours?", to_person=bo), by=mara)
    for number in range(20):
        actions.post(incident, Said(Kind.ASK, f"Who knows host {number}?"), by=mara)

    page = browser(bo).get(f"/incidents/{incident.pk}/").content.decode()
    stand, unfold = page.split("9 more open")

    assert stand.index('id="ask-') == stand.index(f'id="ask-{to_bo.pk}"')
    assert stand.count('<li class="ask waiting" id="ask-') == 12
    assert unfold.count('<li class="ask waiting" id="ask-') == 9

"""Roles are handed over with a note; who can come is said by oneself and then forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Event
from raglan.incidents import actions, queries
from raglan.incidents.models import Availability, Entry, Incident, Responder
from raglan.paging.busy import busy_with
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def told(incident: Incident) -> list[str]:
    found = Entry.objects.filter(incident=incident, kind=Entry.Kind.MACHINE).order_by("pk")
    return list(found.values_list("text", flat=True))


def test_a_role_is_taken_handed_over_and_given_back(incident: Incident, mara: Person, bo: Person) -> None:
    actions.take_lead(incident, mara, by=mara)
    for _ in range(2):
        actions.hand_over(incident, "lead", bo, by=mara, note="Ask  Ines about the mirror.")
    actions.hand_over(incident, "scribe", mara, by=mara)
    actions.hand_over(incident, "scribe", None, by=mara)

    incident = queries.incident(incident.pk)
    assert (incident.lead, incident.scribe) == (bo, None)
    assert Responder.objects.filter(incident=incident, person=bo, left_at__isnull=True).exists()
    assert told(incident) == [
        "Mara Keller took the lead.",
        "Mara Keller handed the lead to Bo Silva. Ask Ines about the mirror.",
        "Mara Keller took the writing.",
        "Mara Keller gave the writing back; nobody has it.",
    ]


@pytest.mark.parametrize(("role", "note"), [("boss", ""), ("lead", "x" * 301)])
def test_what_is_no_role_or_note_is_refused(incident: Incident, mara: Person, role: str, note: str) -> None:
    with pytest.raises(BadInput):
        actions.hand_over(incident, role, mara, by=mara, note=note)


def test_a_closed_room_has_no_new_lead(incident: Incident, mara: Person) -> None:
    actions.stand_down(incident, by=mara)
    with pytest.raises(Conflict):
        actions.take_lead(incident, mara, by=mara)


def test_roles_on_their_screens(incident: Incident, mara: Person, bo: Person, browser: Browser) -> None:
    address = f"/incidents/{incident.pk}/"
    actions.be_here(incident, by=bo)
    browser(mara).post(f"{address}here/", {"do": "lead"})
    browser(bo).post(f"{address}here/", {"do": "scribe"})
    actions.leave(incident, by=bo)
    assert "Nobody else is in the room." in browser(mara).get(f"{address}hand-over/").content.decode()
    actions.be_here(incident, by=bo)
    assert "Nobody else is in the room." not in browser(mara).get(f"{address}hand-over/").content.decode()
    assert "Hand over" in browser(mara).get(address).content.decode()

    outsider = world.person("Ines Roth")
    sent = {"role": "lead", "note": "Good luck"}
    assert browser(mara).post(f"{address}hand-over/", {**sent, "person": outsider.pk}).status_code == 422
    assert browser(mara).post(f"{address}hand-over/", {**sent, "person": bo.pk}).status_code == 302

    incident = queries.incident(incident.pk)
    assert (incident.lead, incident.scribe) == (bo, bo)
    assert told(incident)[-1] == "Mara Keller handed the lead to Bo Silva. Good luck"


def test_what_somebody_says_is_shown_while_it_holds_and_then_gone(mara: Person, bo: Person) -> None:
    actions.say_availability(mara, "heads_down", length=timedelta(hours=1))
    actions.say_availability(mara, "free", length=timedelta(hours=2), words=" httpd,  Chef")
    actions.say_availability(bo, "heads_down", length=timedelta(hours=1))
    assert [(item.person, item.words) for item in queries.can_come()] == [(mara, "httpd, Chef")]
    assert "heads down" in busy_with([bo])[bo.pk][0].words

    world.fast_forward(timedelta(hours=2, seconds=5))

    assert not Availability.objects.exists()
    assert busy_with([mara, bo]) == {mara.pk: [], bo.pk: []}


def test_no_record_tells_who_was_free_when(mara: Person) -> None:
    actions.say_availability(mara, "free", length=timedelta(hours=1))
    for _ in range(2):
        actions.take_availability_back(mara)

    kept = Event.objects.filter(kind__startswith="availability.")
    assert [(event.actor, event.data) for event in kept] == [("raglan", {}), ("raglan", {})]
    assert list(kept.values_list("subjects__subject", flat=True)) == ["now", "now"]


@pytest.mark.parametrize(("state", "hours"), [("away", 1), ("free", 0), ("free", 13)])
def test_what_is_no_such_word_is_refused(mara: Person, state: str, hours: int) -> None:
    with pytest.raises(BadInput):
        actions.say_availability(mara, state, length=timedelta(hours=hours))


def test_a_room_shows_who_can_come_and_leads_to_an_ask(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    browser(bo).post("/free/", {"state": "pulled", "hours": "2", "words": "httpd"})

    shown = browser(mara).get(f"/incidents/{incident.pk}/").content.decode()
    assert f"?kind=ask&amp;to=person:{bo.pk}#say" in shown
    asking = browser(mara).get(f"/incidents/{incident.pk}/?kind=ask&to=person:{bo.pk}").content.decode()
    assert f'value="person:{bo.pk}" selected' in asking

    assert "Take it back" in browser(bo).get("/free/").content.decode()
    browser(bo).post("/free/", {"take_back": "1"})
    assert "more can come" not in browser(mara).get(f"/incidents/{incident.pk}/").content.decode()


def test_the_same_over_rest(incident: Incident, mara: Person, bo: Person, rest: Call) -> None:
    rest(bo, "PUT", "/availability", {"state": "free", "hours": 0.5, "words": "yum"})
    assert [(item["name"], item["words"]) for item in rest(mara, "GET", "/availability")] == [("Bo Silva", "yum")]

    path = f"/incidents/{incident.pk}/roles"
    assert rest(mara, "POST", f"{path}/scribe", {"person_id": bo.pk, "note": "Thanks"})["scribe"] == "Bo Silva"
    assert rest(mara, "POST", f"{path}/scribe", {"person_id": None})["scribe"] is None
    assert rest(mara, "POST", f"{path}/lead", {"person_id": bo.pk})["lead"] == "Bo Silva"


def test_help_is_offered_beside_the_asks_and_ends_with_its_time_and_the_room(
    incident: Incident, mara: Person, bo: Person, browser: Browser, rest: Call
) -> None:
    address = f"/incidents/{incident.pk}/"
    browser(bo).post(f"{address}here/", {"do": "offer", "words": "<b>httpd</b>", "hours": "1"})
    shown = browser(mara).get(address).content.decode()
    assert "Bo Silva can be asked: &lt;b&gt;httpd" in shown
    assert "Ask Bo Silva" in browser(mara).get(f"{address}part/asks/").content.decode()
    CLOCK.move(timedelta(minutes=61))
    assert "Silva can be asked" not in browser(mara).get(address).content.decode()

    assert rest(bo, "PUT", f"/incidents/{incident.pk}/offer", {"words": " "})[0] == 422
    here = rest(bo, "PUT", f"/incidents/{incident.pk}/offer", {"words": "mail"})["here"]
    assert [item["offer"] for item in here] == ["", "mail"]
    browser(bo).post(f"{address}here/", {"do": "offer-back"})
    assert "Silva can be asked" not in browser(mara).get(address).content.decode()
    actions.offer_help(incident, "mail", by=bo)
    actions.stand_down(incident, by=mara)
    assert not incident.responders.exclude(offer="").exists()

"""A private incident: who comes on its list, who goes off it, and who looks at it by exception, each with a trace."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.core.models import Timer
from raglan.incidents import actions, privacy, privacy_audit, queries
from raglan.incidents.actions import Said, Warned
from raglan.incidents.models import Entry, Incident, IncidentGroup, IncidentPage
from raglan.paging.models import Page
from raglan.people import mail, reading, sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

pytestmark = pytest.mark.django_db


def on_list(incident: Incident) -> list[tuple[str, str]]:
    return [(line.who, line.how) for line in privacy.listed(incident)]


def said_in(incident: Incident) -> str:
    return str(Entry.objects.filter(incident=incident).order_by("-pk")[0].text)


def test_who_makes_it_private_the_lead_and_who_was_paged_are_on_the_list_at_once(mara: Person, bo: Person) -> None:
    world.route(1, world.policy((300, [bo])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    cy, dee = world.person("Cy Moon"), world.person("Dee Orr")
    room = actions.declare("A key leaked", by=dee)
    actions.join_groups(room, list(AlertGroup.objects.all()), by=dee)
    actions.take_lead(room, cy, by=dee)
    room = actions.make_private(room, "Customers’ data", by=mara)
    assert on_list(room) == [("Mara Keller", "made"), ("Cy Moon", "lead"), ("Bo Silva", "paged")]
    told = "Mara Keller made this incident private: Customers’ data. It is seen by Mara Keller, Cy Moon, Bo Silva."
    assert said_in(room) == told
    assert [item.person.name for item in queries.here(room).responders] == ["Cy Moon"]  # who saw no more of it has left


def test_it_is_private_once_and_needs_a_reason(incident: Incident, mara: Person, bo: Person) -> None:
    with pytest.raises(BadInput):
        actions.make_private(incident, "  ", by=mara)
    actions.make_private(incident, "A key", by=mara)
    actions.make_private(incident, "Again", by=bo)
    assert on_list(Incident.objects.get()) == [("Mara Keller", "made")]


def test_a_team_on_the_list_means_whoever_is_in_it_now(incident: Incident, mara: Person, bo: Person) -> None:
    team = world.team()
    actions.make_private(incident, "A key", by=mara, whom=[team])
    assert not Incident.objects.filter(privacy.visible_to(bo)).exists()
    world.people.add_member(team, bo, actor="raglan")
    assert Incident.objects.filter(privacy.visible_to(bo)).exists()


def test_who_is_paged_later_comes_on_the_list_with_a_trace(mara: Person, bo: Person, outbox: world.Outbox) -> None:
    httpd = world.service("httpd")
    room = actions.declare("A key leaked", by=mara, services=[httpd])
    actions.make_private(room, "A key", by=mara)
    world.route(1, world.policy((300, [bo])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    assert on_list(room)[-1] == ("Bo Silva", "paged")
    assert [trace.whom for trace in privacy_audit.traces(room) if trace.what == "Was paged for it"] == ["Bo Silva"]
    assert outbox.to(bo)


def test_paging_of_a_private_rooms_ask_carries_no_word_of_it(mara: Person, bo: Person, outbox: world.Outbox) -> None:
    room = actions.make_private(actions.declare("A key leaked", by=mara), "A key", by=mara)
    actions.post(room, Said(Entry.Kind.ASK, "Who has the key?", to_person=bo), by=mara)
    world.fast_forward(timedelta(minutes=6))
    assert ("Bo Silva", "paged") in on_list(room)
    assert "key" not in outbox.to(bo)[0].message.text


def test_a_page_of_a_private_room_can_not_be_joined_to_another_by_who_does_not_know_of_it(
    mara: Person, bo: Person, outbox: world.Outbox, rest: Call
) -> None:
    room = actions.make_private(actions.declare("A key leaked", by=mara), "A key", by=mara)
    actions.post(room, Said(Entry.Kind.ASK, "Who has the key?", to_person=bo), by=mara)
    world.fast_forward(timedelta(minutes=6))
    page, cy = Page.objects.get(), world.person("Cy Moon")
    other = actions.declare("Slow pages", by=cy)
    path, asked = f"/incidents/{other.pk}/join-pages", {"page_ids": [page.pk]}
    assert rest(cy, "POST", path, asked) == rest(cy, "POST", path, {"page_ids": [page.pk + 1]})
    assert not IncidentPage.objects.filter(incident=other).exists()


def test_the_lead_and_the_last_one_stay_on_the_list(incident: Incident, mara: Person, bo: Person) -> None:
    room = actions.make_private(incident, "A key", by=mara)
    only = room.listed.get()
    with pytest.raises(Conflict, match="Nobody would see"):
        actions.take_off_list(room, only.pk, by=mara, why="I go")
    actions.take_lead(room, bo, by=mara)
    with pytest.raises(Conflict, match="lead has to see"):
        actions.take_off_list(room, room.listed.get(person=bo).pk, by=mara, why="No")
    actions.take_off_list(room, only.pk, by=mara, why="I go")
    assert on_list(room) == [("Bo Silva", "room")]
    assert said_in(room) == "Mara Keller took Mara Keller off the list: I go."


def test_an_exception_stands_in_the_room_is_told_to_the_lead_and_stays_in_the_audit(
    incident: Incident, mara: Person, bo: Person
) -> None:
    room = actions.make_private(actions.take_lead(incident, bo, by=mara), "A key", by=mara)
    with pytest.raises(NotAllowed):
        actions.look_by_exception(room.pk, "I am curious", by=world.person("Cy", role=Person.Role.MANAGER))
    ada = world.administrator()
    actions.look_by_exception(room.pk, "The auditor asks", by=ada)
    actions.look_by_exception(room.pk, "The auditor asks", by=ada)
    assert said_in(room) == "Ada Lamb looks at this incident by exception: The auditor asks."
    letters = [json.loads(sealing.unseal(timer.payload["sealed"])) for timer in Timer.objects.filter(kind=mail.MAIL)]
    assert [(one["to"], "auditor asks" in one["text"]) for one in letters] == [(bo.email, True)]
    line = room.listed.get(person=ada)
    actions.take_off_list(room, line.pk, by=bo, why="Done")
    actions.open_up(room, "It is over", by=bo)
    told = [(trace.what, trace.whom, trace.by, trace.is_exception) for trace in privacy_audit.traces(room)]
    assert told[:3] == [
        ("Opened up", "", "Bo Silva", False),
        ("Taken off the list", "Ada Lamb", "Bo Silva", False),
        ("Looked at it by exception", "Ada Lamb", "Ada Lamb", True),
    ]


def test_an_exception_for_what_is_not_private_tells_nothing(incident: Incident) -> None:
    ada = world.administrator()
    for number in (incident.pk, incident.pk + 1):
        with pytest.raises(BadInput, match="no private incident"):
            actions.look_by_exception(number, "Why not", by=ada)


def test_a_group_goes_with_who_does_not_know_where_it_was(mara: Person, bo: Person) -> None:
    world.route(1, world.policy((300, [mara])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    group = AlertGroup.objects.get()
    room = actions.make_private(actions.declare("A key leaked", by=mara), "A key", by=mara)
    actions.join_groups(room, [group], by=mara)
    theirs = actions.declare("Apache is down", by=bo)
    assert actions.join_groups(theirs, [group], by=bo) == 1
    assert IncidentGroup.objects.get().incident == theirs
    assert theirs.followed_pages.count() == 1
    assert "went to an incident of Bo Silva" in said_in(room)


def test_alerts_and_heads_ups_prefer_a_room_that_is_open_to_all(mara: Person, bo: Person) -> None:
    httpd = world.service("httpd")
    theirs = actions.declare("Apache is down", by=bo, services=[httpd])
    actions.make_private(actions.declare("A key leaked", by=mara, services=[httpd]), "A key", by=mara)
    world.route(1, world.policy((300, [bo])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    assert IncidentGroup.objects.get().incident == theirs
    assert actions.give_heads_up(Warned("It was me", services=[httpd]), by=mara).incident == theirs


def test_hand_over_notes_that_go_out_by_themselves_know_only_what_all_know(mara: Person) -> None:
    actions.make_private(actions.declare("A key leaked", by=mara), "A key", by=mara)
    actions.declare("Apache is down", by=mara)
    with reading.told_to_many():
        assert [room.title for room in queries.open_incidents()] == ["Apache is down"]
    assert queries.open_incidents().count() == 2


def test_over_rest(rest: Call, mara: Person, bo: Person) -> None:
    made = rest(mara, "POST", "/incidents", {"title": "A key leaked", "private_why": "Customers"})
    path = f"/incidents/{made['id']}/privacy"
    assert (made["is_private"], rest(bo, "GET", path)) == (True, (404, "not_found"))
    shown = rest(mara, "POST", f"{path}/list", {"person_id": bo.pk, "why": "Knows the keys"})
    assert [(line["name"], line["why"]) for line in shown["listed"]][1] == ("Bo Silva", "Knows the keys")
    assert rest(bo, "GET", path)["audit"][0]["what"] == "Put on the list"
    number = shown["listed"][1]["id"]
    assert rest(mara, "POST", f"{path}/list/{number}/take-off", {"why": "Done"}) is None
    assert rest(bo, "GET", f"/incidents/{made['id']}") == (404, "not_found")
    ada, exception = world.administrator(), {"incident_id": made["id"], "why": "The auditor asks"}
    assert rest(bo, "POST", "/private-incidents/exceptions", exception)[0] == 403
    assert rest(ada, "POST", "/private-incidents/exceptions", exception)["title"] == "A key leaked"
    assert rest(mara, "POST", path, {"is_private": False, "why": "It is over"})["listed"] == []
    assert rest(bo, "GET", f"/incidents/{made['id']}")["is_private"] is False


def test_other_incidents_stay_open_to_whoever_does_not_know_of_a_private_one(
    rest: Call, incident: Incident, mara: Person, bo: Person, browser: Callable[[Person], Client]
) -> None:
    """One private incident hides itself only: its stranger reads, hears and writes in all others."""
    private = actions.declare("Nobody’s business", by=mara)
    actions.make_private(private, "a person is named", by=mara)

    assert rest(bo, "GET", f"/incidents/{incident.pk}")["title"] == incident.title
    assert (
        rest(bo, "POST", f"/incidents/{incident.pk}/entries", {"kind": "note", "text": "I am here"})["author"]
        == bo.name
    )
    assert browser(bo).get(f"/incidents/{incident.pk}/").status_code == 200
    assert browser(bo).get(f"/incidents/{private.pk}/").status_code == 404
    with reading.read_for(bo):
        assert privacy.hides("incident", [incident.pk, private.pk]) == {private.pk}
        topics = [f"incident:{incident.pk}", f"incident:{private.pk}"]
        assert privacy.audible(topics) == {f"incident:{incident.pk}"}

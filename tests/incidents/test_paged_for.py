"""Somebody is paged by hand from a room, which follows the page."""

from collections.abc import Callable

from django.test import Client

from raglan.incidents import actions, queries
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident, IncidentPage
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def test_the_room_leads_to_paging_somebody_and_follows_it(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    actions.post(incident, Said(Entry.Kind.ASK, "Can somebody read the slow log?"), by=mara)
    address = f"/reach/?incident={incident.pk}&amp;title=Can%20somebody%20read%20the%20slow%20log%3F"
    assert address in browser(mara).get(f"/incidents/{incident.pk}/").content.decode()
    shown = browser(mara).get(address.replace("&amp;", "&")).content.decode()
    assert f'name="incident" value="{incident.pk}"' in shown
    assert "Can somebody read the slow log?" in shown

    done = browser(mara).post(
        "/reach/", {"person": bo.pk, "title": "Can you read the slow log?", "incident": incident.pk}
    )

    assert done.headers["Location"] == f"/incidents/{incident.pk}/"
    [followed] = queries.pages_of(incident)
    assert (followed.page.reason_type, followed.page.reason_id) == ("incident", incident.pk)


def test_the_same_over_rest(incident: Incident, mara: Person, bo: Person, rest: Call) -> None:
    said = {"title": "Please come", "person_id": bo.pk, "incident_id": incident.pk}
    page = rest(mara, "POST", "/pages", said)["id"]
    assert rest(mara, "GET", f"/incidents/{incident.pk}")["page_ids"] == [page]
    assert rest(mara, "POST", "/pages", said | {"incident_id": 4711})[0] == 404
    actions.stand_down(incident, by=mara)
    assert rest(mara, "POST", "/pages", said)[0] == 409
    assert Page.objects.count() == 1


def test_a_private_room_lets_in_whom_it_pages_and_is_not_known_to_others(
    incident: Incident, mara: Person, bo: Person, rest: Call
) -> None:
    ines = world.person("Ines Roth")
    actions.make_private(incident, "A key leaked", by=mara)
    said = {"title": "Please come", "person_id": bo.pk, "incident_id": incident.pk}
    assert rest(ines, "POST", "/pages", said)[0] == 404
    rest(mara, "POST", "/pages", said)
    world.fire_all()
    assert IncidentPage.objects.filter(incident=incident).count() == 1
    assert rest(bo, "GET", f"/incidents/{incident.pk}")["title"] == incident.title

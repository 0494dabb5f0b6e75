"""Somebody is paged by hand from a room, which follows the page."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client

from raglan.core.clock import now
from raglan.incidents import actions, privacy, queries
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident, IncidentPage
from raglan.incidents.paged_for import find
from raglan.paging import actions as paging
from raglan.paging import coming
from raglan.paging.models import Page
from raglan.paging.rooms import page_for
from raglan.people.models import Person
from raglan.people.reading import read_for
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


def told_of(page: Page, outbox: world.Outbox) -> set[str]:
    """Return who was told of a page."""
    return {item.message.person_name for item in outbox.sent if item.message.page_id == page.pk}


def paged_by_hand(room: Incident, whom: Person, by: Person) -> Page:
    """Page somebody from a room."""

    def make(reason: paging.Reason) -> Page:
        return paging.page_people([whom], paging.Words("Ada leaks keys"), reason=reason, by=by, falls_back=True)

    with read_for(by):
        page = page_for(find(room.pk), make, by=by)
    world.fire_all()
    page.refresh_from_db()
    return page


def test_a_page_of_a_private_room_goes_to_nobody_but_whom_it_names(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox, rest: Call, browser: Browser
) -> None:
    ada = world.administrator("Ada Lamb")
    actions.make_private(incident, "About Ada", by=mara)
    address = f"/reach/?incident={incident.pk}"
    words = "It stays in its private room: no administrator is asked."
    shown = browser(mara).get(address).content.decode()
    assert (words in shown, "Ada Lamb is paged" in shown) == (True, False)

    page = paged_by_hand(incident, bo, mara)
    shown = browser(mara).get(f"/pages/{page.pk}/").content.decode()
    assert (words in shown, "Ada Lamb is paged" in shown) == (True, False)
    read = rest(mara, "GET", f"/pages/{page.pk}")
    assert (read["falls_back_at"], read["falls_back_to"]) == (None, [])
    assert [row["falls_back_at"] for row in rest(mara, "GET", "/pages")] == [None]

    world.fast_forward(timedelta(minutes=6))
    page.refresh_from_db()
    assert coming.next_people(page, now()) == []
    assert "stays in its private room" in rest(mara, "GET", f"/pages/{page.pk}")["next_words"]
    assert words in browser(mara).get(f"/pages/{page.pk}/").content.decode()

    world.fast_forward(timedelta(minutes=60))
    page.refresh_from_db()
    assert (page.state, told_of(page, outbox)) == (Page.State.UNANSWERED, {"Bo Silva"})
    assert ada.pk not in privacy.listed(incident).values_list("person_id", flat=True)


def test_one_whose_room_became_private_since_stays_in_it_too(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    page = paged_by_hand(incident, bo, mara)
    before = coming.behind(page)
    actions.make_private(incident, "About Ada", by=mara)

    world.fast_forward(timedelta(minutes=60))

    assert before is not None
    assert before.names == "Ada Lamb"
    assert told_of(page, outbox) == {"Bo Silva"}


def test_nobody_there_can_be_reached_is_no_reason_to_leave_a_private_room(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    actions.make_private(incident, "About Ada", by=mara)
    world.mail_of(bo).delete()

    page = paged_by_hand(incident, bo, mara)
    world.fast_forward(timedelta(minutes=60))

    page.refresh_from_db()
    assert (page.state, told_of(page, outbox)) == (Page.State.UNANSWERED, set())


def test_a_page_for_an_ask_of_a_private_room_has_no_word_of_it_and_goes_on(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    actions.make_private(incident, "A key leaked", by=mara)
    actions.post(incident, Said(Entry.Kind.ASK, "Who has the key?", to_person=bo), by=mara)
    world.fast_forward(timedelta(minutes=17))

    page = Page.objects.get()
    assert told_of(page, outbox) == {"Bo Silva", "Ada Lamb"}
    assert not [item for item in outbox.sent if "key" in item.message.title + item.message.text]


def test_a_policy_that_reaches_nobody_does_not_take_it_out_of_a_private_room_either(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox, rest: Call
) -> None:
    world.administrator("Ada Lamb")
    actions.make_private(incident, "About Ada", by=mara)
    world.mail_of(bo).delete()
    policy = world.policy((300, [bo]))

    made = rest(mara, "POST", "/pages", {"title": "Come", "policy": policy.slug, "incident_id": incident.pk})
    world.fast_forward(timedelta(minutes=60))

    page = Page.objects.get(pk=made["id"])
    assert (page.policy_id, told_of(page, outbox)) == (policy.pk, set())

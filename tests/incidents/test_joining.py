"""Alerts and pages joined to a room by hand, and taken out again, from every side."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.incidents import actions, queries
from raglan.incidents.models import Entry, Incident
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


@pytest.fixture
def group(bo: Person) -> AlertGroup:
    """An alert group with a page, in no incident."""
    world.route(1, world.policy((60, [bo])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    return AlertGroup.objects.get()


def texts(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def test_a_group_brings_its_page_and_takes_it_along(incident: Incident, group: AlertGroup, mara: Person) -> None:
    for _ in range(2):
        actions.join_by_hand(incident, [group], by=mara)
    assert [item.page for item in queries.pages_of(incident)] == [group.page]

    for _ in range(2):
        actions.take_out(incident, [group], by=mara)

    assert (list(queries.groups_of(incident)), queries.pages_of(incident)) == ([], [])
    assert texts(incident) == [
        "Mara Keller joined HttpdDown, 1 alert, to this incident.",
        "Mara Keller took HttpdDown out of this incident.",
    ]


def test_what_belongs_elsewhere_stays_there(incident: Incident, group: AlertGroup, mara: Person) -> None:
    other = actions.declare("Another", by=mara)
    actions.join_by_hand(other, [group], by=mara)

    assert actions.join_by_hand(incident, [group], Page.objects.all(), by=mara) == 0
    actions.take_out(incident, [group], Page.objects.all(), by=mara)

    assert list(queries.groups_of(other)) == [group]


def test_a_closed_room_lets_go_in_silence(incident: Incident, group: AlertGroup, mara: Person) -> None:
    actions.join_by_hand(incident, [group], by=mara)
    actions.stand_down(incident, by=mara)
    said = texts(incident)

    actions.take_out(incident, [group], by=mara)

    assert list(queries.groups_of(incident)) == []
    assert texts(incident) == said


@pytest.mark.parametrize("side", ["group", "page"])
def test_from_the_side_of_the_alert_and_of_the_page(
    incident: Incident, group: AlertGroup, mara: Person, browser: Browser, side: str
) -> None:
    own, page = browser(mara), group.page
    assert page is not None
    address = f"/alerts/groups/{group.pk}/" if side == "group" else f"/pages/{page.pk}/"
    assert f"{address}incident/" in own.get(address).content.decode()
    assert "Apache is down" in own.get(f"{address}incident/").content.decode()
    assert own.post(f"{address}incident/", {}).status_code == 422

    own.post(f"{address}incident/", {"incident": incident.pk})
    assert [item.page for item in queries.pages_of(incident)] == [page]
    assert "Take it out" in own.get(f"{address}incident/").content.decode()

    other = actions.declare("Another", by=mara)
    late = own.post(f"{address}incident/", {"incident": other.pk}, follow=True).content.decode()
    assert "belongs to another incident" in late  # somebody was faster: it is not taken out by that
    assert [item.page for item in queries.pages_of(incident)] == [page]
    own.post(f"{address}incident/", {"out": "1"})
    assert queries.pages_of(incident) == []


def test_from_the_side_of_the_room(incident: Incident, group: AlertGroup, mara: Person, browser: Browser) -> None:
    address, own, page = f"/incidents/{incident.pk}/alerts/", browser(mara), group.page
    assert page is not None
    assert f'name="group" value="{group.pk}"' in own.get(address).content.decode()

    own.post(address, {"page": page.pk})
    assert [item.page for item in queries.pages_of(incident)] == [page]
    other = actions.declare("Another", by=mara)
    told = own.post(f"/incidents/{other.pk}/alerts/", {"page": page.pk}, follow=True).content.decode()
    assert "belongs to another incident" in told
    own.post(address, {"out": "1", "page": page.pk})
    assert queries.pages_of(incident) == []


def test_the_same_over_rest(incident: Incident, group: AlertGroup, mara: Person, rest: Call) -> None:
    room, page = f"/incidents/{incident.pk}", group.page
    assert page is not None
    assert rest(mara, "POST", f"{room}/join-pages", {"page_ids": [page.pk]})["page_ids"] == [page.pk]
    assert rest(mara, "POST", f"{room}/join-alerts", {"group_ids": [group.pk]})["group_ids"] == [group.pk]
    left = rest(mara, "POST", f"{room}/take-out", {"group_ids": [group.pk]})
    assert (left["group_ids"], left["page_ids"]) == ([], [])


def test_rest_says_what_does_not_exist_and_what_is_elsewhere(
    incident: Incident, group: AlertGroup, mara: Person, rest: Call
) -> None:
    page = group.page
    assert page is not None
    path = f"/incidents/{incident.pk}"
    assert rest(mara, "POST", f"{path}/join-alerts", {"group_ids": [group.pk, 999]}) == (422, "bad_input")
    assert rest(mara, "POST", f"{path}/join-pages", {"page_ids": [999]}) == (422, "bad_input")
    other = actions.declare("Another", by=mara)
    actions.join_by_hand(other, [group], by=mara)

    assert rest(mara, "POST", f"{path}/join-alerts", {"group_ids": [group.pk]}) == (409, "conflict")
    assert rest(mara, "POST", f"{path}/join-pages", {"page_ids": [page.pk]}) == (409, "conflict")
    for _ in range(2):
        again = rest(mara, "POST", f"/incidents/{other.pk}/join-alerts", {"group_ids": [group.pk]})
        assert again["group_ids"] == [group.pk]

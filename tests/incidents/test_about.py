"""A room that was opened with a text alone learns what it is about, and which alerts may belong to it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.core.errors import Conflict
from raglan.incidents import actions, queries
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def joined(incident: Incident) -> list[str]:
    return [group.labels["service"] for group in queries.groups_of(incident).order_by("pk")]


def test_a_room_without_services_offers_some_and_alerts_join_from_then_on(
    incident: Incident, mara: Person, browser: Browser, rest: Call
) -> None:
    world.service("shop")
    checkout = world.service("check", world.team(mara))
    checkout.name = "Checkout API"
    checkout.save()
    assert [service.slug for service in queries.about_offered(incident)] == ["check", "shop"]
    assert "?about=1" in browser(mara).get(f"/incidents/{incident.pk}/").content.decode()
    shown = browser(mara).get(f"/incidents/{incident.pk}/?about=1").content.decode()
    assert 'name="service" value="check"' in shown

    for said in ({"name": "nonsense"}, {"service": "check"}, {"service": "check"}):
        browser(mara).post(f"/incidents/{incident.pk}/about/", said)
    key = world.source()
    for name in ("CHECKOUT api", "Check", "other"):
        world.ingest(key, world.signal(service=name))
        world.fire_all()

    assert joined(incident) == ["CHECKOUT api", "Check"]
    assert "h-about" not in browser(mara).get(f"/incidents/{incident.pk}/?about=1").content.decode()
    told = rest(mara, "POST", f"/incidents/{incident.pk}/services", {"services": ["shop"]})
    assert told["services"] == ["check", "shop"]
    actions.stand_down(incident, by=mara)
    with pytest.raises(Conflict):
        actions.say_about(incident, [checkout], by=mara)


def test_alerts_that_page_whom_a_heads_up_told_are_proposed_for_an_hour(
    mara: Person, bo: Person, browser: Browser
) -> None:
    team = world.team(mara, bo)
    rota = world.schedule(bo, of=team)
    world.route(1, world.policy((300, [rota])))
    world.service("web")
    shown = browser(mara).post("/heads-up/", {"text": "I may have broken it"}, follow=True).content.decode()
    assert 'name="service" value="web"' in shown
    room = Incident.objects.get()
    world.fire_all()
    assert "Thank you for saying so at once." in browser(bo).get(f"/incidents/{room.pk}/").content.decode()
    key = world.source()
    world.ingest(key, world.signal(service="web"))
    world.fire_all()
    group = AlertGroup.objects.get()
    assert proposed(room) == [f"/alerts/groups/{group.pk}/incident/"]

    world.fast_forward(timedelta(minutes=61))
    world.ingest(key, world.signal(service="mail", cluster="other"))
    world.fire_all()
    assert AlertGroup.objects.count() == 2
    assert len(proposed(room)) == 1
    browser(bo).post(proposed(room)[0], {"incident": room.pk})
    assert joined(room) == ["web"]


def proposed(room: Incident) -> list[str]:
    found = Entry.objects.filter(incident=room, text__contains="pages the same people").order_by("pk")
    return list(found.values_list("link", flat=True))

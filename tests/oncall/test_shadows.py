"""A shadow is told of each page at the same time, and is never on call by it."""

import pytest
from django.test import Client

from raglan.core import timers
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, NotAllowed
from raglan.core.models import Event
from raglan.oncall import feeds, queries, shadows
from raglan.oncall.models import Schedule, Shadow
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, rota
from tests.oncall.test_covers_and_notices import mails
from tests.oncall.test_rest import Api
from tests.oncall.test_screens import signed_in, text_of


def told(person: Person) -> list[str]:
    return [subject for to, subject in mails() if to == person.email and "You shadow" in subject]


def start(web: Schedule) -> Page:
    """Start a page, and go on until a shadow is told of it."""
    page = paging.start(world.policy((60, [web])), paging.Words("Disk full"), reason=paging.Reason())
    while not Event.objects.filter(kind="page.shadow_told").exists():
        timers.fire(timers.claim(1)[0])
    return page


def test_a_shadow_is_told_and_is_neither_reached_nor_on_call(mara: Person, ike: Person) -> None:
    web = rota(mara)
    shadows.add_shadow(web, ike, MONDAY, MONDAY + DAY, by=ike)
    page = start(web)
    assert told(ike) == ["You shadow, Mara Novak has the pager: Disk full"]
    world.fire_all()
    assert list(page.reached.values_list("person", flat=True)) == [mara.pk]
    assert Event.objects.filter(kind="page.shadow_told").count() == 1
    assert [person for person, _ in queries.people_on_call(web.pk, MONDAY)] == [mara]
    assert Page.objects.get(pk=page.pk).acknowledged_by is None


def test_after_its_time_and_in_a_gap_nobody_is_told(mara: Person, ike: Person) -> None:
    web = rota(mara)
    shadows.add_shadow(web, ike, MONDAY, MONDAY + HOUR, by=ike)
    CLOCK.move(2 * HOUR)
    world.page(world.policy((60, [web])))
    shadows.add_shadow(web, ike, MONDAY, MONDAY + DAY, by=ike)
    people.deactivate(mara, by=ike)
    world.page(world.policy((60, [web])))
    world.fire_all()
    assert not Event.objects.filter(kind="page.shadow_told").exists()


def test_one_shadows_oneself_a_manager_names_others_and_twice_is_once(mara: Person, ike: Person, boss: Person) -> None:
    web = rota(mara)
    with pytest.raises(NotAllowed):
        shadows.add_shadow(web, ike, MONDAY, MONDAY + DAY, by=mara)
    with pytest.raises(BadInput):
        shadows.add_shadow(web, ike, MONDAY + DAY, MONDAY, by=ike)
    one, same = (shadows.add_shadow(web, ike, MONDAY, MONDAY + DAY, by=boss) for _ in range(2))
    assert one == same
    with pytest.raises(NotAllowed):
        shadows.end_shadow(one, by=mara)
    for _ in range(2):
        shadows.end_shadow(one, by=ike)
    assert list(shadows.live(web)) == []
    assert Event.objects.filter(kind="schedule.shadow_ended").count() == 1


def test_the_screen_rest_and_the_own_calendar_show_it(mara: Person, ike: Person) -> None:
    web = rota(mara)
    client = signed_in(ike)
    wrong = {"person": mara.pk, "starts_at": "2026-11-24T12:00", "ends_at": "2026-11-25T12:00"}
    assert client.post("/on-call/web/shadow/", wrong).status_code == 422
    assert client.post("/on-call/web/shadow/", {**wrong, "ends_at": "2026-11-20T12:00"}).status_code == 422
    assert client.post("/on-call/web/shadow/", {**wrong, "person": ike.pk}).status_code == 302
    assert "Ike Okafor (you) learns beside those on call" in text_of(client.get("/on-call/web/"))
    _, secret = feeds.make_feed(ike, None, actor=ike)
    assert "SUMMARY:Ike Okafor shadows Web" in feeds.give(secret).body.decode()
    _, other = feeds.make_feed(mara, web, actor=mara)
    assert "shadows" not in Client().get(f"/on-call/calendars/{other}.ics").content.decode()
    assert client.post(f"/on-call/web/shadow/{Shadow.objects.get().pk}/end/").status_code == 302
    api = Api(ike, ["read", "respond"])
    body = {"starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z"}
    status, made = api.send("post", "/schedules/web/shadows", body)
    assert (status, made["person"]) == (201, "Ike Okafor")
    assert api.send("post", "/schedules/web/shadows", {**body, "person_id": mara.pk})[0] == 403
    assert len(api.get("/schedules/web/shadows")[1]) == 1  # type: ignore[arg-type]  # a list
    assert api.send("delete", f"/schedules/web/shadows/{made['id']}")[0] == 204

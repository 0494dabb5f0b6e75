"""What whoever has a role looks after: adapted here, ticked in each room."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core.errors import BadInput, NotFound
from raglan.incidents import actions, checklists
from raglan.incidents.models import Incident
from raglan.outside import desk
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]
FIRST = checklists.OWN["lead"][0]


def ticked(incident: Incident, role: str = "lead") -> list[tuple[str, str]]:
    return [(item.text, item.by) for item in checklists.in_room(incident, [role])[0].items if item.at]


def test_a_tick_names_who_was_first_and_can_be_taken_back(incident: Incident, mara: Person, bo: Person) -> None:
    for person in (mara, bo):
        actions.tick(incident, "lead", FIRST, by=person)
    assert ticked(incident) == [(FIRST, "Mara Keller")]

    for _ in range(2):
        actions.untick(incident, "lead", FIRST, by=bo)
    assert ticked(incident) == []


def test_a_list_is_adapted_and_comes_back_and_ticks_stay(incident: Incident, mara: Person) -> None:
    actions.tick(incident, "lead", FIRST, by=mara)
    for _ in range(2):
        actions.change_checklist("lead", ["  Breathe ", "", "Breathe", "Ask"], by=mara)

    assert [item.text for item in checklists.shelf(["lead"])[0].items] == ["Breathe", "Ask"]
    assert [item.text for item in checklists.in_room(incident, ["lead"])[0].items] == ["Breathe", "Ask", FIRST]
    actions.change_checklist("lead", checklists.OWN["lead"], by=mara)
    assert checklists.shelf(["lead"])[0].is_own


def test_what_stands_on_no_list_is_refused(incident: Incident, mara: Person) -> None:
    with pytest.raises(NotFound):
        actions.tick(incident, "cook", FIRST, by=mara)
    with pytest.raises(BadInput):
        actions.tick(incident, "lead", "Dance", by=mara)
    for items in (["x" * 201], [str(number) for number in range(13)]):
        with pytest.raises(BadInput):
            actions.change_checklist("lead", items, by=mara)


def test_whoever_has_a_role_sees_its_list(incident: Incident, mara: Person, bo: Person, browser: Browser) -> None:
    actions.take_lead(incident, mara, by=mara)
    desk.hold(incident, bo, by=bo)
    room = f"/incidents/{incident.pk}/"

    assert "Lead: your list" in browser(mara).get(room).content.decode()
    shown = browser(bo).get(room).content.decode()
    assert "Outside: your list" in shown
    assert "Lead: your list" not in shown
    item = checklists.OWN["outside"][0]
    tick = {"role": "outside", "item": item, "back": "outside"}
    assert f"Undo: {item}" in browser(bo).post(f"{room}checklists/", tick, follow=True).content.decode()
    assert "Your list" not in browser(mara).get(f"{room}outside/").content.decode()


def test_the_screens_tick_and_adapt(incident: Incident, mara: Person, browser: Browser, outbox: world.Outbox) -> None:
    own, room, boss = browser(mara), f"/incidents/{incident.pk}/checklists/", world.person("Mo Boss", role="manager")
    own.post(room, {"role": "lead", "item": FIRST})
    assert "Mara Keller, " in own.get(room).content.decode()
    own.post(room, {"role": "lead", "item": FIRST, "do": "untick"})
    assert ticked(incident) == []
    assert "stands on no list" in own.post(room, {"role": "lead", "item": "<b>"}, follow=True).content.decode()

    browser(boss).post("/checklists/lead/", {"items": "Breathe\n<b>Ask</b>"})
    assert "&lt;b&gt;Ask&lt;/b&gt;" in own.get("/checklists/").content.decode()
    assert browser(boss).post("/checklists/lead/", {"items": "x" * 201}).status_code == 422


def test_the_same_over_rest(incident: Incident, mara: Person, rest: Call) -> None:
    own, boss = f"/incidents/{incident.pk}/checklists", world.person("Mo Boss", role="manager")
    assert rest(mara, "POST", f"{own}/lead", {"item": FIRST})["items"][0]["by"] == "Mara Keller"
    assert rest(mara, "GET", own)[0]["items"][0]["by"] == "Mara Keller"
    assert rest(mara, "POST", f"{own}/lead", {"item": FIRST, "is_ticked": False})["items"][0]["at"] is None
    assert rest(mara, "PUT", "/checklists/lead", {"items": ["Ask"]}) == (403, "not_allowed")
    assert rest(boss, "PUT", "/checklists/lead", {"items": ["Ask"]})["is_own"] is False
    assert [one["role"] for one in rest(mara, "GET", "/checklists")] == ["lead", "scribe", "outside"]

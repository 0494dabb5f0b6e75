"""A tool that is not reachable: one says so, others confirm, one tap says that it is back."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, queries
from raglan.incidents.models import Entry, Incident, LostTool
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def lost(incident: Incident) -> list[tuple[str, list[str]]]:
    return [
        (tool.name, [tool.lost_by.name, *(item.person.name for item in tool.missed.all())])
        for tool in queries.lost_tools(incident)
    ]


def texts(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def test_who_says_it_again_confirms_it(incident: Incident, mara: Person, bo: Person) -> None:
    actions.lose_tool(incident, "Graphite", by=mara)
    for _ in range(2):
        actions.lose_tool(incident, "  graphite ", by=bo)

    assert lost(incident) == [("Graphite", ["Mara Keller", "Bo Silva"])]
    assert texts(incident) == ["Graphite is not reachable for me."]


def test_a_tool_that_is_back_leaves_the_list_and_may_be_lost_again(
    incident: Incident, mara: Person, bo: Person
) -> None:
    tool = actions.lose_tool(incident, "Graphite", by=mara, words="No graph opens.")
    for _ in range(2):
        actions.tool_back(tool, by=bo)
    assert lost(incident) == []
    assert texts(incident) == ["No graph opens.", "Graphite answers again."]

    again = actions.lose_tool(incident, "Graphite", by=bo)

    assert again.pk != tool.pk
    assert actions.confirm_lost(tool, by=bo).missed.count() == 0  # that one is over


def test_a_name_of_the_catalog_leads_to_its_service(incident: Incident, mara: Person) -> None:
    service = world.service("graphite")

    assert actions.lose_tool(incident, service.name.upper(), by=mara).service == service


def test_a_tool_needs_a_name_and_an_open_room(incident: Incident, mara: Person) -> None:
    with pytest.raises(BadInput):
        actions.lose_tool(incident, " ", by=mara)
    actions.stand_down(incident, by=mara)
    with pytest.raises(Conflict):
        actions.lose_tool(incident, "Graphite", by=mara)


def test_the_list_is_on_top_of_the_room_with_one_tap_each(
    incident: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    address = f"/incidents/{incident.pk}/"
    browser(mara).post(f"{address}tools/", {"name": "<b>Graphite</b>"})
    tool = LostTool.objects.get()

    shown = browser(bo).get(address).content.decode()
    assert "&lt;b&gt;Graphite" in shown
    assert shown.index("h-tools") < shown.index("h-stands")
    assert f"/tools/{tool.pk}/missed/" in shown
    assert f"/tools/{tool.pk}/missed/" not in browser(mara).get(address).content.decode()

    browser(bo).post(f"/tools/{tool.pk}/missed/")
    assert "for Mara Keller and Bo Silva" in browser(bo).get(address).content.decode()
    browser(bo).post(f"/tools/{tool.pk}/back/")
    assert "h-tools" not in browser(bo).get(address).content.decode()


def test_the_same_over_rest(incident: Incident, mara: Person, bo: Person, rest: Call) -> None:
    world.service("graphite")
    made = rest(mara, "POST", f"/incidents/{incident.pk}/lost-tools", {"service": "graphite"})
    rest(bo, "POST", f"/lost-tools/{made['id']}/confirm")

    assert [tool["lost_for"] for tool in rest(bo, "GET", "/lost-tools")] == [["Mara Keller", "Bo Silva"]]
    assert rest(bo, "POST", f"/lost-tools/{made['id']}/back")["back_by"] == "Bo Silva"
    assert rest(bo, "GET", "/lost-tools") == []
    assert len(rest(bo, "GET", f"/incidents/{incident.pk}/lost-tools")) == 1
    assert rest(bo, "POST", f"/incidents/{incident.pk}/lost-tools", {}) == (422, "bad_input")


def test_what_was_lost_teaches_the_catalog_what_it_needs(
    incident: Incident, mara: Person, bo: Person, browser: Browser, rest: Call
) -> None:
    graphite, httpd, mail = (world.service(slug) for slug in ("graphite", "httpd", "mail"))
    incident.services.set([httpd, mail])
    for name in ("Graphite", "The old wiki"):
        actions.tool_back(actions.lose_tool(incident, name, by=mara), by=bo)
    assert (
        "Graphite, The old wiki could not be reached"
        in browser(bo).get(f"/incidents/{incident.pk}/close/").content.decode()
    )
    shown = browser(bo).get(f"/incidents/{incident.pk}/needs/").content.decode()
    assert "Not in the catalog yet: The old wiki." in shown
    assert 'value="graphite httpd"' in shown

    for _ in range(2):
        browser(bo).post(f"/incidents/{incident.pk}/needs/", {"need": "graphite httpd"})

    assert rest(mara, "GET", "/services/graphite")["needs"] == ["httpd"]
    told = [event.data["needs"] for event in timeline.about(graphite) if event.kind == "service.saved"]
    assert told == [[httpd.pk]]
    address = f"/incidents/{incident.pk}/needs"
    assert [(one["needed"], one["is_known"]) for one in rest(mara, "GET", address)] == [
        ("httpd", True),
        ("mail", False),
    ]
    assert all(one["is_known"] for one in rest(mara, "POST", address, {"tool": "graphite", "needed": "mail"}))
    assert rest(mara, "POST", address, {"tool": "httpd", "needed": "mail"})[0] == 422

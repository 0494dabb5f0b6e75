"""A near miss: nothing broke, and something was learnt."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.incidents import actions, queries
from raglan.incidents.actions import NearMiss
from raglan.incidents.models import Entry, Incident
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def texts(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def test_an_incident_turns_out_to_be_one_and_back(incident: Incident, mara: Person) -> None:
    for kind, kept in (("near_miss", "A spare disk"), ("near_miss", "A spare disk"), ("incident", "")):
        actions.turn_kind(incident, kind, by=mara, kept=kept)

    assert texts(incident) == [
        "This is a near miss: nothing broke. What kept it from being worse: A spare disk",
        "This is an incident after all, not a near miss.",
    ]
    assert not queries.incidents(kind="near_miss").exists()


def test_words_for_an_incident_that_never_was_a_near_miss_are_no_news(incident: Incident, mara: Person) -> None:
    actions.turn_kind(incident, "incident", by=mara, kept="A spare disk")

    assert (incident.kind, incident.kept, texts(incident)) == ("incident", "A spare disk", [])


def test_what_kept_it_from_being_worse_outlives_a_mistake(
    incident: Incident, mara: Person, browser: Browser, rest: Call
) -> None:
    address = f"/incidents/{incident.pk}/"
    actions.turn_kind(incident, "near_miss", by=mara, kept="A spare disk")
    browser(mara).post(f"{address}kind/", {"kept": "A spare disk"})
    assert "worse: A spare disk</p>" not in browser(mara).get(address).content.decode()
    assert "A spare disk" in browser(mara).get(f"{address}kind/").content.decode()

    assert rest(mara, "POST", f"{address}kind", {"kind": "near_miss"})["kept"] == "A spare disk"
    assert rest(mara, "POST", f"{address}kind", {"kind": "near_miss", "kept": "Luck"})["kept"] == "Luck"
    assert rest(mara, "POST", f"{address}kind", {"kind": "near_miss", "kept": ""})["kept"] == ""


def test_a_closed_one_can_still_be_called_so(incident: Incident, mara: Person) -> None:
    actions.stand_down(incident, by=mara)
    said = texts(incident)

    actions.turn_kind(incident, "near_miss", by=mara, kept="Luck")

    assert (incident.kind, incident.kept, texts(incident)) == ("near_miss", "Luck", said)


def test_one_told_afterwards_is_closed_with_its_time_and_pages_nobody(mara: Person, bo: Person) -> None:
    world.schedule(bo, of=world.team(bo))
    at = now() - timedelta(days=1)
    told = NearMiss("Nearly dropped the table", "I was on the wrong host", kept="Bo looked twice", at=at)

    written = actions.write_near_miss(told, by=mara)
    world.fire_all()

    assert (written.kind, written.state, written.kept) == ("near_miss", "closed", "Bo looked twice")
    assert queries.entries(written, oldest_first=True)[0].at == at
    assert written.review.title  # what was learnt is written there
    assert not Page.objects.exists()


def test_what_is_no_kind_or_says_nothing_is_refused(incident: Incident, mara: Person) -> None:
    with pytest.raises(BadInput):
        actions.turn_kind(incident, "fire", by=mara)
    with pytest.raises(BadInput):
        actions.write_near_miss(NearMiss("Nearly", " "), by=mara)


def test_the_screens_and_the_list(incident: Incident, mara: Person, browser: Browser) -> None:
    own = browser(mara)
    form = {"title": "Nearly <b>dropped</b>", "happened": "Wrong host", "kept": "<i>Bo</i>", "ago": "24"}
    own.post("/near-miss/", form)
    listed = own.get("/incidents/?kind=near_miss").content.decode()
    assert "Nearly &lt;b&gt;dropped" in listed
    assert "worse: &lt;i&gt;Bo" in listed
    assert "Apache is down" not in listed

    own.post(f"/incidents/{incident.pk}/kind/", {"is_near_miss": "on", "kept": "A spare"})
    assert "worse: A spare" in own.get(f"/incidents/{incident.pk}/").content.decode()
    own.post(f"/incidents/{incident.pk}/kind/", {})
    assert "Apache is down" in own.get("/incidents/?kind=incident").content.decode()

    own.post("/wrong/", {"title": "Another", "is_near_miss": "on"})
    assert Incident.objects.latest("pk").kind == "near_miss"


def test_the_same_over_rest(incident: Incident, mara: Person, rest: Call) -> None:
    written = rest(mara, "POST", "/near-misses", {"title": "Nearly", "happened": "Seen", "kept": "Luck"})
    declared = rest(mara, "POST", "/incidents", {"title": "Also", "kind": "near_miss", "kept": "A limit"})
    turned = rest(mara, "POST", f"/incidents/{incident.pk}/kind", {"kind": "near_miss"})
    listed = rest(mara, "GET", "/incidents?kind=near_miss")
    assert [one["id"] for one in listed] == [declared["id"], written["id"], turned["id"]]
    assert (written["state"], declared["kept"], turned["kind"]) == ("closed", "A limit", "near_miss")

"""Incidents that have to do with each other, seen from both rooms."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.errors import BadInput
from raglan.incidents import actions, related_queries
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


@pytest.fixture
def other(mara: Person) -> Incident:
    """Another open room."""
    return actions.declare("Pages are slow", by=mara)


def seen(incident: Incident) -> list[tuple[str, str]]:
    return [(link.incident.title, link.words) for link in related_queries.related(incident)]


def test_both_rooms_show_it_and_say_so(incident: Incident, other: Incident, mara: Person) -> None:
    for words in ("the same host", "the same host", "the same change"):
        actions.relate(other, incident, by=mara, words=words)

    assert seen(incident) == [("Pages are slow", "the same change")]
    assert seen(other) == [("Apache is down", "the same change")]
    told = Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True)
    assert list(told) == [
        f"Mara Keller linked this to incident {other.pk}: the same host",
        f"Mara Keller linked this to incident {other.pk}: the same change",
    ]

    for _ in range(2):
        actions.unrelate(incident, other, by=mara)
    assert seen(other) == []


def test_nothing_is_related_to_itself(incident: Incident, mara: Person) -> None:
    with pytest.raises(BadInput):
        actions.relate(incident, incident, by=mara)


def test_what_may_have_to_do_with_it_is_offered_with_the_reason(mara: Person) -> None:
    httpd, dns = world.service("httpd"), world.service("dns")
    old = actions.stand_down(actions.declare("Long ago", by=mara, services=[httpd]), by=mara)
    Incident.objects.filter(pk=old.pk).update(closed_at=old.declared_at - timedelta(days=40))
    actions.declare("Names fail", by=mara, services=[dns])
    same = actions.stand_down(actions.declare("Cache is cold", by=mara, services=[httpd, dns]), by=mara)
    alike = actions.declare("httpd does not start on web0012", by=mara)
    own = actions.declare("httpd does not start", by=mara, services=[httpd])

    offered = related_queries.suggestions(own, [])

    assert [(one.incident, one.why) for one in offered] == [
        (same, f"also about {httpd.name}"),
        (alike, "says nearly the same"),
    ]
    actions.relate(own, same, by=mara)
    assert same not in [one.incident for one in related_queries.suggestions(own, related_queries.related(own))]


def test_the_screen_links_and_takes_back(incident: Incident, other: Incident, mara: Person, browser: Browser) -> None:
    own, address = browser(mara), f"/incidents/{incident.pk}/related/"
    assert own.post(address, {"other": incident.pk}).status_code == 422
    assert own.post(address, {"other": "99"}).status_code == 404
    own.post(address, {"other": other.pk, "words": "<b>same</b> host"})
    assert "&lt;b&gt;same&lt;/b&gt; host" in own.get(f"/incidents/{other.pk}/").content.decode()

    own.post(address, {"other": other.pk, "unlink": "1"})
    assert seen(incident) == []


def test_the_same_over_rest(incident: Incident, other: Incident, mara: Person, rest: Call) -> None:
    own = f"/incidents/{incident.pk}/related"
    linked = rest(mara, "PUT", f"{own}/{other.pk}", {"words": "same host"})
    assert [(one["incident_id"], one["words"]) for one in linked["related"]] == [(other.pk, "same host")]
    assert rest(mara, "PUT", f"{own}/{incident.pk}", {}) == (422, "bad_input")
    assert rest(mara, "GET", f"/incidents/{other.pk}/related")["related"][0]["incident_id"] == incident.pk

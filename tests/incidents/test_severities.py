"""How bad it is for users: changed in the room with what was before, in words of the house."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core.errors import BadInput, NotFound
from raglan.incidents import actions, severities
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def test_a_change_says_what_it_was(incident: Incident, mara: Person) -> None:
    actions.change_severity_words("sev2", "Orders take long", by=mara)
    for severity in ("sev2", "sev2", "sev4"):
        actions.rename(incident, incident.title, severity=severity, by=mara)

    assert list(Entry.objects.order_by("pk").values_list("text", flat=True)) == [
        "What users feel: Orders take long. It was: Not known yet.",
        "What users feel: Users do not notice. It was: Orders take long.",
    ]


def test_a_closed_room_can_still_be_judged(incident: Incident, mara: Person) -> None:
    actions.stand_down(incident, by=mara)

    assert actions.rename(incident, incident.title, severity="sev1", by=mara).severity == "sev1"


@pytest.mark.parametrize(
    ("text", "severity"),
    [("sev2", "sev2"), ("SEV2", "sev2"), ("3", "sev3"), ("users are held up", "sev2"), ("not known", "unknown")],
)
def test_it_is_read_by_its_name_or_its_words(mara: Person, text: str, severity: str) -> None:
    assert severities.read(text) == severity


def test_what_there_is_not_is_refused(mara: Person) -> None:
    with pytest.raises(BadInput, match="sev1 – Users cannot use it"):
        severities.read("purple")
    with pytest.raises(NotFound):
        actions.change_severity_words("sev9", "x", by=mara)
    with pytest.raises(BadInput):
        actions.change_severity_words("sev1", "x" * 81, by=mara)


def test_the_words_stand_in_the_room_once_a_manager_changed_them(
    incident: Incident, mara: Person, browser: Browser, rest: Call
) -> None:
    boss = world.person("Mo Boss", role="manager")
    actions.rename(incident, incident.title, severity="sev1", by=mara)
    browser(boss).post("/setup/severities/", {"sev1": "Nobody can <b>buy</b>"})

    assert "Nobody can &lt;b&gt;buy" in browser(mara).get(f"/incidents/{incident.pk}/").content.decode()
    assert rest(mara, "GET", f"/incidents/{incident.pk}")["severity_words"] == "Nobody can <b>buy</b>"
    assert rest(mara, "PUT", "/severities/sev1", {"words": "x"}) == (403, "not_allowed")
    assert rest(boss, "PUT", "/severities/sev1", {"words": ""})["is_own"]
    assert all(one["is_own"] for one in rest(mara, "GET", "/severities"))


def test_the_screen_that_reopens_asks_why(incident: Incident, mara: Person, browser: Browser) -> None:
    actions.stand_down(incident, by=mara)
    address = f"/incidents/{incident.pk}/reopen/"

    assert browser(mara).post(address, {"why": " "}).status_code == 422
    browser(mara).post(address, {"why": "Slow again"})

    incident.refresh_from_db()
    assert incident.state == "open"
    assert Entry.objects.latest("pk").text == "Slow again"

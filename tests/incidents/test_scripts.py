"""Short wordings stand beside the moment they serve; each installation adapts them."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core.errors import BadInput, NotFound
from raglan.incidents import actions, scripts
from raglan.incidents.models import Incident, Script
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


def test_words_are_adapted_and_come_back(mara: Person) -> None:
    for _ in range(2):
        actions.change_script("stop", "Hold on, please: …", by=mara)
    (stop,) = scripts.shelf(["stop"])
    assert (stop.words, stop.is_own) == ("Hold on, please: …", False)

    actions.change_script("stop", scripts.OWN["stop"][1], by=mara)

    assert scripts.shelf(["stop"])[0].is_own
    assert not Script.objects.exists()


def test_other_moments_and_long_words_are_refused(mara: Person) -> None:
    with pytest.raises(NotFound):
        actions.change_script("lunch", "x", by=mara)
    with pytest.raises(BadInput):
        actions.change_script("stop", "x" * 601, by=mara)


@pytest.mark.parametrize(
    ("address", "moment"),
    [("/heads-up/", "broke"), ("{room}close/", "closing"), ("{room}hand-over/", "handing-over"),
     ("{room}catch-up/", "joining"), ("{room}", "disagreeing"), ("/scripts/", "thanking")],
)  # fmt: skip
def test_they_stand_where_they_serve(
    incident: Incident, mara: Person, browser: Browser, address: str, moment: str
) -> None:
    shown = browser(mara).get(address.format(room=f"/incidents/{incident.pk}/")).content.decode()

    assert scripts.OWN[moment][1] in shown


def test_their_screen_keeps_them(browser: Browser, outbox: world.Outbox) -> None:
    boss = world.person("Mo Boss", role="manager")

    browser(boss).post("/scripts/thanking/", {"words": "Ta, <b>all</b>"})

    assert "“Ta, &lt;b&gt;all&lt;/b&gt;”" in browser(boss).get("/scripts/").content.decode()
    assert browser(boss).get("/scripts/lunch/").status_code == 404


def test_the_same_over_rest(mara: Person, rest: Call) -> None:
    boss = world.person("Mo Boss", role="manager")
    assert rest(boss, "PUT", "/scripts/thanking", {"words": "Ta"})["words"] == "Ta"
    assert rest(mara, "PUT", "/scripts/thanking", {"words": "Ta"}) == (403, "not_allowed")
    assert [item["moment"] for item in rest(mara, "GET", "/scripts") if not item["is_own"]] == ["thanking"]

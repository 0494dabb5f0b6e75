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


def test_a_team_says_it_in_its_own_words_and_adds_moments(
    mara: Person, bo: Person, browser: Browser, rest: Call
) -> None:
    web = world.team(mara, name="Web")
    actions.change_script("stop", "Halt, all: …", by=mara)
    address = f"/scripts/of/{web.slug}/"
    browser(mara).post(f"{address}stop/", {"words": "Web, wait: …"})
    browser(mara).post(address, {"title": "Calling the data centre", "words": "Here is <b>Web</b>.", "place": "shelf"})

    assert [wording.words for wording in scripts.shelf(["stop"], reader=mara)] == ["Web, wait: …"]
    assert [wording.words for wording in scripts.shelf(["stop"], reader=bo)] == ["Halt, all: …"]
    shown = browser(mara).get("/scripts/").content.decode()
    assert "As Web says it." in shown
    assert "Calling the data centre" in shown
    assert "Calling the data centre" not in browser(bo).get("/scripts/").content.decode()
    assert browser(bo).post(address, {"title": "x", "words": "x"}).status_code == 403
    assert browser(bo).post(f"{address}stop/", {"words": "x"}).status_code == 403

    added = rest(mara, "GET", "/scripts")[-1]
    assert (added["title"], added["team"]) == ("Calling the data centre", "Web")
    assert rest(bo, "PUT", f"/scripts/stop?team={web.slug}", {"words": "x"}) == (403, "not_allowed")
    assert rest(mara, "PUT", f"/scripts/lunch?team={web.slug}", {"words": "x"})[0] == 422
    told = rest(mara, "PUT", f"/scripts/lunch?team={web.slug}", {"words": "Who stays?", "title": "Lunch"})
    assert (told["words"], told["is_own"]) == ("Who stays?", False)
    for moment in ("stop", "lunch", added["moment"]):
        actions.change_script(moment, "", by=mara, team=web)
    assert [one["moment"] for one in rest(mara, "GET", "/scripts") if not one["is_own"]] == ["stop"]
    assert Script.objects.count() == 1


@pytest.mark.parametrize(
    ("place", "address"),
    [("room", "{room}"), ("heads-up", "/heads-up/"), ("joining", "{room}catch-up/"),
     ("handing-over", "{room}hand-over/"), ("closing", "{room}close/")],
)  # fmt: skip
def test_a_moment_of_a_team_stands_beside_what_it_serves(
    incident: Incident, mara: Person, bo: Person, browser: Browser, place: str, address: str
) -> None:
    web = world.team(mara, name="Web")
    fields = {"title": "Calling the data centre", "words": "Here is Web.", "place": place}
    browser(mara).post(f"/scripts/of/{web.slug}/", fields)
    address = address.format(room=f"/incidents/{incident.pk}/")

    assert "Here is Web." in browser(mara).get(address).content.decode()
    assert "Here is Web." not in browser(bo).get(address).content.decode()
    (added,) = Script.objects.all()
    browser(mara).post(f"/scripts/of/{web.slug}/{added.moment}/", {"words": "Here is Web.", "place": "shelf"})
    assert "Here is Web." not in browser(mara).get(address).content.decode()
    assert "On the shelf only." in browser(mara).get(f"/scripts/of/{web.slug}/").content.decode()


def test_where_a_moment_stands_is_said_over_rest_and_kept(mara: Person, rest: Call) -> None:
    address = f"/scripts/lunch?team={world.team(mara).slug}"
    told = [rest(mara, "PUT", address, {"words": "Who stays?", "title": "Lunch"} | more)["place"]
            for more in ({}, {"place": "closing"}, {"words": "Who stays here?"})]  # fmt: skip

    assert told == ["room", "closing", "closing"]
    assert rest(mara, "PUT", address, {"words": "x", "place": "the moon"})[0] == 422

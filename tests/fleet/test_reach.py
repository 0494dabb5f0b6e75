"""How far a change may go is known before it goes: hosts, clusters, how soon, what people need there."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.catalog.models import ServicePurpose
from raglan.core.clock import now
from raglan.fleet import packages, reach
from raglan.fleet.judging import Said
from raglan.fleet.mirror_models import Mirror, MirrorPackage
from raglan.fleet.models import Host
from raglan.fleet.taking import take_reports
from raglan.testing import world
from tests.fleet.reporting import NEWER, received

pytestmark = pytest.mark.django_db
DATABASE = [("mariadb", "10.11", "amd64")]


@pytest.fixture(autouse=True)
def hosts() -> None:
    """Four web hosts of which one is newer, two databases, and one host of which only runs are known."""
    packages.forget_known()
    reach.forget_held()
    told = [received(f"web{number}", host={"services": ["graphs", "shop"]}) for number in range(3)]
    told.append(received("web3", packages=NEWER, host={"cluster": "west", "environment": "staging"}))
    told += [received(f"db{number}", packages=DATABASE, host={"role": "db"}) for number in range(2)]
    take_reports(told)
    Host.objects.filter(name__startswith="web").update(run_interval_s=600)
    Host.objects.create(key="/odd", name="odd", first_heard_at=now(), last_heard_at=now())


def clusters(**said: object) -> dict[str, int]:
    return dict(reach.reach(Said(1, **said)).clusters)  # type: ignore[arg-type]  # a test states only what matters


def test_hosts_that_have_the_package_are_meant_and_those_of_which_that_is_not_known() -> None:
    found = reach.reach(Said(1, {"apache2": "2.4.6-45"}))
    assert dict(found.clusters) == {"east": 3, "west": 1, "": 1}
    assert found.versions == {"apache2": {"2.4.6-40": 3, "2.4.6-45": 1}}
    assert (found.hosts, found.unlisted, found.seen_to_run) == (5, 1, 4)
    assert found.half is not None
    assert found.whole is not None
    assert abs(found.half - timedelta(minutes=5)) < timedelta(seconds=3)
    assert abs(found.whole - timedelta(minutes=10)) < timedelta(seconds=3)


def test_how_soon_goes_by_the_last_runs_and_a_share_stands_for_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        Host.objects.filter(name=f"web{number}").update(ran_at=now() - timedelta(minutes=8, seconds=number))
    found = reach.reach(Said(1, {"apache2": ""}))
    assert found.half is not None
    assert found.whole is not None
    assert timedelta(seconds=110) < found.half <= found.whole <= timedelta(seconds=121)
    assert (found.seen_to_run, found.busiest) == (4, 4)
    monkeypatch.setattr(reach, "MOST_RUNS", 2)
    sampled = reach.reach(Said(1, {"apache2": ""}))
    assert (sampled.seen_to_run, sampled.busiest) == (4, 4)


def test_what_was_named_narrows_it() -> None:
    east, staging = frozenset(("east",)), frozenset(("staging",))
    assert clusters(packages={"apache2": ""}, clusters=east) == {"east": 3}
    assert clusters(packages={"apache2": ""}, environments=staging) == {"west": 1}
    assert clusters(packages={}, roles=frozenset(("db",))) == {"east": 2}
    assert clusters(packages={"new-thing": ""}, clusters=east) == {"east": 5}
    assert clusters(packages={"apache2": ""}, clusters=frozenset(("north",))) == {}


def test_hosts_that_left_are_not_meant() -> None:
    Host.objects.filter(name="web0").update(retired_at=now())
    assert clusters(packages={"apache2": ""})["east"] == 2


def test_response_tools_on_those_hosts_are_named() -> None:
    graphs = world.service("graphs")
    world.service("shop")
    ServicePurpose.objects.create(service=graphs, purpose="see")
    found = reach.reach(Said(1, {"apache2": ""}))
    assert [(one.service.slug, one.hosts, one.purposes) for one in found.tools] == [("graphs", 3, "seeing")]


def test_the_way_back_to_every_version_is_looked_up_and_of_very_many_the_rest_is_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(world.person())
    take_reports([received(f"old{number}", packages=[("apache2", f"2.4.5-{number}", "amd64")]) for number in range(6)])
    body = {"title": "Raise", "packages": [{"name": "apache2", "version": "2.4.6-45"}], "expected": {}}
    ahead = client.post("/api/v1/changes/reach", body, "application/json").json()
    rest = [f"2.4.5-{number}" for number in range(6)]
    assert [way["version"] for way in ahead["ways_back"]] == ["2.4.6-40", *rest]
    assert ahead["more_ways_back"] == 0
    made = client.post("/api/v1/changes/proposed", body, "application/json").json()
    page = client.get(f"/changes/{made['id']}/").content.decode()
    assert "was not looked up" not in page
    seen, folded = page.split("<summary>3 more</summary>")
    assert [f"{version}: no mirror" in seen for version in rest] == [True] * 3 + [False] * 3
    assert [f"{version}: no mirror" in folded for version in rest] == [False] * 3 + [True] * 3
    monkeypatch.setattr(reach, "VERSIONS", 5)
    ahead = client.get(f"/api/v1/changes/{made['id']}/reach").json()
    assert [way["version"] for way in ahead["ways_back"]] == ["2.4.6-40", *rest[:4]]
    assert ahead["more_ways_back"] == 2
    page = client.get(f"/changes/{made['id']}/").content.decode()
    assert "The way back to 2 other versions, each on no more hosts than these, was not looked up." in page


def test_one_way_doors_stand_first(client: Client) -> None:
    client.force_login(world.person())
    take_reports([received("old", packages=[("apache2", "2.4.5-1", "amd64")])])
    at = now()
    mirror = Mirror.objects.create(name="m", slug="m", kind="apt", scheme="deb", created_at=at, read_at=at)
    MirrorPackage.objects.create(mirror=mirror, name="apache2", version="2.4.6-40", first_seen_at=at)
    body = {"title": "Raise", "packages": [{"name": "apache2", "version": "2.4.6-45"}], "expected": {}}
    ahead = client.post("/api/v1/changes/reach", body, "application/json").json()
    doors = [(way["version"], way["door"]) for way in ahead["ways_back"]]
    assert doors == [("2.4.5-1", "one_way"), ("2.4.6-40", "two_way")]


def test_it_is_shown_before_the_change_is_proposed_on_the_screen_and_over_rest(client: Client) -> None:
    client.force_login(world.person())
    typed = {"title": "Raise the pin", "on_existing": "nothing", "on_new": "version", "packages": "apache2 2.4.6-45"}
    looked = client.post("/changes/new/", {**typed, "do": "look"}).content.decode()
    assert "5 hosts" in looked
    assert "2.4.6-40 on 3" in looked
    assert "apache2 2.4.6-40: no mirror that is read here has ever had this package." in looked
    assert "Nobody knows" not in looked  # which the mark before it says

    body = {"title": "Raise", "packages": [{"name": "apache2", "version": "2.4.6-45"}], "expected": {}}
    ahead = client.post("/api/v1/changes/reach", body, "application/json").json()
    assert (ahead["hosts"], ahead["whole_after_s"] in range(595, 605)) == (5, True)
    assert [(way["version"], way["door"]) for way in ahead["ways_back"]] == [("2.4.6-40", "unknown")]
    made = client.post("/api/v1/changes/proposed", body, "application/json").json()
    assert client.get(f"/api/v1/changes/{made['id']}/reach").json() == {**ahead, "alike": []}
    stands = client.get(f"/api/v1/changes/{made['id']}/progress").json()
    assert (stands["counts"]["waiting"], stands["counts"]["total"]) == (5, 5)
    listed = client.get(f"/api/v1/changes/{made['id']}/hosts?state=left&cluster=east").json()
    assert [(one["name"], one["state"]) for one in listed] == [("web0", ""), ("web1", ""), ("web2", "")]

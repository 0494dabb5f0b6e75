"""Where hosts belong is set by name for those that do not say it; what they or their tools say counts more."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from raglan.core import timers
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.fleet import places
from raglan.fleet.models import Host, HostService
from raglan.fleet.ports import HostTold, Outcome, RunTold
from raglan.fleet.runs import take_run
from raglan.fleet.taking import take_reports
from raglan.testing import world
from tests.fleet.reporting import received
from tests.fleet.running import source

pytestmark = pytest.mark.django_db
RULES = "web*: cluster east, role web, services shop search\nweb1: environment staging, tags blue\n*: cluster rest"


def ran(name: str, key: str = "r1", **words: str) -> Host:
    run = RunTold("puppet", key, HostTold(name, **words), Outcome.UNCHANGED, now(), now())  # type: ignore[arg-type]
    take_run(run, source=source("puppet").pk, received_at=now())
    return Host.objects.get(name=name)


def words_of(name: str) -> tuple[object, ...]:
    host = Host.objects.get(name=name)
    carries = sorted(host.carries.values_list("slug", flat=True))
    return host.cluster, host.role, host.environment, host.tags, carries


def put(text: str) -> int:
    return places.set_rules(places.read(text), actor="raglan")


def test_hosts_get_what_they_do_not_say_and_those_that_come_later_too() -> None:
    ran("web1")
    ran("db1", cluster="own", role="db")
    assert put(RULES) == 1
    assert words_of("web1") == ("east", "web", "staging", ["blue"], ["search", "shop"])
    assert words_of("db1") == ("own", "db", "", [], [])
    ran("web2")
    assert words_of("web2") == ("east", "web", "", [], ["search", "shop"])
    assert put(RULES) == 0


def test_other_rules_take_back_what_rules_gave_and_nothing_else() -> None:
    ran("web1", role="own")
    put(RULES)
    assert put("web*: cluster west, services mail") == 1
    assert words_of("web1") == ("west", "own", "", [], ["mail"])
    assert put("") == 1
    assert words_of("web1") == ("", "own", "", [], [])


def test_what_a_tool_or_the_host_tells_later_counts_more() -> None:
    ran("web1")
    put(RULES)
    ran("web1", "r2", cluster="told")
    assert words_of("web1")[:2] == ("told", "web")
    put("web*: cluster west")
    assert words_of("web1")[0] == "told"
    put(RULES)
    take_reports([received("web2", host={"role": "cache", "services": ["own"]})])
    assert words_of("web2") == ("east", "cache", "", [], ["own"])


def test_tags_that_a_rule_gave_and_the_host_says_itself_now_are_its_own() -> None:
    take_reports([received("web1")])
    put("web*: tags slow")
    assert words_of("web1")[3] == ["slow"]
    take_reports([received("web1", seq=2, host={"tags": ["slow"]})])
    put("web*: tags quick")
    assert words_of("web1")[3] == ["slow"]
    put("")
    assert words_of("web1")[3] == ["slow"]
    assert Host.objects.get(name="web1").placed == {}


def test_a_tag_of_a_rule_may_have_spaces_in_quotes() -> None:
    ran("web1")
    put('web*: tags "front row" 6" blue, role web')
    assert words_of("web1")[3] == ["front row", '6"', "blue"]
    line = 'web*: role web, tags “front row” 6" blue'
    assert [places.written(rule) for rule in places.rules()] == [line]
    assert places.read(line) == places.rules()
    for wrong in ('web*: tags "front row', 'web*: tags ""'):
        with pytest.raises(BadInput):
            places.read(wrong)


def test_names_of_a_rule_may_have_commas_in_quotes() -> None:
    ran("web1")
    put('web*: tags "rack 4, left" blue, role "a, b", cluster front row')
    assert words_of("web1")[:4] == ("front row", "a, b", "", ["rack 4, left", "blue"])
    line = "web*: cluster front row, role “a, b”, tags “rack 4, left” blue"
    assert [places.written(rule) for rule in places.rules()] == [line]
    assert places.read(line) == places.rules()
    for wrong in ('web*: role "a, b', 'web*: tags "a, b', "web*: role 'a'"):
        with pytest.raises(BadInput, match="“front row”"):
            places.read(wrong)


def test_many_hosts_are_filled_in_portions_with_few_statements(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    for number in range(25):
        ran(f"web{number:02}")
    monkeypatch.setattr(places, "AT_ONCE", 10)
    put("*: role old")
    with django_assert_max_num_queries(25):
        assert put(RULES) == 10
    assert places.goes_on()
    assert words_of("web24")[1] == ""
    (due,) = timers.claim(10)
    with django_assert_max_num_queries(15):
        timers.fire(due)
    assert Host.objects.filter(role="web").count() == 20
    client.force_login(world.person())
    assert client.get("/api/v1/fleet/places").json()["goes_on"]
    world.fire_all()
    assert Host.objects.filter(cluster="east", role="web").count() == 25
    assert HostService.objects.count() == 50
    assert not places.goes_on()


@pytest.mark.parametrize(
    "text", ["web*", "web*:", "web*: colour red", "w*b*x: role a", ": role a", "web: role " + "x" * 121]
)
def test_what_can_not_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        put(text)


def test_the_screen_and_rest_do_the_same(client: Client) -> None:
    client.force_login(world.person())
    ran("web1")
    assert client.post("/setup/hosts/places/", {"rules": RULES}).status_code == 302
    assert "web1: environment staging, tags blue" in client.get("/setup/hosts/places/").content.decode()
    assert client.post("/setup/hosts/places/", {"rules": "web*"}).status_code == 422
    assert client.get("/api/v1/fleet/places").json()["rules"] == RULES.splitlines()
    answer = client.put("/api/v1/fleet/places", {"rules": ["web1: role db"]}, "application/json")
    assert (answer.status_code, answer.json()["changed"]) == (200, 1)
    assert client.put("/api/v1/fleet/places", {"rules": ["web1"]}, "application/json").status_code == 422

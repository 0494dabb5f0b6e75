"""Tags of hosts: hosts are found by them; holds, changes and groups name their hosts by them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from raglan.changes import holding, proposing, spoken_holds
from raglan.changes.gate import Reach
from raglan.changes.grouping import read, written
from raglan.changes.models import Change, Expectation
from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.fleet import (
    actions,
    facts,
    identity,
    places,
    progress,
    queries,
    reach,
    roll,
    rolling,
    run_batches,
    runs,
    tags,
)
from raglan.fleet.judging import Said
from raglan.fleet.models import Host, HostService, HostTag
from raglan.fleet.ports import HostTold, Outcome, RunTold
from raglan.fleet.run_models import HostRun
from raglan.fleet.watch_models import Arrival
from raglan.people.models import Person
from tests.fleet import running
from tests.fleet.reporting import NEWER, host, report

pytestmark = pytest.mark.django_db


def fleet() -> None:
    """Three web hosts: a canary that is blue, a blue one, one without a tag."""
    report("web1", host={"tags": ["canary", "blue"], "environment": "staging"})
    report("web2", host={"tags": ["blue"]})
    report("web3")


def names(**wanted: str) -> list[str]:
    return [found.name for found in queries.hosts(queries.Wanted(**wanted))]


def test_hosts_are_found_by_a_tag_that_they_say_and_no_longer_once_they_say_another() -> None:
    fleet()
    assert names(tag="blue") == ["web1", "web2"]
    assert names(tag="canary", cluster="east") == ["web1"]
    assert tags.known() == ["blue", "canary"]
    report("web1", seq=2, host={"tags": ["green"]})
    assert (names(tag="blue"), names(tag="green"), names(tag="canary")) == (["web2"], ["web1"], [])


def test_the_screen_and_rest_find_them(client: Client) -> None:
    fleet()
    person = Person.objects.create_person("mara@example.test", "Mara", role="responder")
    client.force_login(person)
    text = client.get("/hosts/?tag=canary").content.decode()
    assert ">web1<" in text
    assert ">web2<" not in text
    assert '<option value="canary" selected>' in text
    assert '<option value="staging">' in text
    assert 'href="/hosts/?tag=canary"' in client.get(f"/hosts/{host('web1').pk}/").content.decode()
    assert [one["name"] for one in client.get("/api/v1/hosts?tag=blue").json()] == ["web1", "web2"]


def test_a_tool_and_a_rule_give_tags_where_the_host_says_none_itself() -> None:
    at = now()
    actions.host_for(HostTold(name="db1", tags=("ansible_db",)), at=at, received_at=at)
    actions.host_for(HostTold(name="db2"), at=at, received_at=at)
    places.set_rules(places.read("db*: tags slow"), actor=timeline.SYSTEM)
    assert names(tag="ansible_db") == ["db1"]
    assert names(tag="slow") == ["db2"]
    later = at + timedelta(minutes=10)
    actions.host_for(HostTold(name="db2", tags=("ansible_db",)), at=later, received_at=later)
    assert names(tag="slow") == []
    assert names(tag="ansible_db") == ["db1", "db2"]
    assert set(HostTag.objects.values_list("host__name", "tag")) == {("db1", "ansible_db"), ("db2", "ansible_db")}


def test_a_tool_that_tells_all_its_tags_takes_them_back_and_one_that_knows_of_none_does_not() -> None:
    at = now()
    for minutes, told, expected in (
        (0, HostTold(name="db1", tags=("canary",), knows_tags=True), ["db1"]),
        (10, HostTold(name="db1"), ["db1"]),
        (20, HostTold(name="db1", knows_tags=True), []),
    ):
        then = at + timedelta(minutes=minutes)
        actions.host_for(told, at=then, received_at=then)
        assert names(tag="canary") == expected
    places.set_rules(places.read("db*: tags slow"), actor=timeline.SYSTEM)
    then = at + timedelta(minutes=30)
    actions.host_for(HostTold(name="db1", knows_tags=True), at=then, received_at=then)
    assert names(tag="slow") == ["db1"]


def tell(tool: str, *told: str, name: str = "db1", knows_tags: bool = True, ago: timedelta = timedelta(0)) -> list[str]:
    """Let a tool run on a host that has these tags by its word; return what the host has then."""
    said, at = HostTold(name=name, tags=told, knows_tags=knows_tags), now() - ago
    run = replace(running.told(f"{tool} {HostRun.objects.count()}"), tool=tool, host=said, started_at=at, ended_at=at)
    running.take(run, received_at=at)
    found = host(name)
    assert list(HostTag.objects.filter(host=found).order_by("tag").values_list("tag", flat=True)) == sorted(found.tags)
    return found.tags


def test_tags_of_several_tools_are_joined_and_each_takes_back_its_own_alone() -> None:
    assert tell("chef", "canary", "blue") == ["canary", "blue"]
    assert tell("ansible", "web", "blue") == ["web", "blue", "canary"]
    assert tell("puppet", knows_tags=False) == ["web", "blue", "canary"]
    assert tell("chef", "canary") == ["web", "blue", "canary"]
    assert tell("ansible") == ["canary"]
    assert tell("chef") == []


def test_tags_of_a_tool_that_runs_there_no_more_end_with_its_last_run_that_is_kept() -> None:
    tell("chef", "canary", ago=timedelta(days=config().run_days + 1))
    assert tell("ansible", "web") == ["web", "canary"]
    assert runs.forget_old() == 1
    assert host("db1").tags == ["web"]
    assert list(host("db1").tags_by) == [f"ansible:{running.source().pk}"]
    assert list(HostTag.objects.values_list("tag", flat=True)) == ["web"]


def test_tags_of_a_tool_of_which_no_run_is_kept_end_when_another_tells_news() -> None:
    tell("chef", "canary")
    HostRun.objects.all().delete()  # with the source that told it
    assert tell("ansible", "web") == ["web"]


def test_a_host_that_is_retired_keeps_what_it_said_itself_and_a_tool_that_knows_it_tells_its_tags_anew() -> None:
    tell("chef", "canary")
    actions.retire_host(host("db1"), actor=timeline.SYSTEM)
    assert (host("db1").tags, HostTag.objects.count()) == ([], 0)
    assert tell("ansible", knows_tags=False) == []
    assert tell("chef", "canary") == ["canary"]
    report("web1", host={"tags": ["own"]})
    tell("chef", "canary", name="web1")
    actions.retire_host(host("web1"), actor=timeline.SYSTEM)
    assert host("web1").tags_by == {"": ["own"]}
    report("web1", seq=2, host={"tags": ["own"]})
    assert host("web1").tags == ["own"]


def test_what_a_node_of_before_took_from_a_host_is_its_own_once_it_reports_to_one_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as before:
        before.setattr(facts, "KEPT_AS", b"")
        report("web1", host={"tags": ["own"]})
    Host.objects.update(tags_by={})  # it did not know of it
    report("web1", seq=2, host={"tags": ["own"]})
    assert tell("chef", "canary", name="web1") == ["own"]


def test_words_of_a_tool_stay_where_only_a_node_of_now_reads_what_one_of_before_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as before:
        before.setattr(facts, "KEPT_AS", b"")
        report("web1", host={"tags": ["own"], "services": ["httpd"]})
    told = replace(running.told("r1"), host=HostTold(name="web1", environment="production"))
    running.take(told)
    assert host("web1").environment == "production"
    report("web1", seq=2, host={"tags": ["own"], "services": ["httpd"]})
    assert host("web1").environment == "production"
    assert list(HostService.objects.values_list("slug", flat=True)) == ["httpd"]
    report("web1", seq=3, host={"tags": ["own"], "environment": "staging"})
    assert host("web1").environment == "staging"
    assert not HostService.objects.exists()


def test_tags_of_tools_count_where_a_host_reports_and_says_none_itself() -> None:
    report("db1")
    assert tell("chef", "canary") == ["canary"]
    report("db1", seq=2, host={"role": "db"})
    assert host("db1").tags == ["canary"]
    report("db1", seq=3, host={"tags": ["own"]})
    assert host("db1").tags == ["own"]
    assert tell("ansible", "web") == ["own"]
    report("db1", seq=4, host={"role": "db"})
    assert tell("puppet", knows_tags=False) == ["web", "canary"]


def test_once_the_last_tool_took_its_tags_back_a_rule_gives_them() -> None:
    tell("chef", "canary")
    places.set_rules(places.read("db*: tags canary slow"), actor=timeline.SYSTEM)
    assert tell("ansible", "web") == ["web", "canary"]
    tell("chef")
    assert tell("ansible") == ["canary", "slow"]
    assert tell("chef", "canary", "slow") == ["canary", "slow"]
    places.set_rules([], actor=timeline.SYSTEM)
    assert host("db1").tags == ["canary", "slow"]


def test_runs_of_many_hosts_at_once_keep_the_tags_of_each_tool() -> None:
    for key, tool, tags_of in (("a", "chef", ("canary",)), ("b", "ansible", ("web",)), ("c", "ansible", ("web",))):
        told = [
            RunTold(tool, key + name, HostTold(name, tags=tags_of, knows_tags=True), Outcome.UNCHANGED, ended_at=now())
            for name in ("web1", "web2")
        ]
        run_batches.take_runs([run_batches.Told(run, running.source(tool).pk, now()) for run in told])
    assert [host(name).tags for name in ("web1", "web2")] == [["web", "canary"]] * 2


def ran(name: str, *tools: str) -> None:
    """Let tools run on a host, one after the other; each tells the tags of before."""
    at = now() - timedelta(hours=1)
    for number, tool in enumerate(tools):
        then = at + timedelta(minutes=number)
        told = HostTold(name, tags=("canary", "web"), knows_tags=True)
        run = replace(running.told(f"{name}{number}"), tool=tool, host=told, started_at=then, ended_at=then)
        running.take(run, received_at=then)


@contextmanager
def as_before() -> Iterator[None]:
    """The tables of before anybody kept who told which tags; and those of now after it."""
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate([("fleet", "0011_tags_of_hosts")])
    try:
        MigrationExecutor(connection).migrate([("fleet", "0012_tags_by_tool")])
        yield
    finally:
        MigrationExecutor(connection).migrate(latest)


@pytest.mark.django_db(transaction=True)
def test_tags_of_before_are_of_the_host_or_of_the_tool_that_ran_there_last() -> None:
    report("own", host={"tags": ["own"]})
    ran("ran", "ansible", "chef")
    ran("other", "chef", "ansible", "puppet")
    ran("long-ago", "chef")
    HostRun.objects.filter(host=host("long-ago")).delete()
    with as_before():
        assert host("ran").tags_by == {}
    assert (host("own").tags_by, host("ran").tags_by) == ({"": ["own"]}, {"chef": ["canary", "web"]})
    assert host("other").tags_by == {"ansible": ["canary", "web"]}
    assert len(host("long-ago").tags_by) == 1
    assert tell("chef", "canary", name="ran") == ["canary"]
    assert tell("chef", "canary", name="long-ago") == ["canary"]


@pytest.mark.django_db(transaction=True)
def test_whose_the_tags_are_is_said_in_portions_and_what_was_said_stands_when_it_begins_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = import_module("raglan.fleet.migrations.0013_whose_tags")
    monkeypatch.setattr(step, "AT_ONCE", 1)
    portion = step._portion
    for name in ("a", "b", "c"):
        ran(name, "chef")

    def or_wait(rows: object, runs: object, after: int) -> object:
        if after >= host("b").pk:
            raise OperationalError("canceling statement due to lock timeout")
        return portion(rows, runs, after)

    with as_before():
        monkeypatch.setattr(step, "_portion", or_wait)
        with pytest.raises(OperationalError):
            MigrationExecutor(connection).migrate([("fleet", "0013_whose_tags")])
        monkeypatch.setattr(step, "_portion", portion)
        whose = [host(name).tags_by for name in ("a", "b", "c")]
        assert whose == [{"chef": ["canary", "web"]}, {"chef": ["canary", "web"]}, {}]
        Host.objects.filter(name="a").update(tags_by={"": ["own"]})  # by a node that is new already
    assert [list(host(name).tags_by) for name in ("a", "b", "c")] == [[""], ["chef"], ["chef"]]


def test_a_run_that_is_taken_while_the_host_reports_leaves_what_the_host_said(monkeypatch: pytest.MonkeyPatch) -> None:
    at = now()
    actions.host_for(HostTold(name="web1", role="web"), at=at, received_at=at)
    found = identity.by_run

    def and_then_it_reports(told: HostTold) -> Host | None:
        read = found(told)
        monkeypatch.undo()
        report("web1", host={"tags": ["canary"]})
        return read

    monkeypatch.setattr(identity, "by_run", and_then_it_reports)
    later = at + timedelta(minutes=10)
    actions.host_for(HostTold(name="web1", tags=("ansible_web",), knows_tags=True), at=later, received_at=later)
    assert host("web1").tags == ["canary"]
    assert list(HostTag.objects.values_list("tag", flat=True)) == ["canary"]


def test_a_hold_by_tag_calls_the_roll_of_those_hosts_alone() -> None:
    fleet()
    by = holding.By("Mara", timeline.SYSTEM)
    draft = holding.HoldDraft("stop", "it fails", now() + timedelta(hours=1), Reach(tags=("CANARY",)))
    hold = holding.raise_hold(draft, by=by)
    assert [one.name for one in roll.reached_by(hold)] == ["web1"]
    assert hold.reach.words == "tag CANARY"


def test_chat_and_rest_raise_holds_by_tag(client: Client) -> None:
    person = Person.objects.create_person("mara@example.test", "Mara", role="responder")
    said, _ = spoken_holds.run("it fails; tags: canary blue; for: 1 h", spoken_holds.Speaker(person))
    assert "for tags canary, blue" in said
    client.force_login(person)
    body = {"name": "a", "reason": "b", "ends_at": (now() + timedelta(hours=1)).isoformat(), "tags": ["canary"]}
    made = client.post("/api/v1/holds", json.dumps(body), content_type="application/json")
    assert (made.status_code, made.json()["tags"]) == (201, ["canary"])
    through = {"kind": "tag", "name": "blue", "reason": "by hand"}
    path = f"/api/v1/holds/{made.json()['id']}/exceptions"
    assert client.post(path, json.dumps(through), content_type="application/json").status_code == 201


def proposed(*, groups: str = "") -> Change:
    expected = proposing.Expected("version", "nothing", tags=("canary",))
    person = Person.objects.create_person("author@example.test", "Author", role="responder")
    draft = proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], expected, groups=read(groups))
    return proposing.propose(draft, by=proposing.Teller(person.name, person, person))


def test_a_change_by_tag_reaches_those_hosts_and_no_other_is_judged_by_it() -> None:
    fleet()
    change = proposed()
    assert Expectation.objects.get(change=change).tags == ["canary"]
    assert reach.reach(Said(0, {"apache2": ""}, tags=frozenset(["canary"]))).hosts == 1
    report("web2", seq=2, packages=NEWER, host={"tags": ["blue"]})
    assert not Arrival.objects.exists()
    report("web1", seq=2, packages=NEWER, host={"tags": ["canary", "blue"]})
    assert Arrival.objects.get().state == Arrival.State.DIFFERS


def test_a_group_by_tag_is_read_written_and_counted() -> None:
    fleet()
    text = "first: tag canary, soak 30 min\nkept: tag blue, aside"
    assert "\n".join(map(written, read(text))) == text
    expected = proposing.Expected("version", "version")
    draft = proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], expected, groups=read(text))
    change = proposing.propose(draft, by=proposing.Teller("ci", timeline.SYSTEM))
    report("web2", seq=2, packages=NEWER, host={"tags": ["blue"]})
    assert Arrival.objects.get().difference == "aside"
    change.refresh_from_db()
    counted = {one.group.name: one.counts.total for one in rolling.rolling(progress.Progress(change))}
    assert counted == {"first": 0, "kept": 2, "all others": 1}

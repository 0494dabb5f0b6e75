"""Tags by the source that told them: two controllers of one tool leave each other's alone, on two nodes too."""

from dataclasses import replace
from datetime import timedelta

import pytest

from raglan.core.clock import CLOCK, now
from raglan.fleet import actions, identity, run_batches, runs
from raglan.fleet.models import Host, HostTag
from raglan.fleet.ports import HostTold, Outcome, RunTold
from raglan.fleet.run_models import HostRun
from tests.fleet import running
from tests.fleet.reporting import host

pytestmark = pytest.mark.django_db


def ran(*told: str, name: str = "db1", tool: str = "ansible", outcome: Outcome = Outcome.CHANGED) -> RunTold:
    """A run of now on a host that has these tags by its word."""
    at, key = now(), f"{tool} {HostRun.objects.count()}"
    said = HostTold(name=name, tags=told, knows_tags=True)
    return replace(running.told(key, outcome), tool=tool, host=said, started_at=at, ended_at=at)


def tell(source: str, *told: str, tool: str = "ansible", outcome: Outcome = Outcome.CHANGED) -> list[str]:
    """Let a run be told with the token of a source, a minute later; return what tags its host has then."""
    CLOCK.move(timedelta(minutes=1))
    runs.take_run(ran(*told, tool=tool, outcome=outcome), source=running.source(source).pk, received_at=now())
    assert set(HostTag.objects.values_list("tag", flat=True)) == set(host("db1").tags)
    return sorted(host("db1").tags)


def tell_many(source: str, *told: str) -> list[str]:
    """Let the same be told with other runs that changed nothing, on two hosts."""
    CLOCK.move(timedelta(minutes=1))
    both = [ran(*told, name=name, outcome=Outcome.UNCHANGED) for name in ("db1", "db2")]
    run_batches.take_runs([run_batches.Told(one, running.source(source).pk, now()) for one in both])
    assert sorted(host("db1").tags) == sorted(host("db2").tags)
    return sorted(host("db1").tags)


def test_two_controllers_of_one_tool_take_back_each_its_own_tags() -> None:
    assert tell("east", "canary", "blue") == ["blue", "canary"]
    assert tell("west", "web", "blue") == ["blue", "canary", "web"]
    assert tell("east", "canary") == ["blue", "canary", "web"]
    assert tell("west") == ["canary"]
    assert tell("east") == []


def test_two_tools_that_share_a_token_take_back_each_its_own_tags() -> None:
    tell("both", "canary", tool="chef")
    assert tell("both", "web", tool="ansible") == ["canary", "web"]
    assert tell("both", tool="chef") == ["web"]


def test_runs_that_change_nothing_leave_those_of_another_controller_and_its_tags() -> None:
    tell("east", "canary", outcome=Outcome.UNCHANGED)
    tell("east", "canary", outcome=Outcome.UNCHANGED)
    tell("west", "web", outcome=Outcome.UNCHANGED)
    assert HostRun.objects.count() == 2
    assert tell("west", "db", outcome=Outcome.UNCHANGED) == ["canary", "db"]


def test_many_runs_that_change_nothing_leave_those_of_another_controller_and_its_tags() -> None:
    for source, told in (("east", "canary"), ("east", "canary"), ("west", "web"), ("west", "web")):
        tell_many(source, told)
    assert HostRun.objects.count() == 4
    assert tell_many("west", "db") == ["canary", "db"]
    assert tell_many("east") == ["db"]


def test_tags_of_a_controller_end_with_its_last_run_that_is_kept() -> None:
    tell("east", "canary")
    tell("west", "web")
    tell("east", "canary")
    HostRun.objects.filter(source__slug="west").update(at=now() - timedelta(days=4_000))
    assert runs.forget_old() == 1
    assert host("db1").tags == ["canary"]


def before(tool: str, *told: str) -> None:
    """Let tags stand under the name of their tool alone, as a node of before keeps them."""
    Host.objects.filter(name="db1").update(tags=list(told), tags_by={tool: list(told)})
    found = host("db1")
    HostTag.objects.filter(host=found).delete()
    HostTag.objects.bulk_create([HostTag(host=found, tag=tag) for tag in told])


def test_what_stands_under_the_name_of_a_tool_is_of_the_controller_that_was_heard_last() -> None:
    tell("east", "canary")
    tell("west", "web")
    before("ansible", "web")
    assert tell("east", "canary") == ["canary", "web"]
    assert tell("west") == ["canary"]
    assert tell("east") == []


def test_what_stands_under_the_name_of_a_tool_is_taken_back_by_its_only_controller() -> None:
    tell("east", "canary")
    before("ansible", "canary")
    assert tell("east") == []
    assert host("db1").tags_by == {}


def test_what_stands_under_the_name_of_a_tool_stays_while_another_tool_tells_and_ends_with_its_runs() -> None:
    tell("east", "canary")
    before("ansible", "canary")
    assert tell("chef", "db", tool="chef") == ["canary", "db"]
    HostRun.objects.filter(tool="ansible").update(at=now() - timedelta(days=4_000))
    assert runs.forget_old() == 1
    assert host("db1").tags == ["db"]


def test_what_stands_under_the_name_of_a_tool_is_kept_by_source_when_runs_of_another_source_end() -> None:
    tell("east", "canary")
    tell("west", "web")
    before("ansible", "web")
    HostRun.objects.filter(source__slug="east").update(at=now() - timedelta(days=4_000))
    assert runs.forget_old() == 1
    assert host("db1").tags == ["web"]
    assert tell("west") == []


def test_what_an_older_node_kept_last_counts_more_than_what_a_newer_one_kept_of_that_source() -> None:
    tell("east", "canary")
    kept = host("db1").tags_by
    Host.objects.filter(name="db1").update(tags=["blue"], tags_by={**kept, "ansible": ["blue"]})
    assert tell("west", "web") == ["blue", "web"]


def at_the_same_time(monkeypatch: pytest.MonkeyPatch, *told: str) -> None:
    """Let another node hear these tags just after this one has read the host, and before it has compared."""
    found = identity.by_run

    def and_then_another_node_hears(said: HostTold) -> Host | None:
        read = found(said)
        monkeypatch.undo()
        tell("east", *told)
        return read

    monkeypatch.setattr(identity, "by_run", and_then_another_node_hears)


def test_tags_are_compared_with_those_of_now_and_not_with_those_read_before_another_node_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell("east", "canary")
    at_the_same_time(monkeypatch)
    assert tell("east", "canary") == ["canary"]


def test_a_controller_that_is_heard_by_two_nodes_at_once_leaves_what_the_other_one_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell("east", "canary")
    at_the_same_time(monkeypatch, "blue")
    assert tell("west", "web") == ["blue", "web"]


def test_many_runs_compare_tags_with_those_of_now_and_not_with_those_read_before_another_node_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell_many("east", "canary")
    found = run_batches._Known.host

    def and_then_another_node_hears(known: run_batches._Known, told: HostTold) -> Host | None:
        read = found(known, told)
        monkeypatch.undo()
        at = now()
        for name in ("db1", "db2"):
            said = HostTold(name=name, knows_tags=True)
            actions.host_for(said, at=at, received_at=at, tool="ansible", source=running.source("east").pk)
        assert host("db1").tags == []
        return read

    monkeypatch.setattr(run_batches._Known, "host", and_then_another_node_hears)
    assert tell_many("east", "canary") == ["canary"]

"""Many runs at once become what each of them by itself would have become, with a few statements."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.core.clock import CLOCK, now
from raglan.fleet import ports, run_batches, runs
from raglan.fleet.models import Host, PackageMove, UnitTurn
from raglan.fleet.ports import HostTold, Observation, Outcome, RunTold
from raglan.fleet.run_models import HostRun
from tests.fleet.running import HTTPD, failed, source, take, told

pytestmark = pytest.mark.django_db
HOSTS = ("a", "b", "c", "d")


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Observation]:
    shown: list[Observation] = []
    monkeypatch.setattr(ports, "_judges", [shown.extend])
    return shown


def together(many: Sequence[RunTold]) -> None:
    by, at = source().pk, now()
    run_batches.take_runs([run_batches.Told(one, by, at) for one in many])


def state() -> list[list[object]]:
    """Return all that is kept, without keys and the moment at which it came."""
    ran = HostRun.objects.order_by("host__name", "key").values_list("host__name", "key", "outcome", "at", "failed")
    hosts = Host.objects.order_by("name").values_list("name", "machine", "cluster", "ran_at", "run_interval_s")
    moves = PackageMove.objects.order_by("host__name", "name", "at").values_list("host__name", "name", "old", "new")
    turns = UnitTurn.objects.order_by("host__name", "at").values_list("host__name", "name", "state")
    return [list(ran), list(hosts), list(moves), list(turns)]


def story(seed: int) -> list[RunTold]:
    """Return runs in any order, some told twice, each host by two names of tools."""
    dice, start = random.Random(seed), now() - timedelta(hours=5)
    found = []
    for number in range(30):
        name, at = dice.choice(HOSTS), start + timedelta(minutes=5 * number)
        times = {"started_at": at, "ended_at": at + timedelta(minutes=1)}
        kind = dice.choice((Outcome.UNCHANGED, Outcome.UNCHANGED, Outcome.UNCHANGED, Outcome.CHANGED, Outcome.FAILED))
        if kind is Outcome.FAILED:
            found.append(failed(f"r{number}", name=name, **times))
        else:
            found.append(
                told(f"r{number}", kind, name=name, moves=(HTTPD,) if kind is Outcome.CHANGED else (), **times)
            )
    found += dice.sample(found, 5)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_is_as_one_by_one(seed: int) -> None:
    many = story(seed)
    for one in many:
        take(one)
    alone = state()
    Host.objects.all().delete()

    for start in range(0, len(many), 7):
        together(many[start : start + 7])
    assert state() == alone


def test_runs_that_changed_nothing_cost_a_few_statements_all_together(seen: list[Observation]) -> None:
    names = [f"web{number}" for number in range(40)]
    together([told("r1", Outcome.UNCHANGED, name=name) for name in names])
    seen.clear()
    with CaptureQueriesContext(connection) as captured:
        together([told("r2", Outcome.UNCHANGED, name=name) for name in names])
    assert len(captured) < 20
    assert {one.run for one in seen} == set(HostRun.objects.values_list("pk", flat=True))
    assert set(HostRun.objects.values_list("key", flat=True)) == {"r2"}


def test_a_host_that_is_known_by_its_machine_is_found_in_a_batch() -> None:
    Host.objects.bulk_create(
        [Host(key="id-1/web1.example", name="web1.example", machine="id-1", first_heard_at=now(), last_heard_at=now())]
    )
    run = told("r1", Outcome.UNCHANGED)
    fields = {name: getattr(run, name) for name in run.__slots__}
    together([RunTold(**{**fields, "host": HostTold("web1", machine="id-1")})])
    assert HostRun.objects.get().host.name == "web1.example"
    assert Host.objects.count() == 1


@pytest.mark.parametrize("is_batch", [True, False])
def test_two_names_with_one_machine_id_are_two_hosts_that_say_so(*, is_batch: bool) -> None:
    def run(name: str, key: str) -> None:
        one = replace(told(key, Outcome.UNCHANGED), host=HostTold(name, machine="copy"))
        together([one]) if is_batch else take(one)
        CLOCK.move(timedelta(minutes=1))

    def shared() -> list[tuple[str, bool]]:
        return [(one.name, one.shared_since is not None) for one in Host.objects.order_by("name")]

    run("web1.example", "a")
    run("web1", "b")
    run("web2.example", "c")
    assert shared() == [("web1.example", False), ("web2.example", False)]  # it may have been named anew
    run("web1", "d")
    run("web2", "e")
    assert shared() == [("web1.example", True), ("web2.example", True)]
    run("web3", "f")
    assert shared()[2] == ("web3", True)
    told_of = dict(HostRun.objects.values_list("key", "host__name"))
    assert (told_of["d"], told_of["e"], told_of["f"]) == ("web1.example", "web2.example", "web3")


def test_what_another_node_took_first_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    take(told("r0", Outcome.UNCHANGED))
    run = told("r1", Outcome.UNCHANGED)
    real = run_batches.bulk.take_keys

    def late(model: type[HostRun], count: int) -> list[int]:
        runs.take_run(run, source=source().pk, received_at=now())
        return real(model, count)

    monkeypatch.setattr(run_batches.bulk, "take_keys", late)
    together([run])
    assert list(HostRun.objects.values_list("key", flat=True)) == ["r1"]

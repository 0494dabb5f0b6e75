"""The story's 400 machines, as raglan hears of them: its own counts are those of the model, under every lever."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import pytest

from raglan.changes import gate, hold_queries, holding, proposing
from raglan.changes.models import Change
from raglan.core.clock import now
from raglan.demo.client import Json, Refused
from raglan.demo.hosts import NEW, OLD, PACKAGE, Hosts
from raglan.demo.levers import LEVERS, Lever
from raglan.demo.model import MINUTE, SEED, Outcome, Settings, simulate
from raglan.fleet import variety
from raglan.fleet.cases import Taken
from raglan.fleet.models import FleetSource, Host, PackageMove, PackageSet
from raglan.fleet.ports import RunRequest
from raglan.fleet.progress import Progress
from raglan.fleet.reports import read
from raglan.fleet.run_models import HostRun
from raglan.fleet.runs import take_run
from raglan.fleet.taking import take_reports
from raglan.fleet.watch_models import Surprise
from raglan.integrations.chef.collector import DataCollector
from raglan.testing import world

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
SEED_OF_227 = 70_402
SETTINGS = {lever.settings: lever for lever in LEVERS}  # those that move machines otherwise


@dataclass
class Door:
    """Takes what machines send as the door of the fleet does, together and without a network."""

    source: FleetSource
    began: datetime
    second: int = 0
    waiting: list[bytes] = field(default_factory=list)
    runs: list[bytes] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    coming: set[str] = field(default_factory=set)
    hears_runs: bool = False
    rules: list[gate.HoldRule] = field(default_factory=list)  # in memory, as the gate has them

    def time(self) -> float:
        return (self.began + timedelta(seconds=self.second)).timestamp()

    def call(self, method: str, path: str, body: dict[str, Json]) -> Json:
        content = json.dumps(body, separators=(",", ":")).encode()
        if path == "/fleet/runs/chef":
            self.runs += [content] if self.hears_runs else []
            return None
        assert (method, path) == ("POST", "/fleet/report")
        if body["packages_hash"] not in self.known and "packages" not in body:
            raise Refused(409, "Send the packages.")
        self.coming.add(str(body["packages_hash"]))
        self.waiting.append(content)
        return None

    def text(self, method: str, path: str) -> str:
        told = {name: tuple(values) for name, values in parse_qs(urlsplit(path).query).items()}
        asked = gate.Asked(told["host"][0], told["cluster"], told["role"], packages=told["package"])
        return f"{gate.answer(self.rules, asked, now()).word}\nend\n"

    def store(self) -> None:
        at = self.began + timedelta(seconds=self.second)
        read_all = [read(body, source=self.source.pk, received_at=at) for body in self.waiting]
        assert set(take_reports(read_all)) <= {Taken.TAKEN}
        self.known |= self.coming
        self.waiting.clear()
        for body in self.runs:
            for told in DataCollector().decode(RunRequest("", {}, body)):
                take_run(told, source=self.source.pk, received_at=at)
        self.runs.clear()


@dataclass
class Played:
    """A replay's machines, and the change that travels over them."""

    outcome: Outcome
    change: Change
    door: Door
    hosts: Hosts

    def hold(self) -> None:
        draft = holding.HoldDraft("httpd pin", "httpd does not start", now() + timedelta(hours=1))
        holding.raise_hold(draft, by=holding.By("Mara Novak", "raglan"))
        self.door.rules = hold_queries.rules()
        self.hosts.asks = True

    def until(self, second: int) -> None:
        self.door.second = second
        self.hosts.until(second)
        self.door.store()

    @property
    def serving(self) -> int:
        return Host.objects.filter(failed_units=0).count()


class Begin(Protocol):
    def __call__(self, settings: Settings, seed: int = SEED) -> Played: ...


@pytest.fixture
def begin() -> Begin:
    """Rowan says what to expect of the pin: nothing on machines that have httpd already."""

    def make(settings: Settings, seed: int = SEED) -> Played:
        rowan = world.person("Rowan Ellis")
        outcome = simulate(settings, seed=seed)
        planned = simulate(replace(settings, stop_at=None), seed=seed)
        door = Door(
            FleetSource.objects.create(name="M", slug="m", token_digest="m", token_hint="", created_at=now()), now()
        )
        hosts = Hosts(door, planned, clock=door.time)
        hosts.begin()
        door.store()
        said = proposing.Expected(on_new="version", on_existing="nothing")
        proposal = proposing.Proposal("Pin httpd", [(PACKAGE, NEW)], said)
        change = proposing.propose(proposal, by=proposing.Teller(rowan.name, rowan, rowan))
        return Played(outcome, proposing.turn(change, "under_way", actor=rowan), door, hosts)

    return make


@pytest.mark.parametrize("lever", SETTINGS.values(), ids=lambda lever: lever.slug)
def test_each_lever_gives_its_row(begin: Begin, lever: Lever) -> None:
    played = begin(lever.settings)
    counted = []
    for second in range(0, 30 * MINUTE + 1, MINUTE):
        if second == lever.settings.stop_at:
            played.until(second - 1)
            played.hold()
        played.until(second)
        counted.append(played.serving)

    figures = played.outcome.figures
    assert counted == list(played.outcome.per_minute())
    assert (min(counted), sum(count < 280 for count in counted)) == (figures.lowest, figures.minutes_slow)
    counts = Progress(played.change).counts
    assert counts.differs + counts.back == sum(bool(machine.turns) for machine in played.outcome.machines)
    assert PackageSet.objects.count() <= 6  # of 400 machines: three clusters, two versions


def test_the_difference_is_raised_by_minute_two_while_fewer_than_sixty_are_broken(begin: Begin) -> None:
    played = begin(Settings())
    played.until(2 * MINUTE)

    first = Surprise.objects.order_by("pk").filter(change=played.change)[0]
    assert f"{PACKAGE} {OLD} → {NEW} on an existing host" in first.words
    assert 0 < 400 - played.serving < 60


def test_a_hold_at_minute_four_leaves_227_because_the_gate_says_stop(begin: Begin) -> None:
    played = begin(Settings(force_at=None), SEED_OF_227)
    played.until(4 * MINUTE - 1)
    played.hold()
    played.until(30 * MINUTE)

    assert played.serving == 227
    assert set(played.hosts.heard.values()) == {"stop"}
    assert len(played.hosts.heard) == 393


def test_chef_tells_of_each_run_and_those_without_any_stand_in_the_register(begin: Begin) -> None:
    played = begin(Settings())
    played.door.hears_runs = True
    played.until(20 * MINUTE)

    first = sum(bool(machine.turns) for machine in played.outcome.machines)
    assert HostRun.objects.filter(outcome="failed").count() == first == 393
    assert PackageMove.objects.count() == first  # told by the report and by the run, and kept once
    kept = {f"{machine.name}.example.test" for machine in played.outcome.machines if machine.never_runs}
    assert {host.name for host in variety.register()} == kept

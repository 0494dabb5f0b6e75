"""The story's 400 machines, as raglan hears of them, each run included, in one process and without a network."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from raglan.changes import proposing
from raglan.core.clock import now
from raglan.demo.client import Json, Refused
from raglan.demo.hosts import NEW, PACKAGE, Hosts
from raglan.demo.model import MINUTE, simulate
from raglan.fleet import queries, tags, variety
from raglan.fleet.cases import Taken
from raglan.fleet.models import FleetSource, PackageMove, PackageSet
from raglan.fleet.ports import RunRequest
from raglan.fleet.progress import Progress
from raglan.fleet.reports import read
from raglan.fleet.run_models import HostRun
from raglan.fleet.runs import take_run
from raglan.fleet.taking import take_reports
from raglan.integrations.chef.collector import DataCollector
from raglan.testing import world

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


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

    def time(self) -> float:
        return (self.began + timedelta(seconds=self.second)).timestamp()

    def call(self, method: str, path: str, body: dict[str, Json]) -> Json:
        content = json.dumps(body, separators=(",", ":")).encode()
        if path == "/fleet/runs/chef":
            self.runs.append(content)
            return None
        assert (method, path) == ("POST", "/fleet/report")
        if body["packages_hash"] not in self.known and "packages" not in body:
            raise Refused(409, "Send the packages.")
        self.coming.add(str(body["packages_hash"]))
        self.waiting.append(content)
        return None

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


def test_chef_tells_of_each_run_and_those_without_any_stand_in_the_register() -> None:
    rowan, outcome, began = world.person("Rowan Ellis"), simulate(), now()
    door = Door(
        FleetSource.objects.create(name="M", slug="m", token_digest="m", token_hint="", created_at=began), began
    )
    hosts = Hosts(door, outcome, clock=door.time)
    hosts.begin()
    door.store()
    said = proposing.Expected(on_new="version", on_existing="nothing")
    proposal = proposing.Proposal("Pin httpd", [(PACKAGE, NEW)], said)
    change = proposing.propose(proposal, by=proposing.Teller(rowan.name, rowan, rowan))
    door.second = 20 * MINUTE
    hosts.until(door.second)
    door.store()

    first = sum(bool(machine.turns) for machine in outcome.machines)
    assert HostRun.objects.filter(outcome="failed").count() == first == 393
    assert PackageMove.objects.count() == first  # told by the report and by the run, and kept once
    kept = {f"{machine.name}.example.test" for machine in outcome.machines if machine.never_runs}
    assert {host.name for host in variety.register()} == kept
    counts = Progress(change).counts
    assert counts.differs + counts.back == first
    known = tags.known()
    assert known == ["canary", "hall a", "hall b"]
    assert 8 <= queries.hosts(queries.Wanted(tag="canary")).count() <= 30
    assert PackageSet.objects.count() <= 6  # of 400 machines: three clusters, two versions

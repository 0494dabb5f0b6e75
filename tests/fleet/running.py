"""Runs as tools tell them."""

from datetime import datetime, timedelta

from raglan.core.clock import now
from raglan.core.secrets import digest
from raglan.fleet import runs
from raglan.fleet.models import FleetSource
from raglan.fleet.ports import HostTold, MoveTold, Outcome, RunTold, ServiceTold, StepTold
from raglan.fleet.run_models import HostRun

HTTPD = MoveTold("httpd", "2.4.6-40", "2.4.6-45")
FAILED_STEP = StepTold("Service[httpd]", Outcome.FAILED, "could not be started")


def source(slug: str = "chef") -> FleetSource:
    found = FleetSource.objects.filter(slug=slug).first()
    return found or FleetSource.objects.create(
        name=slug.title(), slug=slug, kind=slug, token_digest=digest(slug), token_hint="…", created_at=now()
    )


def told(key: str = "r1", outcome: Outcome = Outcome.CHANGED, *, name: str = "web17", **fields: object) -> RunTold:
    at = now()
    given: dict[str, object] = {"started_at": at - timedelta(seconds=12), "ended_at": at, **fields}
    return RunTold("chef", key, HostTold(name, cluster="fra1", role="web"), outcome, **given)  # type: ignore[arg-type]


def failed(key: str = "r1", **fields: object) -> RunTold:
    services = (ServiceTold("httpd", "failed"),)
    given = {"steps": (FAILED_STEP,), "moves": (HTTPD,), "services": services, "words": "1 failed", **fields}
    return told(key, Outcome.FAILED, **given)


def take(run: RunTold, *, received_at: datetime | None = None) -> HostRun:
    return runs.take_run(run, source=source().pk, received_at=received_at or now()).run

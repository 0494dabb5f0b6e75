"""When a host was last as automation wants it: by runs that did all that they were to do, in any order."""

from datetime import datetime

from django.db.models import Max, Min

from raglan.fleet.models import Host
from raglan.fleet.ports import Outcome
from raglan.fleet.run_models import HostRun

CONVERGED = (Outcome.UNCHANGED, Outcome.CHANGED)


def note(host: Host, run: HostRun, *, was: Outcome | None) -> None:
    """Note what a run shows, with how it was told to have ended before. One that began, or rehearsed, shows nothing."""
    outcome = Outcome(run.outcome)
    if outcome in CONVERGED:
        _done(host, run.at)
    elif outcome is Outcome.FAILED:
        _failed(host, run.at, was)


def _done(host: Host, at: datetime) -> None:
    if host.converged_at is not None and at <= host.converged_at:
        return
    since = _first_failed(host, at) if host.failing_since is not None else None
    _keep(host, at, since)


def _failed(host: Host, at: datetime, was: Outcome | None) -> None:
    done = host.converged_at
    if was in CONVERGED:  # it was taken for one that did its work
        done = HostRun.objects.filter(host=host, outcome__in=CONVERGED).aggregate(at=Max("at"))["at"]
        _keep(host, done, _first_failed(host, done))
    elif (done is None or at > done) and (host.failing_since is None or at < host.failing_since):
        _keep(host, done, at)


def _first_failed(host: Host, after: datetime | None) -> datetime | None:
    rows = HostRun.objects.filter(host=host, outcome=Outcome.FAILED)
    found: datetime | None = (rows.filter(at__gt=after) if after else rows).aggregate(at=Min("at"))["at"]
    return found


def _keep(host: Host, converged_at: datetime | None, failing_since: datetime | None) -> None:
    host.converged_at, host.failing_since = converged_at, failing_since
    Host.objects.filter(pk=host.pk).update(converged_at=converged_at, failing_since=failing_since)

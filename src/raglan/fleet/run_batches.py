"""Many runs at once. Most change nothing and are on hosts that are known: those take a few statements all together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError
from django.db.models import Q

from raglan.core.db import atomic, bulk
from raglan.core.decode import clean_text
from raglan.fleet import actions, identity, ports, tellers
from raglan.fleet.models import Host
from raglan.fleet.ports import HostTold, Observation, Outcome, RunTold
from raglan.fleet.reports import clip
from raglan.fleet.run_models import HostRun
from raglan.fleet.runs import News, Times, keep_run, times_of
from raglan.fleet.standing import key_of, usual_interval

HEARD = ("ran_at", "converged_at", "run_interval_s", "last_heard_at", "silent_at")
WORDS = ("cluster", "role", "environment", "system")


@dataclass(frozen=True, slots=True)
class Told:
    """A run, and which source told it when."""

    run: RunTold
    source: int
    received_at: datetime


@dataclass(slots=True)
class _Quiet:
    """A run that changed nothing, with its host."""

    told: Told
    host: Host
    times: Times
    pk: int = 0

    @property
    def key(self) -> tuple[int, int, str, str]:
        return self.host.pk, self.told.source, self.told.run.tool[:20], clean_text(self.told.run.key)[:200]


@atomic
def take_runs(batch: Sequence[Told]) -> None:
    """Keep runs, as `take_run` does each of them."""
    named = Counter(one.run.host.name.strip() for one in batch)
    alone = [one for one in batch if named[one.run.host.name.strip()] == 1]  # of several, the order counts
    quiet = _quiet([one for one in alone if _changed_nothing(one.run)])
    try:
        with atomic():
            _store(quiet)
    except IntegrityError:  # another node was told of one of them at the same moment
        quiet = []
    done = {id(one.told) for one in quiet}
    news = News()
    for one in batch:
        if id(one) not in done:
            keep_run(one.run, source=one.source, received_at=one.received_at, news=news)
    news.tell()


def _changed_nothing(run: RunTold) -> bool:
    return run.outcome is Outcome.UNCHANGED and not (run.moves or run.services or run.steps)


def _quiet(batch: Sequence[Told]) -> list[_Quiet]:
    """Return those on hosts that are known and of which nothing else is news, one for each host, not told before."""
    known = _Known([clip(one.run.host) for one in batch]) if batch else None
    found: dict[int, _Quiet] = {}
    for one in batch:
        told = clip(one.run.host)
        host = known.host(told) if known else None
        if host is not None and host.pk not in found and _is_as_told(host, told, _teller(one)):
            found[host.pk] = _Quiet(one, host, times_of(one.run, one.received_at, host))
    found = _not_told_since(found)
    keys = {one.key[3] for one in found.values()}
    rows = HostRun.objects.filter(host__in=found, key__in=keys) if found else HostRun.objects.none()
    there = set(rows.values_list("host_id", "source_id", "tool", "key"))
    return [found[pk] for pk in sorted(found) if found[pk].key not in there]


def _teller(told: Told) -> str:
    return tellers.who(told.run.tool[:20], told.source)


def _not_told_since(found: dict[int, _Quiet]) -> dict[int, _Quiet]:
    """Return those of which nobody else told tags since they were read; where any run tells some, all are locked."""
    said = {pk: clip(one.told.run.host) for pk, one in found.items()}
    if not any(told.tags or told.knows_tags for told in said.values()):
        return found
    rows = Host.objects.filter(pk__in=found).select_for_update(no_key=True).order_by("pk")
    by = dict(rows.values_list("pk", "tags_by"))
    return {
        pk: one for pk, one in found.items() if not actions.brings_tags(by.get(pk, {}), said[pk], _teller(one.told))
    }


class _Known:
    """Hosts that may be those that runs name, found as `identity.by_run` finds each."""

    def __init__(self, told: Sequence[HostTold]) -> None:
        wanted = Q(name__in={one.name for one in told})
        if machines := {one.machine for one in told if one.machine}:
            wanted |= Q(machine__in=machines)
        self.by_key: dict[str, Host] = {}
        self.by_machine: dict[str, list[Host]] = {}
        self.by_name: dict[str, Host] = {}
        for host in Host.objects.filter(wanted, retired_at__isnull=True).order_by("-last_heard_at", "pk"):
            self.by_key[host.key] = host
            self.by_name.setdefault(host.name, host)
            if host.machine:
                self.by_machine.setdefault(host.machine, []).append(host)

    def host(self, told: HostTold) -> Host | None:
        if (exact := self.by_key.get(key_of(told))) is not None:
            return exact
        same = identity.of_machine(told, self.by_machine.get(told.machine, []))
        return same if same is not None else self.by_name.get(told.name)


def _is_as_told(host: Host, told: HostTold, teller: str) -> bool:
    """Tell whether a run says nothing of its host that is news."""
    is_quiet = host.silent_since is None and host.failing_since is None and host.doubted_since is None
    return (
        is_quiet
        and (not told.services or bool(host.told_digest))
        and not actions.brings_tags(host.tags_by, told, teller)
        and all((getattr(host, word) and word not in host.placed) or not getattr(told, word) for word in WORDS)
    )


def _store(quiet: Sequence[_Quiet]) -> None:
    if not quiet:
        return
    for one, pk in zip(quiet, bulk.take_keys(HostRun, len(quiet)), strict=True):
        one.pk = pk
        _hear(one.host, one.times)
    rows = [
        (
            bulk.stamp(h.ran_at),
            bulk.stamp(h.converged_at),
            h.run_interval_s,
            bulk.stamp(h.last_heard_at),
            bulk.stamp(h.silent_at),
            h.pk,
        )
        for h in (one.host for one in quiet)
    ]
    bulk.update_rows(Host, HEARD, rows)
    bulk.insert([_row(one) for one in quiet])
    _drop_older(quiet)
    ports.judge([_observation(one) for one in quiet])


def _hear(host: Host, times: Times) -> None:
    at = times.started_at or times.at
    if host.ran_at is not None and at > host.ran_at:
        host.run_interval_s = usual_interval(host.run_interval_s, at - host.ran_at)
    host.ran_at = max(at, host.ran_at or at)
    host.converged_at = max(times.at, host.converged_at or times.at)
    host.last_heard_at = max(times.received_at, host.last_heard_at)
    if not host.report_interval_s:
        host.silent_at = actions.allowed_until(host)


def _row(one: _Quiet) -> HostRun:
    host, source, tool, key = one.key
    return bulk.fresh(
        HostRun,
        id=one.pk,
        host_id=host,
        source_id=source,
        tool=tool,
        key=key,
        outcome=Outcome.UNCHANGED.value,
        at=one.times.at,
        started_at=one.times.started_at,
        ended_at=one.times.ended_at,
        received_at=one.times.received_at,
        version=clean_text(one.told.run.version)[:200],
        words=clean_text(one.told.run.words),
    )


def _drop_older(quiet: Iterable[_Quiet]) -> None:
    """Of runs that changed nothing, the last one of a source with a tool on a host is kept."""
    last: Mapping[tuple[int, int, str], datetime] = {one.key[:3]: one.times.at for one in quiet}
    rows = HostRun.objects.filter(host__in={host for host, _source, _tool in last}, outcome=Outcome.UNCHANGED)
    told = rows.values_list("pk", "at", "host_id", "source_id", "tool")
    old = [pk for pk, at, host, source, tool in told if at < last.get((host, source, tool), at)]
    if old:
        HostRun.objects.filter(pk__in=old).delete()


def _observation(one: _Quiet) -> Observation:
    host = one.host
    return Observation(
        host=host.pk,
        at=one.times.at,
        received_at=one.times.received_at,
        run=one.pk,
        outcome=Outcome.UNCHANGED,
        details={"name": host.name, "cluster": host.cluster, "role": host.role, "environment": host.environment},
    )

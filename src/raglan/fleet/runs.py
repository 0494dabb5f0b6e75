"""Runs of automation on hosts: taken in any order and any number of times, each kept once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from raglan.config import config
from raglan.core import bus, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.fleet import actions, converging, ports
from raglan.fleet.models import Host
from raglan.fleet.ports import MoveTold, Observation, Outcome, RunTold, ServiceTurn
from raglan.fleet.run_models import HostRun

RANK = (Outcome.STARTED, Outcome.REHEARSED, Outcome.UNCHANGED, Outcome.CHANGED, Outcome.FAILED)
FACTS = (Outcome.UNCHANGED, Outcome.CHANGED, Outcome.FAILED)
BY_THE_HOSTS_CLOCK = ("puppet", "chef", "salt")
OLDEST = timedelta(days=400)
MOST_STEPS = 500
MOST_MOVES = 100  # shown with a run; all are kept as moves of the host
FORGET = "fleet.forget_runs"
FORGET_EVERY = timedelta(minutes=10)
FORGET_AT_ONCE = 1_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a run: the row, and whether this was the first word of it."""

    run: HostRun
    is_new: bool


@dataclass(frozen=True, slots=True)
class Times:
    """When a run was, by raglan's clock and never later than it was heard of."""

    started_at: datetime | None
    ended_at: datetime | None
    received_at: datetime

    @property
    def at(self) -> datetime:
        """When it ended, or what is nearest to that."""
        return self.ended_at or self.started_at or self.received_at


@atomic
def take_run(told: RunTold, *, source: int, received_at: datetime) -> Taken:
    """Keep a run, with what moved and turned by it, and show it to the judges. The worst outcome that was told stays.

    A rehearsal moves nothing, whatever it would move.
    """
    news = News()
    taken = keep_run(told, source=source, received_at=received_at, news=news)
    news.tell()
    return taken


@dataclass(frozen=True, slots=True)
class News:
    """What runs of one transaction showed, to be told all together."""

    facts: list[Observation] = field(default_factory=list)
    rehearsals: list[Observation] = field(default_factory=list)
    onsets: list[Observation] = field(default_factory=list)
    hosts: dict[str, None] = field(default_factory=dict)

    def tell(self) -> None:
        """Show it to the judges, and let screens of the hosts look again."""
        if self.onsets:
            ports.begin(self.onsets)
        if self.facts:
            ports.judge(self.facts)
        if self.rehearsals:
            ports.foresee(self.rehearsals)
        if self.hosts:
            bus.publish(list(self.hosts), timeline.newest_id())


def keep_run(told: RunTold, *, source: int, received_at: datetime, news: News) -> Taken:
    """Keep a run with what moved and turned by it, in the transaction of who calls, who tells the news of it."""
    first = times_of(told, received_at, None)
    at = first.started_at or first.at
    found = actions.host_for(told.host, at=at, received_at=received_at, tool=told.tool[:20], source=source)
    times = times_of(told, received_at, found.host)
    run, is_new = _row(found.host, told, source, times)
    was, known = (None, None) if is_new else (Outcome(run.outcome), run.moves if run.facts_digest else [])
    if not is_new:
        _merge(run, told, times)
    moves, turns, are_fresh = _facts(run, found.host, told, times, known=known)
    if not is_new:
        run.save()
    converging.note(found.host, run, was=was)
    if run.outcome in FACTS and (are_fresh or was != run.outcome):
        news.facts.append(_observation(run, found, told, times, moves, turns))
    elif run.outcome == Outcome.STARTED and is_new:
        news.onsets.append(_observation(run, found, told, times, moves, turns))
    elif run.outcome == Outcome.REHEARSED and was != run.outcome:
        news.rehearsals.append(_observation(run, found, told, times, moves, turns))
    if run.outcome != Outcome.UNCHANGED:
        news.hosts[timeline.ref(found.host)] = None
    if is_new and run.outcome == Outcome.UNCHANGED:
        _drop_older(run)
    return Taken(run, is_new)


def times_of(told: RunTold, received_at: datetime, host: Host | None) -> Times:
    """Return when a run was. Most tools tell it by the clock of their host, which may be known to be wrong."""
    offset = host.clock_offset_s if host is not None and told.tool in BY_THE_HOSTS_CLOCK else 0

    def by_our_clock(at: datetime | None) -> datetime | None:
        if at is None or at < received_at - OLDEST:
            return None
        return min(at - timedelta(seconds=offset), received_at)

    started, ended = by_our_clock(told.started_at), by_our_clock(told.ended_at)
    if started is not None and ended is not None and started > ended:
        started = ended
    return Times(started, ended, received_at)


def _row(host: Host, told: RunTold, source: int, times: Times) -> tuple[HostRun, bool]:
    steps, moves = told.steps[:MOST_STEPS], told.moves[:MOST_MOVES]
    return HostRun.objects.select_for_update().get_or_create(
        host=host,
        source_id=source,
        tool=told.tool[:20],
        key=clean_text(told.key)[:200],
        defaults={
            "outcome": told.outcome,
            "at": times.at,
            "started_at": times.started_at,
            "ended_at": times.ended_at,
            "received_at": times.received_at,
            "version": clean_text(told.version)[:200],
            "words": clean_text(told.words),
            "steps": [[step.name, step.outcome, step.sentence] for step in steps],
            "moves": [[move.name, move.old, move.new, move.arch] for move in moves],
            "facts_digest": _digest(told),
            **_counts(told),
        },
    )


def _digest(told: RunTold) -> str:
    """Return what stands for the facts that a run tells; a rehearsal tells none."""
    if told.outcome not in FACTS:
        return ""
    return hashlib.blake2b(_encode((told.moves, told.services)), digest_size=16).hexdigest()


def _counts(told: RunTold) -> dict[str, int]:
    return {
        "changed": sum(step.outcome is Outcome.CHANGED for step in told.steps),
        "failed": sum(step.outcome is Outcome.FAILED for step in told.steps),
    }


def _merge(run: HostRun, told: RunTold, times: Times) -> None:
    """Let a run be as the worst word of it says; times reach from the first to the last that was told."""
    starts = [at for at in (run.started_at, times.started_at) if at is not None]
    ends = [at for at in (run.ended_at, times.ended_at) if at is not None]
    run.started_at, run.ended_at = min(starts, default=None), max(ends, default=None)
    run.at = run.ended_at or run.started_at or run.at
    if RANK.index(told.outcome) < RANK.index(Outcome(run.outcome)):
        return
    run.outcome = told.outcome.value
    run.version = clean_text(told.version)[:200] or run.version
    run.words = clean_text(told.words) or run.words
    if told.steps:
        run.steps = [[step.name, step.outcome, step.sentence] for step in told.steps[:MOST_STEPS]]
        run.changed, run.failed = _counts(told)["changed"], _counts(told)["failed"]
    if told.moves:
        run.moves = [[move.name, move.old, move.new, move.arch] for move in told.moves[:MOST_MOVES]]


def _facts(
    run: HostRun, host: Host, told: RunTold, times: Times, *, known: Sequence[Sequence[str]] | None
) -> tuple[Sequence[MoveTold], Sequence[ServiceTurn], bool]:
    """Keep what moved and turned, once; return what was not known, and whether this was told for the first time.

    `known` are the moves that were taken from it already, None where nothing of it was.
    """
    if told.outcome not in FACTS:
        return (), (), False
    if known is not None and _digest(told) == run.facts_digest:
        return (), (), False
    run.facts_digest = _digest(told)
    fresh = _without(told.moves, known or [])
    moves = actions.moves_of(host, fresh, at=times.at) if fresh else ()
    turns = actions.turns_of(host, told.services, at=times.at) if told.services else ()
    return moves, turns, True


def _without(moves: Sequence[MoveTold], known: Sequence[Sequence[str]]) -> Sequence[MoveTold]:
    """Return what a run that tells again from its beginning had not told before."""
    again = min(len(moves), len(known))
    before = [MoveTold(*one) for one in known[:again]]
    return moves[again:] if list(moves[:again]) == before else moves


def _observation(
    run: HostRun,
    found: actions.Found,
    told: RunTold,
    times: Times,
    moves: Sequence[MoveTold],
    turns: Sequence[ServiceTurn],
) -> Observation:
    host = found.host
    return Observation(
        host=host.pk,
        at=times.at,
        received_at=times.received_at,
        is_new=found.is_new,
        moves=moves,
        turns=turns,
        run=run.pk,
        outcome=Outcome(run.outcome),
        details={"name": host.name, "cluster": host.cluster, "role": host.role, "environment": host.environment},
    )


@atomic
def forget_old() -> int:
    """Delete some of the runs that are kept for long enough; return how many."""
    before = now() - timedelta(days=config().run_days)
    old = HostRun.objects.filter(at__lt=before).order_by("at", "pk").values_list("pk", "host")[:FORGET_AT_ONCE]
    hosts = dict(old)
    tagged = actions.tagged(sorted(set(hosts.values())))  # before their runs: so does whoever tells of one
    gone = HostRun.objects.filter(pk__in=list(hosts)).delete()[0]
    actions.forget_tools(tagged)
    return gone


@timers.handler(FORGET, on_parked=timers.goes_on(FORGET_EVERY))
def forget(due: timers.Due) -> None:
    """Delete old runs, a bounded number at a time."""
    wait = timedelta(seconds=5) if forget_old() == FORGET_AT_ONCE else FORGET_EVERY
    timers.schedule(FORGET, subject=due.subject, due_at=now() + wait)


def _drop_older(run: HostRun) -> None:
    """Of runs that changed nothing, the last one of a source is kept: there may be one each minute on each host."""
    same = HostRun.objects.filter(host=run.host_id, source=run.source_id, tool=run.tool, at__lt=run.at)
    same.filter(outcome=Outcome.UNCHANGED).delete()

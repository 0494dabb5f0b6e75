"""Verbs of the fleet. Hosts tell by `take_reports`; runs by `host_for`, `moves_of` and `turns_of`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.changes.ports import PLACED
from raglan.core import bus, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.fleet import events, identity, places, tags, tellers, units
from raglan.fleet.cases import Taken
from raglan.fleet.models import Host, HostService, ToldBy
from raglan.fleet.moves import keep_moves, keep_turns, last_states
from raglan.fleet.ports import HostTold, MoveTold, ServiceTold, ServiceTurn
from raglan.fleet.reports import clip, unit_name
from raglan.fleet.standing import ALLOWED_MISSES, LEAST_S, UNKNOWN_S, usual_interval
from raglan.fleet.taking import take_reports

__all__ = ["Found", "Taken", "host_for", "moves_of", "retire_host", "take_reports", "turns_of"]


BY_RUNS = (
    *("cluster", "role", "environment", "system", "placed"),
    *("ran_at", "run_interval_s", "last_heard_at", "silent_at", "silent_since", "retired_at"),
)
PLACED_BY = frozenset(("cluster", "role", "environment"))


@dataclass(frozen=True, slots=True)
class Found:
    """The host that a run was on; `is_new` says that it was never heard of before."""

    host: Host
    is_new: bool


@atomic
def host_for(told: HostTold, *, at: datetime, received_at: datetime, tool: str = "run", source: int = 0) -> Found:
    """Return the host that a run of a tool was on at a time, and note that it was heard; an unknown one is made.

    `source` is the key of the source whose token it came with.
    """
    told = clip(told)
    host = identity.by_run(told)
    if host is None:
        host, is_new = identity.make_by_run(told, received_at), True
    else:
        is_new = False
        identity.speaks_again(host, at)
    _hear_run(host, told, at=at, received_at=received_at)
    _take_tags(host, told, tellers.who(tool, source))
    if is_new:
        places.fill(host)
    return Found(host, is_new)


def _hear_run(host: Host, told: HostTold, *, at: datetime, received_at: datetime) -> None:
    """Note a run; of its words those that the host has not said itself."""
    before = {name: getattr(host, name) for name in BY_RUNS}
    if host.ran_at is not None and at > host.ran_at:
        host.run_interval_s = usual_interval(host.run_interval_s, at - host.ran_at)
    host.ran_at = max(at, host.ran_at or at)
    host.last_heard_at = max(received_at, host.last_heard_at)
    for word in ("cluster", "role", "environment", "system"):
        is_placed = word in host.placed and getattr(told, word)  # a rule gave it until a tool tells it
        if is_placed:
            host.placed = {name: value for name, value in host.placed.items() if name != word}
        setattr(host, word, (not is_placed and getattr(host, word)) or getattr(told, word))
    if not host.report_interval_s:
        host.silent_at = allowed_until(host)
        if host.silent_since is not None or host.retired_at is not None:
            _heard_again(host)
    if told.services and not host.told_digest:
        HostService.objects.bulk_create(
            [HostService(host=host, slug=slug) for slug in told.services], ignore_conflicts=True
        )
    # What is new and no more: a report may come in between.
    news = [name for name in BY_RUNS if getattr(host, name) != before[name]]
    host.save(update_fields=news)
    if not PLACED_BY.isdisjoint(news):
        bus.publish([PLACED], 0)


def brings_tags(by: Mapping[str, list[str]], told: HostTold, teller: str) -> bool:
    """Tell whether a run tells other tags of a host than its teller did before; `by` are those of now by who told them.

    What an older node kept by a tool alone is told anew.
    """
    if not (told.tags or told.knows_tags):
        return False
    return list(told.tags) != by.get(teller, []) or tellers.tool_of(teller) in by


def _take_tags(host: Host, told: HostTold, teller: str) -> None:
    """Keep the tags that a tool knows of a host; those that it says itself count more, those of a rule less."""
    if not (told.tags or told.knows_tags):
        return
    row = Host.objects.select_for_update(no_key=True).get(pk=host.pk)  # somebody else may have told in between
    if brings_tags(row.tags_by, told, teller):
        keep_tags(row, tags.by_whom(tellers.known([row], but=teller)[row.pk], teller, told.tags))
    host.tags, host.tags_by, host.placed = row.tags, row.tags_by, row.placed


def keep_tags(row: Host, by: dict[str, list[str]]) -> None:
    """Let a host, whose row is locked, have these tags by who told them; a rule gives it some where nobody does."""
    row.tags_by = by
    if tags.counting(by) or "tags" not in row.placed:
        row.tags = tags.counting(by)
        row.placed = {name: value for name, value in row.placed.items() if name != "tags"}
    row.save(update_fields=["tags", "tags_by", "placed"])
    tags.keep({row.pk: row.tags})
    if not row.tags:
        places.fill(row)
    bus.publish([PLACED], 0)


def tagged(hosts: Sequence[int]) -> list[Host]:
    """Return those of some hosts that somebody told tags of; their rows are locked."""
    rows = Host.objects.filter(pk__in=hosts).exclude(tags_by={})
    return list(rows.select_for_update(no_key=True).order_by("pk"))


def forget_tools(rows: Sequence[Host]) -> None:
    """Take back the tags of those of whom no run is kept any more, of hosts whose rows are locked."""
    left = tellers.known(rows)
    for row in rows:
        if left[row.pk] != row.tags_by:
            keep_tags(row, left[row.pk])


def allowed_until(host: Host) -> datetime:
    """Return until when a host that only runs tell of may be quiet."""
    usual = max(ALLOWED_MISSES * host.run_interval_s, LEAST_S) if host.run_interval_s else UNKNOWN_S
    return host.last_heard_at + timedelta(seconds=usual)


def _heard_again(host: Host) -> None:
    said = events.HostHeardAgain(
        host=host.pk, name=host.name, silent_since=host.silent_since, retired_at=host.retired_at
    )
    timeline.append(said, about=[host, "hosts"])
    host.silent_since = host.retired_at = None


@atomic
def moves_of(host: Host, moves: Sequence[MoveTold], *, at: datetime, told_by: ToldBy = ToldBy.RUN) -> list[MoveTold]:
    """Keep what moved on a host; return what was not known yet: what a report told already is one with it."""
    told = [_clean(move) for move in moves]
    return keep_moves({host.pk: (told, at)}, told_by=told_by).get(host.pk, [])


def _clean(move: MoveTold) -> MoveTold:
    name, old, new = (clean_text(text)[:255] for text in (move.name, move.old, move.new))
    return MoveTold(name, old, new, clean_text(move.arch)[:60])


@atomic
def turns_of(host: Host, services: Sequence[ServiceTold], *, at: datetime) -> list[ServiceTurn]:
    """Keep the states in which a run left services; return those that turned, as far as the state before is known."""
    told = {unit_name(one.name): clean_text(one.state)[:40] for one in services}
    before = units.states([host.units_id]).get(host.units_id, {}) if host.units_id else {}
    since = host.reported_at or host.first_heard_at
    before |= {name: state for (_, name), state in last_states([host.pk], since=since).items()}
    turns = [
        ServiceTurn(name, before.get(name, ""), state) for name, state in told.items() if before.get(name) != state
    ]
    return keep_turns({host.pk: (turns, at)}, told_by=ToldBy.RUN).get(host.pk, [])


@atomic
def retire_host(host: Host, *, actor: timeline.Subject) -> None:
    """Take a host out of the fleet; when it reports again it is back. Safe to call twice."""
    at = now()
    if not Host.objects.filter(pk=host.pk, retired_at__isnull=True).update(retired_at=at, **identity.AT_REST):
        return
    host.refresh_from_db()
    if (own := {name: listed for name, listed in host.tags_by.items() if name == tags.ITSELF}) != host.tags_by:
        keep_tags(host, own)  # a tool that still knows it tells its own anew
    _end_sharing(host)
    timeline.append(events.HostRetired(host=host.pk, name=host.name, retired_at=at), actor=actor, about=[host, "hosts"])


def _end_sharing(host: Host) -> None:
    """With one living host left, its machine id is its own again."""
    if host.machine:
        left = Host.objects.filter(machine=host.machine, retired_at__isnull=True)
        if left.count() == 1:
            left.update(shared_since=None, doubted_since=None)

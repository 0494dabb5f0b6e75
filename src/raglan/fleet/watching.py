"""The judge of changes: what hosts show is held against what was said, in the transaction that stores it.

A first difference raises a surprise. What nobody announced is looked for in what is left over.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from raglan.changes import proposing
from raglan.changes.grouping import Group
from raglan.changes.models import OPEN, Change, Expectation
from raglan.changes.queries import groups_of
from raglan.core import bus, timeline
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.fleet import packages, ports, unannounced, watch_events
from raglan.fleet.judging import BAD_STATES, Judged, Said, Seen, Verdict, compare, plain_unit
from raglan.fleet.models import Host, Package
from raglan.fleet.ports import Observation, Outcome
from raglan.fleet.watch_models import Arrival, Surprise

MOST_WATCHED = 200
MOST_WORDS = 500
Key = tuple[int, int]  # change, host
Mark = tuple[int, str, str, datetime]  # change, state, key, time


@dataclass(frozen=True, slots=True)
class Watched:
    """An open change, and what its author said."""

    change: Change
    said: Said
    groups: Sequence[Group] = ()

    def keeps_aside(self, host: Host) -> bool:
        """Whether a host is kept aside from it on purpose."""
        facts = {"number": host.pk, "host": host.name, "cluster": host.cluster, "role": host.role}
        return any(group.is_aside and group.fits(**facts) for group in self.groups)  # type: ignore[arg-type]  # by name

    @property
    def expects_nothing(self) -> bool:
        """Whether a run that did nothing shows that it is as was said."""
        return "nothing" in (self.said.on_new, self.said.on_existing)

    @property
    def has_begun(self) -> bool:
        """Whether it is known to move already."""
        return self.change.state != Change.State.PROPOSED


_open: dict[Mark, Watched] = {}


@dataclass(slots=True)
class _Round:
    """What one call finds out: arrivals that are new, those that changed, and first differences."""

    known: Mapping[Key, Arrival]
    made: dict[Key, Arrival] = field(default_factory=dict)
    turned: dict[Key, Arrival] = field(default_factory=dict)
    surprises: list[Surprise] = field(default_factory=list)

    def arrival(self, key: Key) -> Arrival | None:
        """Return how a change stands on a host."""
        return self.made.get(key) or self.known.get(key)


def watch(seen: Sequence[Observation]) -> None:
    """Hold observations against open changes; raise what differs; look for what nobody announced."""
    concerned: set[int] = set()
    if changes := open_changes():
        expects_nothing = any(one.has_begun and one.expects_nothing for one in changes)
        telling = [one for one in seen if expects_nothing or _tells(one)]
        concerned = _judge(changes, telling) if telling else concerned
    left = [one for one in seen if one.moves and one.host not in concerned]
    if left:
        unannounced.look(left)


def _tells(one: Observation) -> bool:
    """Whether more is seen than a run that went well: that is worth a look only where nothing was expected."""
    return bool(one.moves or one.turns or one.is_new or one.outcome is Outcome.FAILED)


def open_changes() -> list[Watched]:
    """Return the changes that hosts may still take, the newest first.

    What was said of a change is never edited, so only those that are open anew, or were turned, are read.
    """
    global _open  # noqa: PLW0603 -- what was read last, replaced as a whole
    rows = Change.objects.filter(state__in=OPEN).order_by("-at", "-pk")[:MOST_WATCHED]
    marks: list[Mark] = list(rows.values_list("pk", "state", "key", "at"))
    known = _open  # another thread may read as well
    if marks != list(known):
        fresh = _read([mark[0] for mark in marks if mark not in known])
        both = {mark: known.get(mark) or fresh.get(mark[0]) for mark in marks}
        _open = known = {mark: one for mark, one in both.items() if one is not None}
    return list(known.values())


def _read(keys: Sequence[int]) -> dict[int, Watched]:
    """Return what was said of some changes, by their keys."""
    found = Change.objects.filter(pk__in=keys).select_related("expectation").prefetch_related("packages", "groups")
    return {change.pk: Watched(change, said_of(change), groups_of(change)) for change in found}


def said_of(change: Change) -> Said:
    """Return what was said of a change; one that nobody announced has packages and no more."""
    wanted = {package.name: package.version for package in change.packages.all()}
    expectation: Expectation | None = getattr(change, "expectation", None)
    if expectation is None:
        return Said(change.pk, wanted)
    return Said(
        change.pk,
        wanted,
        expectation.on_new,
        expectation.on_existing,
        units=frozenset(expectation.units),
        clusters=frozenset(expectation.clusters),
        roles=frozenset(expectation.roles),
        environments=frozenset(expectation.environments),
    )


def _judge(changes: Sequence[Watched], seen: Sequence[Observation]) -> set[int]:
    """Judge each observation by each change that means its host; return the hosts that a change accounts for."""
    hosts = Host.objects.defer("tags", "gate_holds").in_bulk([one.host for one in seen])
    kept = Arrival.objects.filter(change__in=[one.change.pk for one in changes], host__in=hosts)
    found = _Round({(row.change_id, row.host_id): row for row in kept})
    has = _installed(changes, [hosts[one.host] for one in seen if one.is_new and one.host in hosts])
    concerned: set[int] = set()
    about = _by_package(changes)
    for one in seen:
        if (host := hosts.get(one.host)) is None:
            continue
        for watched in changes if _tells_more(one) else _about(one, about):
            if _take(found, watched, one, host, has.get(host.packages_id or 0, {})):
                concerned.add(one.host)
    _store(found, {one.change.pk: one.change for one in changes})
    return concerned


def _by_package(changes: Sequence[Watched]) -> dict[str, list[Watched]]:
    found: dict[str, list[Watched]] = {}
    for watched in changes:
        for name in watched.said.packages:
            found.setdefault(name, []).append(watched)
    return found


def _tells_more(one: Observation) -> bool:
    """Whether more is seen than packages that moved: that may be for any change."""
    return bool(one.turns or one.is_new or one.outcome is not None)


def _about(one: Observation, changes: Mapping[str, Sequence[Watched]]) -> list[Watched]:
    """Return the changes that are about the packages that moved, each once."""
    names = {move.name for move in one.moves}
    return list({watched.change.pk: watched for name in names for watched in changes.get(name, ())}.values())


def _installed(changes: Sequence[Watched], hosts: Iterable[Host]) -> dict[int, dict[str, str]]:
    """Return which of the packages that changes are about the lists of new hosts hold."""
    sets = {host.packages_id for host in hosts if host.packages_id}
    names = {name for one in changes for name in one.said.packages}
    if not sets or not names:
        return {}
    rows = Package.objects.filter(name__in=names).values_list("pk", "name", "version")
    about = {pk: (name, version) for pk, name, version in rows}
    return {key: dict(about[pk] for pk in ids if pk in about) for key, ids in packages.contents(sorted(sets)).items()}


def _take(found: _Round, watched: Watched, one: Observation, host: Host, has: Mapping[str, str]) -> bool:
    """Judge one observation by one change; say whether the change accounts for it."""
    said, key = watched.said, (watched.change.pk, host.pk)
    moves = [move for move in one.moves if move.name in said.packages]
    if not said.reaches(cluster=host.cluster, role=host.role, environment=host.environment):
        return False
    is_new = one.is_new or host.first_heard_at >= watched.change.received_at
    if not (moves or watched.has_begun or is_new):
        return False
    arrival = found.arrival(key)
    outcome = one.outcome if watched.has_begun else None
    is_aside = bool(moves) and watched.keeps_aside(host)
    judged = compare(said, Seen(one.moves, one.turns, outcome, is_new, arrival is not None, is_aside, has))
    if judged is not None:
        _keep(found, key, judged, one, is_new=is_new)
    elif arrival is not None:
        _recover(found, key, arrival, one)
    return bool(moves)


def _keep(found: _Round, key: Key, judged: Judged, one: Observation, *, is_new: bool) -> None:
    arrival = found.arrival(key)
    if arrival is None:
        minute = int(one.at.timestamp() // 60)
        arrival = Arrival(
            change_id=key[0], host_id=key[1], state=_state(judged), is_new=is_new, at=one.at, minute=minute
        )
        found.made[key] = arrival
    elif judged.verdict is not Verdict.DIFFERS:
        _recover(found, key, arrival, one)
        return
    else:
        arrival.state, arrival.back_at = Arrival.State.DIFFERS, None
        _note_turned(found, key, arrival)
    if judged.verdict is Verdict.DIFFERS:
        _tell(found, arrival, judged, one)


def _state(judged: Judged) -> str:
    return {
        Verdict.AS_SAID: Arrival.State.AS_SAID,
        Verdict.DIFFERS: Arrival.State.DIFFERS,
        Verdict.OPEN: Arrival.State.OPEN,
    }[judged.verdict]


def _tell(found: _Round, arrival: Arrival, judged: Judged, one: Observation) -> None:
    """Write down in what it differs; what was told of this host before stays."""
    words = judged.words if not arrival.words or judged.words in arrival.words else f"{arrival.words}; {judged.words}"
    arrival.words, arrival.difference = words[:MOST_WORDS], str(judged.kinds[0])
    failed = {turn.name for turn in one.turns if turn.now in BAD_STATES}
    arrival.units = sorted(failed | set(arrival.units))
    kinds = [str(kind) for kind in judged.kinds]
    found.surprises.append(
        Surprise(
            change_id=arrival.change_id,
            kind=kinds[0],
            kinds=kinds,
            host_id=one.host,
            words=arrival.words,
            at=one.at,
            raised_at=now(),
        )
    )


def _recover(found: _Round, key: Key, arrival: Arrival, one: Observation) -> None:
    """A host on which units had failed is back when all of them are well."""
    well = {plain_unit(turn.name) for turn in one.turns if turn.now not in BAD_STATES}
    left = [name for name in arrival.units if plain_unit(name) not in well]
    if arrival.state != Arrival.State.DIFFERS or not arrival.units or left == arrival.units:
        return
    arrival.units = left
    if not left:
        arrival.state, arrival.back_at = Arrival.State.BACK, one.at
    _note_turned(found, key, arrival)


def _note_turned(found: _Round, key: Key, arrival: Arrival) -> None:
    if key not in found.made:
        found.turned[key] = arrival


def _store(found: _Round, changes: Mapping[int, Change]) -> None:
    if found.made:
        Arrival.objects.bulk_create(list(found.made.values()), ignore_conflicts=True)
    if found.turned:
        columns = ["state", "back_at", "words", "difference", "units"]
        Arrival.objects.bulk_update(list(found.turned.values()), columns)
    touched = {key[0] for key in (*found.made, *found.turned)}
    for pk in sorted({key[0] for key in found.made}):
        if changes[pk].state == Change.State.PROPOSED:
            first = min(arrival.at for key, arrival in found.made.items() if key[0] == pk)
            with suppress(Conflict):  # its author was faster by a moment, and took it back
                change = Change.objects.get(pk=pk)
                proposing.turn(change, Change.State.UNDER_WAY, actor=timeline.SYSTEM, at=first)
    raise_surprises(found.surprises, changes)
    if touched:
        tell_watchers(touched)


def tell_watchers(changes: Iterable[int]) -> None:
    """Let screens of changes look again; arrivals are counted from their rows and have no events."""
    bus.publish(["changes", *(f"change:{pk}" for pk in sorted(changes))], timeline.newest_id())


def raise_surprises(found: Sequence[Surprise], changes: Mapping[int, Change]) -> None:
    """Keep first differences, each under its most telling kind that the change had not shown before."""
    if not found:
        return
    shown: dict[int, set[str]] = {}
    for change, kinds in Surprise.objects.filter(change__in={one.change_id for one in found}).values_list(
        "change", "kinds"
    ):
        shown.setdefault(change, set()).update(kinds)
    for one in found:
        known = shown.setdefault(one.change_id, set())
        fresh = [kind for kind in one.kinds if kind not in known]
        if fresh:
            one.kind = fresh[0]
            known.update(one.kinds)
            _raise(one, changes[one.change_id])


def _raise(found: Surprise, change: Change) -> None:
    own = {name: getattr(found, name) for name in ("kinds", "host_id", "words", "at", "raised_at")}
    one, is_new = Surprise.objects.get_or_create(change=change, kind=found.kind, defaults=own)
    if not is_new:  # another node was faster by a moment
        return
    author = Change.objects.values_list("author_id", flat=True).get(pk=change.pk)
    payload = watch_events.SurpriseRaised(
        surprise=one.pk,
        change=change.pk,
        title=change.title,
        author=author,
        difference=one.kind,
        kinds=list(one.kinds),
        host=one.host_id,
        host_name=one.host.name,
        words=one.words,
        at=one.at,
        raised_at=one.raised_at,
    )
    timeline.append(payload, about=[change, one, "changes", "now", f"host:{one.host_id}"])


def minute_of(at: datetime) -> int:
    """Return the minute of a time, counted from 1970."""
    return int(at.timestamp() // 60)


ports.register_judge(watch)

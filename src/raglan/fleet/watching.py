"""The judge of changes: what hosts show is held against what was said, in the transaction that stores it.

A first difference raises a surprise. What nobody announced is looked for in what is left over.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from raglan.changes import proposing
from raglan.changes.models import Change
from raglan.core import bus, timeline, timers
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.fleet import crashing, going_back, packages, ports, restarting, stopping, unannounced
from raglan.fleet.judging import BAD_STATES, NOT_WELL, Difference, Judged, Seen, Verdict, compare, plain_unit, stayed
from raglan.fleet.models import Host, Package
from raglan.fleet.open_changes import Watched, about, by_package, is_new_for, open_changes
from raglan.fleet.ports import Observation, Outcome
from raglan.fleet.surprises import raise_surprises
from raglan.fleet.watch_models import Arrival, Surprise

MOST_WORDS = 500
Key = tuple[int, int]  # change, host


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
        stopping.look_later(telling)
    left = [one for one in seen if one.moves and one.host not in concerned]
    if left:
        unannounced.look(left)


def _tells(one: Observation) -> bool:
    """Whether more is seen than a run that went well: that is worth a look only where nothing was expected."""
    return bool(one.moves or _is_more(one) or one.outcome is Outcome.FAILED)


def _is_more(one: Observation) -> bool:
    return bool(one.turns or one.stopped or one.restarts or one.is_new or one.has_come)


def _judge(changes: Sequence[Watched], seen: Sequence[Observation]) -> set[int]:
    """Judge each observation by each change that means its host; return the hosts that a change accounts for."""
    hosts = Host.objects.defer("gate_holds").in_bulk([one.host for one in seen])
    kept = Arrival.objects.filter(change__in=[one.change.pk for one in changes], host__in=hosts)
    found = _Round({(row.change_id, row.host_id): row for row in kept})
    came = [hosts[one.host] for one in seen if (one.is_new or one.has_come) and one.host in hosts]
    has = _installed(changes, came)
    concerned: set[int] = set()
    named = by_package(changes)
    had = going_back.before(changes, seen)
    for one in seen:
        if (host := hosts.get(one.host)) is None:
            continue
        for watched in changes if _is_more(one) or one.outcome is not None else about(one, named):
            if _take(found, watched, one, host, has.get(host.packages_id or 0, {}), had):
                concerned.add(one.host)
    _store(found, {one.change.pk: one.change for one in changes})
    return concerned


def _installed(changes: Sequence[Watched], hosts: Iterable[Host]) -> dict[int, dict[str, list[str]]]:
    """Return which versions of the packages that changes are about the lists of new hosts hold."""
    sets = {host.packages_id for host in hosts if host.packages_id}
    names = {name for one in changes for name in one.said.packages}
    if not sets or not names:
        return {}
    rows = Package.objects.filter(name__in=names).values_list("pk", "name", "version")
    known = {pk: (name, version) for pk, name, version in rows}
    found: dict[int, dict[str, list[str]]] = {}
    for key, ids in packages.contents(sorted(sets)).items():
        held: dict[str, list[str]] = {}
        for name, version in (known[pk] for pk in ids if pk in known):
            held.setdefault(name, []).append(version)
        found[key] = held
    return found


def _held(has: Mapping[str, Sequence[str]], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the version that counts of each package: the one that was said, where it is among several."""
    return {
        name: wanted[name] if wanted[name] in versions else versions[-1]
        for name, versions in has.items()
        if name in wanted
    }


def _take(
    found: _Round,
    watched: Watched,
    one: Observation,
    host: Host,
    has: Mapping[str, Sequence[str]],
    had: going_back.Before,
) -> bool:
    """Judge one observation by one change; say whether the change accounts for it."""
    said, key = watched.said, (watched.change.pk, host.pk)
    moves = [move for move in one.moves if move.name in said.packages]
    if not said.reaches(cluster=host.cluster, role=host.role, environment=host.environment, tags=host.tags):
        return False
    is_new = is_new_for(watched.change, host)
    if not (moves or watched.has_begun or is_new):
        return False
    arrival = found.arrival(key)
    goes_back = arrival is not None and not is_new and going_back.is_return(watched, host.pk, moves, had)
    seen = Seen(
        () if goes_back else one.moves,
        one.turns,
        one.outcome if watched.has_begun else None,
        is_new,
        arrival is not None,
        bool(moves) and watched.keeps_aside(host),
        _held(has, said.packages),
        one.stopped,
        restarting.of_what_was_up(one, arrival.units if arrival is not None else ()),
        one.crashes,
    )
    judged = compare(said, seen)
    if judged is not None:
        is_right = judged.verdict is Verdict.AS_SAID and {move.name for move in moves} == set(said.packages)
        _keep(found, key, judged, one, is_new=is_new, is_right=is_right)
    elif arrival is not None:
        _recover(found, key, arrival, one)
        if goes_back:
            _note(arrival, f"back to {', '.join(move.new for move in moves)}")
            _be_back(found, key, arrival, one.at)
            _note_turned(found, key, arrival)
    _await(found, key, watched, one, host)
    return bool(moves)


def _keep(found: _Round, key: Key, judged: Judged, one: Observation, *, is_new: bool, is_right: bool) -> None:
    """Keep how a change stands on a host. `is_right`: all of its packages came just now, and as was said."""
    arrival = found.arrival(key)
    if arrival is None:
        minute = int(one.at.timestamp() // 60)
        arrival = Arrival(
            change_id=key[0], host_id=key[1], state=_state(judged), is_new=is_new, at=one.at, minute=minute
        )
        found.made[key] = arrival
    elif judged.verdict is not Verdict.DIFFERS:
        _recover(found, key, arrival, one)
        if is_right and arrival.difference == Difference.VERSION:
            _be_back(found, key, arrival, one.at)
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
    _note(arrival, judged.words)
    arrival.difference = str(judged.kinds[0])
    failed = {turn.name for turn in (*one.turns, *one.stopped) if turn.now in BAD_STATES or turn in one.stopped}
    crashed = set(one.crashes) if Difference.CRASH in judged.kinds else set()
    arrival.units = sorted(failed | crashed | set(arrival.units))
    if crashed:
        crashing.look_later(arrival.change_id)
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


def _note(arrival: Arrival, said: str) -> None:
    if said not in arrival.words:
        arrival.words = (f"{arrival.words}; {said}" if arrival.words else said)[:MOST_WORDS]


def _recover(found: _Round, key: Key, arrival: Arrival, one: Observation) -> None:
    """A host on which units had failed is back when all of them are well."""
    well = {plain_unit(turn.name) for turn in one.turns if turn.now not in NOT_WELL}
    left = [name for name in arrival.units if plain_unit(name) not in well]
    if arrival.state != Arrival.State.DIFFERS or not arrival.units or left == arrival.units:
        return
    arrival.units = left
    if not left:
        arrival.state, arrival.back_at = Arrival.State.BACK, one.at
    _note_turned(found, key, arrival)


def _be_back(found: _Round, key: Key, arrival: Arrival, at: datetime) -> None:
    """A host that differed in one thing that was put right is well again."""
    if arrival.state == Arrival.State.DIFFERS and not arrival.units:
        arrival.state, arrival.back_at = Arrival.State.BACK, at
        _note_turned(found, key, arrival)


def _await(found: _Round, key: Key, watched: Watched, one: Observation, host: Host) -> None:
    """Note which units are still to restart on a host that got a change, and which have done so."""
    arrival = found.arrival(key)
    if arrival is None:
        return
    got = any(move.new for move in one.moves if move.name in watched.said.packages)
    if got and not arrival.is_new and watched.said.on_existing == "restart":
        waits = restarting.awaited(watched.said.units, host.starts, one.restarts)
    else:
        waits = [name for name in arrival.waits if name not in one.restarts]
    if waits == arrival.waits:
        return
    arrival.waits, arrival.waits_until = waits, restarting.until() if waits else None
    _note_turned(found, key, arrival)
    if waits:
        restarting.look_later(key[0], restarting.until())
    elif arrival.difference == Difference.STAYED:
        _be_back(found, key, arrival, one.at)


@timers.handler(restarting.LOOK)
def look_at_restarts(due: timers.Due) -> None:
    """Tell where units were to restart with a change and did not in their time."""
    change = Change.objects.filter(pk=due.subject_id).first()
    late = restarting.overdue(change, now()) if change is not None else []
    if change is None or not late:
        return
    found = _Round({(row.change_id, row.host_id): row for row in late})
    for arrival in late:
        arrival.state, arrival.back_at, arrival.waits_until = Arrival.State.DIFFERS, None, None
        _note_turned(found, (arrival.change_id, arrival.host_id), arrival)
        _tell(found, arrival, stayed(arrival.waits, restarting.MINUTES), Observation(arrival.host_id, now(), now()))
    _store(found, {change.pk: change})


def _note_turned(found: _Round, key: Key, arrival: Arrival) -> None:
    if key not in found.made:
        found.turned[key] = arrival


def _store(found: _Round, changes: Mapping[int, Change]) -> None:
    if found.made:
        Arrival.objects.bulk_create(list(found.made.values()), ignore_conflicts=True)
    if found.turned:
        columns = ["state", "back_at", "words", "difference", "units", "waits", "waits_until"]
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


def minute_of(at: datetime) -> int:
    """Return the minute of a time, counted from 1970."""
    return int(at.timestamp() // 60)


ports.register_judge(watch)

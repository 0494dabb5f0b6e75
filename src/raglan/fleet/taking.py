"""Taking reports: what changed on hosts, for many of them in one transaction.

Most reports say that nothing changed. Such a one costs a look at its host's row and one update of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.fleet import events, identity, packages, ports, units
from raglan.fleet.cases import Case, Lists, Result, Taken, Units, in_turns
from raglan.fleet.facts import note_facts, note_gates
from raglan.fleet.late import Late, keep_late
from raglan.fleet.models import FleetSource, ToldBy
from raglan.fleet.moves import keep_moves, keep_turns
from raglan.fleet.ports import Observation
from raglan.fleet.reports import MOST_UNITS, Received, unit_name
from raglan.fleet.standing import Standing, find, key_of, silence_begins, usual_interval, write_heard, write_state
from raglan.fleet.starts import Started, note_starts

ON_TIME = ("", "timer")
HEARD_EVERY = timedelta(seconds=10)
MOST_ASIDE = 1_000_000


@atomic
def take_reports(batch: Sequence[Received]) -> list[Result]:
    """Store what hosts report and show the judges what is different; return what became of each report."""
    results: list[Result] = [Taken.TAKEN] * len(batch)
    seen: list[Observation] = []
    for cases in in_turns(batch):
        seen += _take(cases)
        for case in cases:
            results[case.place] = case.result
    _note_sources({received.source for received in batch})
    if seen:
        ports.judge(seen)
    return results


def _take(cases: Sequence[Case]) -> list[Observation]:
    known = find([key_of(case.told) for case in cases])
    for case in cases:
        if (host := known.get(key_of(case.told))) is not None:
            case.host, case.result = host, _order(host, case)
            if case.result is not Taken.TAKEN:
                _hear_only(host, case)
    lists = _lists([case for case in cases if case.result in (Taken.TAKEN, Taken.LATE)])
    services = _services([case for case in cases if case.result in (Taken.TAKEN, Taken.LATE)])
    for case in cases:
        _refuse(case, lists, services)
    going = [case for case in cases if case.result is Taken.TAKEN]
    _settle(going)
    for case in going:
        _apply(case, lists, services)
    known_now = [case for case in cases if case.host is not None and case.host.id]
    identity.store_new([case.row for case in going if not case.row.id])
    write_heard([case.row for case in known_now])
    write_state([case.row for case in known_now if case.is_changed])
    note_facts([(case.row, case.told) for case in going])
    note_gates([(case.row, case.received) for case in going])
    _note_starts(going)
    keep_late([_late(case, lists, services) for case in cases if case.result is Taken.LATE])
    return _observe(going, lists)


def _late(case: Case, lists: Lists, services: Units) -> Late:
    """Return what a late report tells, as far as it can be read."""
    host, received = case.row, case.received
    found: object = host.packages_id
    if received.packages_digest != host.packages_digest:
        found = lists.keys.get(received.packages_digest)
    kept = services.get(received.units_digest)
    said = kept.id if isinstance(kept, units.Kept) else None
    if received.units_digest and received.units_digest == host.units_digest:
        said = host.units_id
    return Late(host, case.at, found if isinstance(found, int) else None, said)


def _order(host: Standing, case: Case) -> Taken:
    """Tell whether a report is the next one of its host, one that came before, or one of another machine."""
    report = case.received.report
    if report.boot == host.boot and host.reported_at is not None and report.seq:
        if report.seq == host.seq:
            return Taken.AGAIN
        if report.seq < host.seq:
            return Taken.LATE
    if identity.is_another_machine(host, case.received, case.at):
        return Taken.SHARED
    if host.reported_at is not None and case.at < host.reported_at and report.boot != host.boot:
        return Taken.LATE
    return Taken.TAKEN


def _lists(cases: Sequence[Case]) -> Lists:
    """Return lists of packages by digest, as far as they are known or were sent."""
    wanted: dict[str, bytes] = {}
    for case in cases:
        digest = case.received.packages_digest
        if digest and not (case.host and case.host.packages_digest == digest):
            wanted[digest] = wanted.get(digest) or case.received.packages  # another may send the hash only
    keys: dict[str, int | BadInput] = dict(packages.known_sets(wanted))
    sent = {digest: raw for digest, raw in wanted.items() if raw and digest not in keys}
    if not sent:
        return Lists(keys)
    read = packages.read_lists(list(sent.values()))
    keys |= {digest: found for digest, raw in sent.items() if isinstance(found := read[raw], BadInput)}
    fresh = {digest: found for digest, raw in sent.items() if not isinstance(found := read[raw], BadInput)}
    stored = packages.store(fresh)
    return Lists({**keys, **stored}, {stored[digest]: ids for digest, ids in fresh.items()})


def _services(cases: Sequence[Case]) -> Units:
    wanted = {
        case.received.units_digest: bytes(case.received.report.units)
        for case in cases
        if case.received.units_digest and not (case.host and case.host.units_digest == case.received.units_digest)
    }
    return units.keep(wanted) if wanted else {}


def _refuse(case: Case, lists: Lists, services: Units) -> None:
    """Say what cannot be taken of a report, or what is missing in it; nothing of it is kept then."""
    digest, host = case.received.packages_digest, case.host
    if case.result is Taken.LATE and digest not in ("", case.row.packages_digest) and digest not in lists.keys:
        case.result = Taken.NEEDS_PACKAGES
    if case.result is not Taken.TAKEN:
        return
    if digest and not (host and host.packages_digest == digest):
        case.result = _refused(lists.keys.get(digest, Taken.NEEDS_PACKAGES))
    said = services.get(case.received.units_digest)
    if isinstance(said, BadInput):
        case.result = said


def _refused(found: int | Result) -> Result:
    return Taken.TAKEN if isinstance(found, int) else found


def _settle(cases: Sequence[Case]) -> None:
    """Give each report its host's row, a new one where there is none."""
    near = identity.Near([case.told for case in cases if case.host is None])
    for case in cases:
        if case.host is None:
            case.host, case.is_changed = identity.settle(case.received, case.told, case.at, near), True
            case.is_new = not case.host.id and case.host.shared_since is None
        elif case.host.doubted_since is not None:
            identity.speaks_again(case.host, case.at)


def _apply(case: Case, lists: Lists, services: Units) -> None:
    """Bring a row up to what a report says."""
    host, received = case.row, case.received
    case.had_packages, case.had_units = host.packages_id, host.units_id
    _hear(case)
    if received.packages_digest and received.packages_digest != host.packages_digest:
        found = lists.keys[received.packages_digest]
        assert isinstance(found, int)
        host.packages_id, host.packages_digest, case.is_changed = found, received.packages_digest, True
    if received.report.aside != host.aside:
        host.aside, case.is_changed = min(max(received.report.aside, 0), MOST_ASIDE), True
    kept = services.get(received.units_digest)
    if isinstance(kept, units.Kept) and received.units_digest != host.units_digest:
        host.units_id, host.units_digest, host.failed_units = kept.id, received.units_digest, kept.failed
        case.is_changed = True


def _note_starts(cases: Sequence[Case]) -> None:
    """Keep when services were started, where that is news, and note which were started anew."""
    told = {case.row.id: case for case in cases if case.received.started_digest not in ("", case.row.starts_digest)}
    news = [Started(pk, bytes(case.received.report.started), case.received.started_digest) for pk, case in told.items()]
    for pk, restarts in note_starts(news).items():
        said = {unit_name(name) for name in told[pk].received.report.crashed[:MOST_UNITS]}
        told[pk].restarts, told[pk].crashes = restarts, tuple(name for name in restarts if name in said)


def _hear(case: Case) -> None:
    host, received, report = case.row, case.received, case.received.report
    if report.because in ON_TIME and host.reported_at is not None and host.boot == report.boot:
        host.report_interval_s = usual_interval(host.report_interval_s, case.at - host.reported_at)
    host.last_heard_at, host.reported_at = received.received_at, case.at
    host.clock_offset_s, host.seq = case.offset, report.seq
    host.silent_at = silence_begins(host, received.received_at)
    if host.boot != report.boot:
        if host.shared_since is not None and host.boot:  # which machine this is cannot be told: no move is made of it
            case.had_packages = case.had_units = None
        host.previous_boot, host.boot, case.is_changed = host.boot, report.boot, True
    if host.silent_since is not None or host.retired_at is not None:
        _heard_again(host)
        case.is_changed = True


def _hear_only(host: Standing, case: Case) -> None:
    """A host is there, though its report is not news; it may be the proof that its machine id is shared."""
    host.last_heard_at = case.received.received_at
    host.silent_at = silence_begins(host, host.last_heard_at)
    case.is_changed = case.result is Taken.SHARED


def _heard_again(host: Standing) -> None:
    said = events.HostHeardAgain(
        host=host.id, name=host.name, silent_since=host.silent_since, retired_at=host.retired_at
    )
    timeline.append(said, about=[f"host:{host.id}", "hosts"])
    host.silent_since = host.retired_at = None


def _observe(cases: Sequence[Case], lists: Lists) -> list[Observation]:
    """Keep what moved and turned; return what judges are to see."""
    pairs = {
        case.row.id: (case.had_packages, case.row.packages_id)
        for case in cases
        if case.had_packages and case.row.packages_id and case.had_packages != case.row.packages_id
    }
    between = packages.differences({(a, b) for a, b in pairs.values() if a and b}, lists.at_hand)
    at = {case.row.id: case.at for case in cases}
    moves = keep_moves(
        {host: (between[old, new], at[host]) for host, (old, new) in pairs.items() if old and new},
        told_by=ToldBy.REPORT,
    )
    turns = keep_turns(_turned(cases), told_by=ToldBy.REPORT)
    return [
        Observation(
            host=host,
            at=case.at,
            received_at=case.received.received_at,
            is_new=case.is_new,
            moves=moves.get(host, ()),
            turns=turns.get(host, ()),
            restarts=case.restarts,
            crashes=case.crashes,
            has_come=_has_come(case),
            details=details_of(case.row),
        )
        for case in cases
        if (host := case.row.id) in moves or host in turns or case.is_new or case.restarts or _has_come(case)
    ]


def _has_come(case: Case) -> bool:
    """Whether the packages of a host are known for the first time."""
    return case.had_packages is None and case.row.packages_id is not None and case.row.shared_since is None


def _turned(cases: Sequence[Case]) -> dict[int, tuple[list[ports.ServiceTurn], datetime]]:
    pairs = [
        (case, case.had_units, case.row.units_id)
        for case in cases
        if case.had_units and case.row.units_id and case.had_units != case.row.units_id
    ]
    states = units.states({pk for _, old, new in pairs for pk in (old, new) if pk})
    return {case.row.id: (units.turned(states[old], states[new]), case.at) for case, old, new in pairs if old and new}


def details_of(host: Standing) -> dict[str, str]:
    """Return the words of a host that judges go by."""
    return {"name": host.name, "cluster": host.cluster, "role": host.role, "environment": host.environment}


def _note_sources(ids: set[int]) -> None:
    """Note who was heard, each a few times a minute."""
    at = now()
    due = {pk for pk in ids if not _noted.get(pk, at - HEARD_EVERY) > at - HEARD_EVERY}
    if due:
        FleetSource.objects.filter(pk__in=due).update(last_heard_at=at)
        transaction.on_commit(partial(_noted.update, dict.fromkeys(due, at)))


_noted: dict[int, datetime] = {}

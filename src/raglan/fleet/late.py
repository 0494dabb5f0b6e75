"""Late reports: what a host had at an earlier time goes into its history, in its order. Nothing is moved back by them.

A late report tells what was between two others. What was known to have moved by the later one has moved earlier, or in
two steps; what came and went meanwhile are two moves of which nobody knew. Judges have seen what came of it already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from raglan.core.db import bulk
from raglan.fleet import packages, units
from raglan.fleet.models import PackageMove, ToldBy, UnitTurn
from raglan.fleet.packages import Entry
from raglan.fleet.ports import MoveTold
from raglan.fleet.standing import Standing


@dataclass(frozen=True, slots=True)
class Late:
    """A host as it stands now, and what it said of an earlier time: the keys of its lists, where it told them."""

    host: Standing
    at: datetime
    packages: int | None
    units: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """That something went from one version or state to another."""

    name: str
    old: str
    new: str
    arch: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A step that is kept already."""

    pk: int
    step: Step


@dataclass(frozen=True, slots=True)
class Spliced:
    """What is to be kept anew, with whether it happened at the end of the time in question, and what changes in rows.

    A row gets another beginning, or happened at the time of the late report.
    """

    made: list[tuple[Step, bool]] = field(default_factory=list)
    begins: dict[int, str] = field(default_factory=dict)
    earlier: list[int] = field(default_factory=list)


def splice(told: Sequence[Step], later: Sequence[Row]) -> Spliced:
    """Fit steps of an earlier time to those that are kept of later times, which come in their order."""
    found = Spliced()
    for step in told:
        row = next((one for one in later if _goes_on(one.step, step)), None)
        if row is None:
            found.made.extend([(step, False), (Step(step.name, step.new, step.old, step.arch), True)])
        elif row.step.new == step.new:
            found.earlier.append(row.pk)
        else:
            found.made.append((step, False))
            found.begins[row.pk] = step.new
    return found


def _goes_on(later: Step, step: Step) -> bool:
    same_arch = not later.arch or not step.arch or later.arch == step.arch
    return later.name == step.name and later.old == step.old and same_arch


def before(entries: set[Entry], later: Sequence[Row]) -> set[Entry]:
    """Return what was installed before some moves, by what is installed after them."""
    found = set(entries)
    for step in (row.step for row in reversed(later)):
        came = {one for one in found if step.new and one[:2] == (step.name, step.new) and step.arch in ("", one[2])}
        found -= came
        if step.old:
            found.add((step.name, step.old, next(iter(came))[2] if came else step.arch))
    return found


def keep_late(told: Sequence[Late]) -> None:
    """Keep what late reports show, each after the others. What was before a host was heard of is not known."""
    for late in told:
        if late.at <= late.host.first_heard_at or late.host.shared_since is not None:
            continue
        if late.packages and late.host.packages_id:
            _keep_moves(late)
        if late.units and late.host.units_id:
            _keep_turns(late)


def _keep_moves(late: Late) -> None:
    rows = PackageMove.objects.filter(host=late.host.id, at__gt=late.at).order_by("at", "pk")
    later = [Row(pk, Step(*words)) for pk, *words in rows.values_list("pk", "name", "old", "new", "arch")]
    was, said = before(_entries(late.host.packages_id), later), _entries(late.packages)
    steps = [Step(*_words(move)) for move in packages.paired(sorted(was - said), sorted(said - was))]
    found = splice(steps, later)
    columns = ("host_id", "name", "old", "new", "arch", "at", "told_by")
    made = [
        (late.host.id, step.name, step.old, step.new, step.arch, _stamp(late, is_end=is_end), ToldBy.REPORT.value)
        for step, is_end in found.made
    ]
    bulk.insert_rows(PackageMove, columns, made)
    _change(PackageMove, "old", found.begins)
    PackageMove.objects.filter(pk__in=found.earlier).update(at=late.at)


def _words(move: MoveTold) -> tuple[str, str, str, str]:
    return move.name, move.old, move.new, move.arch


def _entries(key: int | None) -> set[Entry]:
    return {(one.name, one.version, one.arch) for one in packages.listed(key)}


def _keep_turns(late: Late) -> None:
    rows = UnitTurn.objects.filter(host=late.host.id, at__gt=late.at).order_by("at", "pk")
    later = [Row(pk, Step(*words)) for pk, *words in rows.values_list("pk", "name", "was", "state")]
    lists = units.states([key for key in (late.host.units_id, late.units) if key])
    was, said = dict(lists[late.host.units_id or 0]), lists[late.units or 0]
    for row in reversed(later):
        was[row.step.name] = row.step.old
    steps = [Step(name, was[name], state) for name, state in said.items() if was.get(name) not in (None, "", state)]
    found = splice(steps, later)
    made = [
        (late.host.id, step.name, step.old, step.new, _stamp(late, is_end=is_end), ToldBy.REPORT.value)
        for step, is_end in found.made
    ]
    bulk.insert_rows(UnitTurn, ("host_id", "name", "was", "state", "at", "told_by"), made)
    _change(UnitTurn, "was", found.begins)
    UnitTurn.objects.filter(pk__in=found.earlier).update(at=late.at)


def _stamp(late: Late, *, is_end: bool) -> str | None:
    return bulk.stamp(max(late.host.reported_at or late.at, late.at) if is_end else late.at)


def _change(model: type[PackageMove] | type[UnitTurn], column: str, values: Mapping[int, str]) -> None:
    bulk.update_rows(model, (column,), [(value, pk) for pk, value in sorted(values.items())])

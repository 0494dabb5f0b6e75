"""The overrides of a schedule as code against what is stored. What stands later in the file is applied later."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.core import timeline
from raglan.oncall import actions, import_names, moves, resolve
from raglan.oncall.as_code import OverrideText
from raglan.oncall.drafts import OverrideDraft
from raglan.oncall.import_names import Known
from raglan.oncall.models import Override, Schedule
from raglan.people.models import Person

WHY = "imported from a file"


@dataclass(frozen=True, slots=True)
class Changed:
    """What was done, in sentences; and the times about which it decides, each with its reason, empty where one ends."""

    steps: list[str]
    times: list[tuple[datetime, datetime, str]]


def open_ones(schedule: Schedule, at: datetime) -> list[Override]:
    """Return the overrides that are not over, in the order in which those of one rank are applied."""
    found = [row for row in schedule.overrides.all() if row.cancelled_at is None and row.ends_at > at]
    return sorted(found, key=_order)


def change(
    schedule: Schedule,
    wanted: Sequence[OverrideText],
    people: Known,
    *,
    by: Person | None,
    actor: timeline.Subject,
    at: datetime,
) -> Changed:
    """Cancel and add overrides until they are as they are written, in that order; return what was done.

    One that is stored, yet was made before one that now stands above it, is written again. Raises BadInput. Nobody is
    told yet: `tell_those_moved` does it once for the whole file.
    """
    left = open_ones(schedule, at)
    kept: list[Override] = []
    new: list[tuple[OverrideDraft, Override | None]] = []
    for item in wanted:
        draft = _draft(item, people)
        same = next((row for row in left if _is_same(draft, row, at)), None)
        if same:
            left.remove(same)
        if same and (_is_of_nobody(draft) or _comes_last(same, kept, [one for one, _ in new])):
            kept.append(same)
        elif _is_of_nobody(draft):
            raise import_names.has_left([item.part], item.person)
        else:
            new.append((draft, same))
    over = [*left, *(same for _, same in new if same)]
    times = [
        *((max(draft.starts_at, at), draft.ends_at, draft.reason.strip() or WHY) for draft, _ in new),
        *((max(row.starts_at, at), row.ends_at, "") for row in over),
    ]
    for row in over:
        actions.cancel_override(row, actor=actor, by=by, reason=WHY, part_of=at)
    for draft, _ in new:
        actions.add_override(schedule, draft, by=by, actor=actor, part_of=at)
    steps = [
        *(f"override of {row.person.name} ends" for row in left),
        *(f"override of {draft.person.name} ({draft.kind}){_later(same)}" for draft, same in new),
    ]
    return Changed(steps, times)


def tell_those_moved(
    schedule: Schedule, done: Changed, before: resolve.Schedule, after: resolve.Schedule, by: Person | None
) -> None:
    """Write once to those whose time the whole of a file moves, where its overrides have changed."""
    moved = [item for start, end in _joined(done) for item in resolve.changes(before, after, start, end)]

    def why(times: moves.Times) -> str:
        said = [words for low, high, words in done.times if words and any(a < high and low < b for a, b in times)]
        return "; ".join(list(dict.fromkeys(said))[: moves.LISTED]) or WHY

    moves.tell_those_moved(schedule, moved, by=by, reason=why)


def _joined(done: Changed) -> moves.Times:
    found: moves.Times = []
    for start, end, _ in sorted(done.times):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _later(same: Override | None) -> str:
    return " counts after those written before it" if same else ""


def _order(row: Override) -> tuple[datetime, int]:
    return row.created_at, row.pk


def _is_of_nobody(draft: OverrideDraft) -> bool:
    """Say whether it would put somebody on call who has left; such a one has no effect any more."""
    return not draft.person.is_active and draft.kind != Override.Kind.REMOVE


def _comes_last(row: Override, kept: Iterable[Override], new: Iterable[OverrideDraft]) -> bool:
    """Say whether it is applied after all of these that could decide about the same time."""
    return all(_order(one) < _order(row) for one in kept if _meet(one, row)) and not any(_meet(one, row) for one in new)


def _meet(one: Override | OverrideDraft, row: Override) -> bool:
    return one.rank == row.rank and one.starts_at < row.ends_at and row.starts_at < one.ends_at


def _draft(item: OverrideText, people: Known) -> OverrideDraft:
    gone = people[item.instead_of.casefold()] if item.instead_of else None
    person = people[item.person.casefold()]
    return OverrideDraft(person, item.starts_at, item.ends_at, item.reason, item.kind, gone, item.rank)


def _is_same(draft: OverrideDraft, row: Override, at: datetime) -> bool:
    named = (draft.person.pk, draft.kind, draft.instead_of.pk if draft.instead_of else None, draft.rank, draft.reason)
    stored = (row.person_id, row.kind, row.instead_of_id, row.rank, row.reason)
    begins_alike = max(draft.starts_at, at) == max(row.starts_at, at)
    return named == stored and begins_alike and draft.ends_at == row.ends_at

"""The overrides of a schedule as code against what is stored. What stands later in the file is applied later."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from raglan.core import timeline
from raglan.core.clock import now
from raglan.oncall import actions, import_names
from raglan.oncall.as_code import OverrideText
from raglan.oncall.drafts import OverrideDraft
from raglan.oncall.import_names import Known
from raglan.oncall.models import Override, Schedule
from raglan.people.models import Person


def open_ones(schedule: Schedule, at: datetime) -> list[Override]:
    """Return the overrides that are not over, in the order in which those of one rank are applied."""
    found = [row for row in schedule.overrides.all() if row.cancelled_at is None and row.ends_at > at]
    return sorted(found, key=_order)


def change(
    schedule: Schedule, wanted: Sequence[OverrideText], people: Known, by: Person | None, actor: timeline.Subject
) -> list[str]:
    """Cancel and add overrides until they are as they are written, in that order; return what was done.

    One that is stored, yet was made before one that now stands above it, is written again. Raises BadInput.
    """
    at = now()
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
    for row in left:
        actions.cancel_override(row, actor=actor, by=by)
    for draft, same in new:
        actions.add_override(schedule, draft, by=by, actor=actor)
        if same:  # ended once the new one counts, so that there is no time between
            actions.cancel_override(same, actor=actor, by=by)
    return [
        *(f"override of {row.person.name} ends" for row in left),
        *(f"override of {draft.person.name} ({draft.kind}){_later(same)}" for draft, same in new),
    ]


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

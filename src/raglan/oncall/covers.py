"""Requests to take a time: one asks, another takes it or says no. Nobody's shift moves until somebody has said yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotAllowed, NotFound
from raglan.oncall import actions, events, moves, queries, resolve
from raglan.oncall.drafts import MAX_OVERRIDE, MAX_REASON, OverrideDraft
from raglan.oncall.holding import hold
from raglan.oncall.models import CoverRequest, Override, Schedule
from raglan.oncall.notices import tell
from raglan.people.models import Person

State = CoverRequest.State


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """What somebody asks for; without `asked` anybody of the schedule may take it, with `back` it is a swap."""

    starts_at: datetime
    ends_at: datetime
    asked: Person | None = None
    back: tuple[datetime, datetime] | None = None
    reason: str = ""


@atomic
def ask(schedule: Schedule, draft: RequestDraft, *, by: Person) -> CoverRequest:
    """Ask another to take a time of one's own. Raises BadInput naming the field."""
    pure = queries.load(queries.schedule(schedule.slug, since=now()))
    _check(pure, draft, by)
    row = CoverRequest.objects.create(
        schedule=schedule,
        asker=by,
        asked=draft.asked,
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        back_starts_at=draft.back[0] if draft.back else None,
        back_ends_at=draft.back[1] if draft.back else None,
        reason=draft.reason.strip()[:MAX_REASON],
        created_at=now(),
    )
    payload = events.CoverAsked(
        cover_request=row.pk,
        schedule=schedule.pk,
        asker=by.pk,
        asked=draft.asked.pk if draft.asked else None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        back_starts_at=row.back_starts_at,
        back_ends_at=row.back_ends_at,
        reason=row.reason,
        created_at=row.created_at,
    )
    timeline.append(payload, actor=by, about=[schedule, row, by, *([draft.asked] if draft.asked else []), "oncall"])
    for person in [draft.asked] if draft.asked else _others(schedule, by):
        _tell(row, person, f"{by.name} asks you to take a shift of {schedule.name}")
    return row


def _check(pure: resolve.Schedule, draft: RequestDraft, by: Person) -> None:
    if draft.ends_at <= draft.starts_at or draft.ends_at <= now():
        raise BadInput("ends_at", "must be after the start, and not over already")
    if draft.ends_at - draft.starts_at > MAX_OVERRIDE:
        raise BadInput("ends_at", "is more than a year after the start")
    if draft.asked is not None and (draft.asked == by or not draft.asked.is_active):
        raise BadInput("asked_id", "ask somebody else who is active")
    if not _has_a_shift(pure, by, draft.starts_at, draft.ends_at):
        raise BadInput("starts_at", "you are not on call then")
    if draft.back is not None:
        _check_swap(pure, draft.asked, draft.back)


def _check_swap(pure: resolve.Schedule, asked: Person | None, back: tuple[datetime, datetime]) -> None:
    if asked is None:
        raise BadInput("asked_id", "a swap names whom you swap with")
    if back[1] <= back[0] or back[1] <= now():
        raise BadInput("back_ends_at", "must be after the start, and not over already")
    if not _has_a_shift(pure, asked, *back):
        raise BadInput("back_starts_at", "they are not on call then")


def _has_a_shift(pure: resolve.Schedule, person: Person, start: datetime, end: datetime) -> bool:
    pieces = resolve.shifts(pure, max(start, now()), max(end, now()))
    return any(person.pk in piece.people for piece in pieces)


def _others(schedule: Schedule, by: Person) -> list[Person]:
    """Return those who take turns in a schedule, but for one."""
    rows = schedule.rotations.filter(withdrawn_at__isnull=True).values("members__person_id")
    return list(Person.objects.filter(pk__in=rows, is_active=True).exclude(pk=by.pk).order_by("pk"))


@atomic
def take(row: CoverRequest, *, by: Person) -> list[Override]:
    """Take a time that somebody asked for; with a swap the asker takes the other. Raises Conflict, NotAllowed."""
    if by.pk == row.asker_id or (row.asked_id is not None and row.asked_id != by.pk):
        raise NotAllowed("Only the one who was asked can take this.")
    hold(row.schedule_id)
    if row.ends_at <= now():
        raise Conflict("This time is over.")
    _answer(row, State.TAKEN, by)
    _check_again(row, by)
    at = now()
    taken = [actions.add_override(row.schedule, draft, by=by, part_of=at) for draft in _overrides(row, by)]
    moved = [change for override in taken for change in moves.moved_by(override)]
    _check_others(moved, {row.asker_id, by.pk})
    moves.tell_those_moved(row.schedule, moved, by=by, reason=row.reason, stands_in=by, known=[row.asker])
    return taken


def _check_again(row: CoverRequest, by: Person) -> None:
    """Raise Conflict when the rota has changed, so that somebody would give what is not theirs any more."""
    pure = queries.load(queries.schedule(row.schedule.slug, since=now()))
    if not _has_a_shift(pure, row.asker, row.starts_at, row.ends_at):
        raise Conflict(f"The rota has changed: {row.asker.name} is not on call then any more. Nothing was moved.")
    back = (row.back_starts_at, row.back_ends_at)
    if back[0] and back[1] and back[1] > now() and not _has_a_shift(pure, by, back[0], back[1]):
        raise Conflict("The rota has changed: you are not on call any more at the time in return. Nothing was moved.")


def _check_others(moved: Sequence[resolve.Change], both: set[int]) -> None:
    """Raise Conflict when somebody would lose time who has no part in a request, since they cover it meanwhile."""
    lost = moves.going(moved).keys() - both
    if lost:
        names = " and ".join(Person.objects.filter(pk__in=lost).order_by("name", "pk").values_list("name", flat=True))
        raise Conflict(f"The rota has changed: {names} would lose time by this. Nothing was moved.")


def _overrides(row: CoverRequest, by: Person) -> list[OverrideDraft]:
    kind = Override.Kind.REPLACE_ONE
    found = [OverrideDraft(by, row.starts_at, row.ends_at, row.reason, kind, row.asker)]
    if row.back_starts_at and row.back_ends_at and row.back_ends_at > now():
        found.append(OverrideDraft(row.asker, row.back_starts_at, row.back_ends_at, "swap", kind, by))
    return found


@atomic
def decline(row: CoverRequest, *, by: Person) -> None:
    """Say no to a request that asks oneself alone. Raises Conflict, NotAllowed."""
    if row.asked_id != by.pk:
        raise NotAllowed("Only the one who was asked can say no.")
    _answer(row, State.DECLINED, by)


@atomic
def withdraw(row: CoverRequest, *, by: Person) -> None:
    """Take a request back. Raises Conflict, NotAllowed."""
    if row.asker_id != by.pk and not by.may_configure:
        raise NotAllowed("Only the one who asks can take this back.")
    _answer(row, State.WITHDRAWN, by)


def _answer(row: CoverRequest, state: str, by: Person) -> None:
    at = now()
    waiting = CoverRequest.objects.filter(pk=row.pk, state=State.WAITING)
    if not waiting.update(state=state, answered_at=at, answered_by=by):
        raise Conflict("This request was answered already.")
    payload = events.CoverAnswered(cover_request=row.pk, state=str(state), answered_by=by.pk, answered_at=at)
    timeline.append(payload, actor=by, about=[row.schedule, row, row.asker, "oncall"])
    if by.pk != row.asker_id:
        _tell(row, row.asker, f"{by.name} {'takes' if state == State.TAKEN else 'can not take'} your shift")


def _tell(row: CoverRequest, person: Person, subject: str) -> None:
    lines = [
        f"{subject}.",
        "",
        f"{row.starts_at:%a %d %b %H:%M} to {row.ends_at:%a %d %b %H:%M} UTC, {row.schedule.name}",
    ]
    if row.back_starts_at and row.back_ends_at:
        lines.append(f"In return: {row.back_starts_at:%a %d %b %H:%M} to {row.back_ends_at:%a %d %b %H:%M} UTC")
    if row.reason:
        lines.append(f"Why: {row.reason}")
    tell(person, subject, "\n".join(lines), about=row, path=f"/on-call/{row.schedule.slug}/")


def waiting(schedule: Schedule) -> list[CoverRequest]:
    """Return the requests of a schedule that nobody answered and that are not over."""
    rows = CoverRequest.objects.filter(schedule=schedule, state=State.WAITING, ends_at__gt=now())
    return list(rows.select_related("asker", "asked", "schedule").order_by("starts_at", "pk"))


def find(slug: str, pk: int) -> CoverRequest:
    """Return a request of a schedule. Raises NotFound."""
    row = CoverRequest.objects.select_related("schedule", "asker", "asked").filter(pk=pk, schedule__slug=slug).first()
    if row is None:
        raise NotFound("There is no such request.")
    return row

"""Whose time an override moves: who has to say why, and who hears of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.oncall import queries, resolve
from raglan.oncall.drafts import OverrideDraft
from raglan.oncall.models import Override, Schedule
from raglan.oncall.notices import tell
from raglan.people.models import Person

LISTED = 10
AHEAD = timedelta(days=90)  # so far ahead those hear of it whose turns move
WHY = "say why, since it is the time of others"
Times = list[tuple[datetime, datetime]]


def check_acting(draft: OverrideDraft, by: Person | None) -> None:
    """Raise BadInput when somebody gives time to others, or takes them out, without a word on why.

    Whoever takes a time themselves needs none. A program always acts for others.
    """
    if draft.person != by and not draft.reason.strip():
        raise BadInput("reason", WHY)


def check_cancelling(override: Override, by: Person | None, reason: str) -> None:
    """Raise BadInput when it gives time to others, or takes theirs, without a word on why.

    Whoever gets the time back themselves needs none, nor does whoever ends what moves nobody else.
    """
    if reason.strip():
        return
    moved = moved_by_cancelling(override)
    own = by.pk if by else None
    come, go = coming(moved), going(moved)
    if come.keys() - {own} or (go.keys() - {own} and own not in come):
        raise BadInput("reason", WHY)


def moved_by(override: Override) -> list[resolve.Change]:
    """Return what a stored override changes from its start to its end."""
    return _changes(override, override.starts_at)[0]


def moved_by_cancelling(override: Override) -> list[resolve.Change]:
    """Return what would change from now on without an override; nothing when it is over or was cancelled."""
    if override.cancelled_at is not None:
        return []
    return _changes(override, max(override.starts_at, now()))[1]


def _changes(override: Override, start: datetime) -> tuple[list[resolve.Change], list[resolve.Change]]:
    if start >= override.ends_at:
        return [], []
    there = queries.load(queries.schedule(override.schedule.slug, since=start))
    gone = replace(there, overrides=tuple(item for item in there.overrides if item.id != override.pk))
    end = override.ends_at
    return resolve.changes(gone, there, start, end), resolve.changes(there, gone, start, end)


def standing(schedule: Schedule) -> resolve.Schedule:
    """Return a schedule as it decides now and later."""
    return queries.load(queries.schedule(schedule.slug, since=now()))


def tell_of_turns(
    schedule: Schedule, before: resolve.Schedule, since: datetime | None, *, actor: timeline.Subject, why: str
) -> None:
    """Write to everybody whose time moves within three months, since the turns of a layer are others from then on."""
    start = max(now(), since) if since else now()
    moved = resolve.changes(before, standing(schedule), start, start + AHEAD)
    tell_those_moved(schedule, moved, by=_person(actor), reason=why)


def _person(actor: timeline.Subject) -> Person | None:
    kind, _, key = timeline.ref(actor).partition(":")
    return Person.objects.filter(pk=int(key)).first() if kind == "person" else None


def coming(moved: Sequence[resolve.Change]) -> dict[int, Times]:
    """Return who gets time, and when."""
    return _times(moved, lambda item: [pk for pk in item.after if pk not in item.before])


def going(moved: Sequence[resolve.Change]) -> dict[int, Times]:
    """Return who loses time, and when."""
    return _times(moved, lambda item: [pk for pk in item.before if pk not in item.after])


def _times(moved: Sequence[resolve.Change], who: Callable[[resolve.Change], list[int]]) -> dict[int, Times]:
    found: dict[int, Times] = {}
    for item in moved:
        for pk in who(item):
            times = found.setdefault(pk, [])
            if times and times[-1][1] == item.starts_at:
                times[-1] = (times[-1][0], item.ends_at)
            else:
                times.append((item.starts_at, item.ends_at))
    return found


def tell_those_moved(
    schedule: Schedule,
    moved: Sequence[resolve.Change],
    *,
    by: Person | None,
    reason: str | Callable[[Times], str],
    stands_in: Person | None = None,
    known: Sequence[Person] = (),
) -> None:
    """Write to everybody whose time moves, but for whoever moved it. `stands_in` is who takes a time of others.

    Those who have it from another mail of the same moment are `known`. `reason` is one for all, or gives the one for
    somebody's times.
    """
    come, go = coming(moved), going(moved)
    people = Person.objects.filter(is_active=True).in_bulk({*come, *go})
    who = by.name if by else "raglan"
    lost = f"{stands_in.name} stands in for you" if stands_in else "you are not on call"
    news = [(pk, "you are on call", times) for pk, times in come.items()]
    news += [(pk, lost, times) for pk, times in go.items()]
    for pk, what, times in news:
        person = people.get(pk)
        if person is None or person == by or person in known:
            continue
        is_said = stands_in is not None and stands_in == by and what == lost
        subject = f"{schedule.name}: {what}" + ("" if is_said else f", by {who}")
        text = _text(what, times, reason if isinstance(reason, str) else reason(times))
        tell(person, subject, text, about=schedule, path=f"/on-call/{schedule.slug}/")


def _text(what: str, times: Times, reason: str) -> str:
    said = [f"{start:%a %d %b %H:%M} to {end:%a %d %b %H:%M} UTC" for start, end in times]
    what = what[:1].upper() + what[1:]
    if len(said) == 1:
        text = f"{what}, {said[0]}."
    else:
        more = [f"- and {len(said) - LISTED} more"] if len(said) > LISTED else []
        text = "\n".join([f"{what} at these times:", *(f"- {one}" for one in said[:LISTED]), *more])
    return text + (f"\nWhy: {reason}" if reason else "")

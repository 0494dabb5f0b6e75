"""What on call looks out for by itself: gaps and clashes with leave in the coming two weeks, shifts that come and go.

A standing timer looks every ten minutes. Each notice is kept, so that it is given once whoever looks and how often.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.models import Timer
from raglan.oncall import events, handover, leaves, queries, resolve, sources
from raglan.oncall.feeds import BEHIND, Span, spans
from raglan.oncall.models import CalendarSource, HandoverNote, LeaveCalendar, Notice, Rotation, Schedule
from raglan.oncall.notices import tell, tell_owners
from raglan.oncall.ports import handover_lines
from raglan.people.middleware import zone_of
from raglan.people.models import Person

WATCH = "oncall.watch"
EVERY = timedelta(minutes=10)
AHEAD = timedelta(days=14)
BEFORE = timedelta(hours=24)
LATE = timedelta(hours=1)  # a notice that is later than this says nothing new
LEAVING = timedelta(hours=2)  # so long before the end of a shift is time to write a note
SHORTEST = timedelta(hours=4)  # whoever changes more often knows without mail
NEAR = timedelta(days=2)
AGAIN = timedelta(days=7)
LONG = timedelta(days=3)  # of a gap that is longer already, the owners hear every day
GROWN = timedelta(hours=1)  # of a gap that ends so much later than was told, the owners hear again
SEEN = resolve.HORIZON - LONG  # a gap that goes on for so long has no end that is planned
NO_END = datetime(2200, 1, 1, tzinfo=UTC)
LISTED = 10
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # the beginning of a shift that is older than what is looked at


@dataclass(frozen=True, slots=True)
class Told:
    """One notice that is due."""

    kind: str
    span: Span

    @property
    def about_at(self) -> datetime:
        """The end of the shift that it tells of, by which it is kept, else the beginning.

        The beginning of a shift of months lies before what is looked at, where it would move with the clock.
        """
        ends = self.kind in (Notice.Kind.HANDOVER, Notice.Kind.ENDS)
        return self.span.ends_at if ends else self.span.starts_at


def _go_on(_: timers.Due, __: str) -> None:
    """Look again later, although one look was set aside: a watch that stops is worse than one that stumbles."""
    timers.schedule(WATCH, subject="oncall", due_at=now() + EVERY)


@timers.handler(WATCH, on_parked=_go_on)
def look(_: timers.Due) -> None:
    """Look at every schedule, and plan the next look."""
    at = now()
    for row, pure in queries.load_all(queries.schedules(at - BEHIND - timedelta(days=1))):
        _tell_of_gaps(row, pure, at)
        _tell_of_leave(row, pure, at)
        _tell_of_shifts(row, pure, at)
    _stand_calendars(at)
    timers.schedule(WATCH, subject="oncall", due_at=at + EVERY)


def _tell_of_gaps(row: Schedule, pure: resolve.Schedule, at: datetime) -> None:
    """Tell the owners of gaps that are new or became longer: at once of those that are near, else once a week."""
    if not pure.rotations and not pure.booked and not _was_filled(row):
        return
    since = at - LONG
    pieces = resolve.coming(pure, since, at + AHEAD)
    gaps = [piece for piece in pieces if isinstance(piece, resolve.Gap) and piece.ends_at > at]
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    keyed = {gap.starts_at if gap.starts_at > since else today: gap for gap in gaps}
    rows = Notice.objects.filter(schedule=row, kind=Notice.Kind.GAP)
    told = {notice.about_at: notice for notice in rows.filter(about_at__gte=since - LONG)}
    for key in keyed.keys() & told.keys():
        _adopt(told[key], _until(keyed[key], at))
    new = {key: gap for key, gap in keyed.items() if key not in told or _has_grown(told[key], gap, at)}
    last = rows.order_by("-told_at", "-pk").first()
    is_due = last is None or at - last.told_at >= AGAIN or any(key < at + NEAR for key in new)
    if not new or not is_due:
        return
    for key, gap in new.items():
        give_notice(row, Notice.Kind.GAP, key, None, until=_until(gap, at))
    lines = [f"- {_when(gap, at)}" for gap in list(new.values())[:LISTED]]
    more = [f"- and {len(new) - LISTED} more"] if len(new) > LISTED else []
    text = "\n".join([f"Nobody is on call for {row.name} at these times (UTC):", "", *lines, *more])
    tell_owners(row, f"{row.name}: nobody is on call at times in the next two weeks", text)


def _was_filled(row: Schedule) -> bool:
    """Say whether a schedule without turns ever had some; one that was only just made is no gap."""
    if Rotation.objects.filter(schedule=row).exists():
        return True
    return CalendarSource.objects.filter(schedule=row, read_at__isnull=False).exists()


def _until(gap: resolve.Gap, at: datetime) -> datetime:
    """Return the end of a gap; one without end has an end that does not move with the clock."""
    return gap.ends_at if gap.ends_at < at + SEEN else NO_END


def _adopt(notice: Notice, until: datetime) -> None:
    """Keep the end of a gap that was told before ends were kept, so that the owners hear when it grows."""
    if notice.until is None and Notice.objects.filter(pk=notice.pk, until=None).update(until=until):
        notice.until = until
        _record(notice)


def _has_grown(told: Notice, gap: resolve.Gap, at: datetime) -> bool:
    return told.until is not None and _until(gap, at) - told.until >= GROWN


def _when(gap: resolve.Gap, at: datetime) -> str:
    start = "now" if gap.starts_at <= at else f"{gap.starts_at:%a %d %b %H:%M}"
    has_end = gap.ends_at < at + SEEN
    return f"{start} to {gap.ends_at:%a %d %b %H:%M}" if has_end else f"{start}, and no end is planned"


def _tell_of_leave(row: Schedule, pure: resolve.Schedule, at: datetime) -> None:
    """Tell people and the owners once of each shift in the next two weeks that falls into somebody's leave."""
    turns: dict[int, list[tuple[datetime, datetime]]] = {}
    for span in spans(pure, at, at + AHEAD, by_words=False):
        begins = span.starts_at if span.starts_at > at - BEHIND else LONG_AGO
        turns.setdefault(span.person, []).append((begins, span.ends_at))
    new: list[leaves.Clash] = []
    for person, times in leaves.away(turns).items():
        found = leaves.clashes_of(person, turns[person.pk], times)
        unknown = [clash for clash in found if not _was_told(row, clash, at)]
        own = [clash for clash in unknown if give_notice(row, Notice.Kind.AWAY, clash.starts_at, person.pk)]
        new += own
        if own:
            tell(
                person,
                f"{row.name}: you are away during a shift of yours",
                _own_leave(row, own),
                about=row,
                path=f"/on-call/{row.slug}/ask/",
            )
    if new:
        lines = [f"- {clash.person.name}, {_times(clash)}" for clash in new[:LISTED]]
        text = [f"These people are away during a shift of {row.name} (UTC). Nobody was moved:", "", *lines]
        tell_owners(row, f"{row.name}: somebody is away during a shift", "\n".join(text))


def _was_told(row: Schedule, clash: leaves.Clash, at: datetime) -> bool:
    """Say whether somebody was told of a clash by the beginning of a shift that is older now than what is looked at."""
    times = (clash.starts_at, at - BEHIND)
    if times[0] > times[1]:
        return False
    told = Notice.objects.filter(schedule=row, kind=Notice.Kind.AWAY, person=clash.person)
    return told.filter(about_at__range=times).exists()


def _own_leave(row: Schedule, found: list[leaves.Clash]) -> str:
    lines = [f"- {_times(clash)}" for clash in found[:LISTED]]
    head = [
        f"You are away and have the pager of {row.name} at these times (UTC).",
        "They stay yours until you find cover.",
    ]
    return "\n".join([*head, "", *lines, "", "Find cover:"])


def _times(clash: leaves.Clash) -> str:
    return f"{clash.starts_at:%a %d %b %H:%M} to {clash.ends_at:%a %d %b %H:%M}"


def _tell_of_shifts(row: Schedule, pure: resolve.Schedule, at: datetime) -> None:
    """Tell people of their shifts: a day before, when one begins, before it ends, and when it is over."""
    found = spans(pure, at - LATE, at + BEFORE + LATE + SHORTEST, by_words=False)
    due = [told for told in _due(found, at) if give_notice(row, told.kind, told.about_at, told.span.person)]
    people = Person.objects.filter(is_active=True).in_bulk([told.span.person for told in due])
    came = {told.span.person for told in due if told.kind == Notice.Kind.BEGINS} & people.keys()
    notes = handover.waiting(row, came) if came else []
    for told in due:
        person = people.get(told.span.person)
        if person is not None:
            _write(row, pure, told, person, notes)
    if notes:
        handover.give(row, notes, came)


def _due(found: Iterable[Span], at: datetime) -> Iterable[Told]:
    for span in found:
        begins, ends = span.starts_at, span.ends_at
        if ends - begins < SHORTEST:
            continue
        if begins - BEFORE <= at < begins - BEFORE + LATE:
            yield Told(Notice.Kind.BEFORE, span)
        if begins <= at < begins + LATE:
            yield Told(Notice.Kind.BEGINS, span)
        if ends - LEAVING <= at < ends - LEAVING + LATE:
            yield Told(Notice.Kind.HANDOVER, span)
        if ends <= at < ends + LATE:
            yield Told(Notice.Kind.ENDS, span)


def give_notice(
    row: Schedule, kind: str, about_at: datetime, person: int | None, *, until: datetime | None = None
) -> bool:
    """Keep that a notice is given; say whether it was not before. A gap that ends later is another one."""
    at = now()
    fields = {"schedule": row, "kind": kind, "about_at": about_at, "person_id": person}
    notice, is_new = Notice.objects.get_or_create(**fields, defaults={"told_at": at, "until": until})
    if not is_new and until is not None and notice.until is not None and notice.until < until:
        longer = Notice.objects.filter(pk=notice.pk, until__lt=until)
        is_new = bool(longer.update(told_at=at, until=until))
        notice.told_at, notice.until = at, until
    if is_new:
        _record(notice)
    return is_new


def _record(notice: Notice) -> None:
    payload = events.NoticeGiven(
        notice=notice.pk,
        schedule=notice.schedule_id,
        does=str(notice.kind),
        about_at=notice.about_at,
        person=notice.person_id,
        told_at=notice.told_at,
        until=notice.until,
    )
    person = [f"person:{notice.person_id}"] if notice.person_id else []
    timeline.append(payload, about=[notice.schedule, *person])


def _write(row: Schedule, pure: resolve.Schedule, told: Told, person: Person, notes: Iterable[HandoverNote]) -> None:
    zone = zone_of(person)
    start, end = (at.astimezone(zone).strftime("%a %d %b %H:%M") for at in (told.span.starts_at, told.span.ends_at))
    path = f"/on-call/{row.slug}/"
    match told.kind:
        case Notice.Kind.BEFORE:
            text = f"Your shift for {row.name} begins {start} ({zone.key}) and ends {end}."
            tell(person, f"{row.name}: your shift begins {start}", text, about=row, path=path)
        case Notice.Kind.BEGINS:
            lines = [f"You are on call for {row.name} until {end} ({zone.key}).", *_noted(notes), *_handover(row)]
            tell(person, f"{row.name}: you are on call now", "\n".join(lines), about=row, path=path)
        case Notice.Kind.HANDOVER:
            text = f"Your shift for {row.name} ends {end} ({zone.key}). What should the next one know?"
            tell(person, f"{row.name}: your shift ends {end}", text, about=row, path=f"{path}handover/")
        case _:
            after = queries.people_named(resolve.who_is_on_call(pure, told.span.ends_at).people)
            who = " and ".join(after) or "nobody"
            text = f"Your shift for {row.name} is over. On call now: {who}."
            tell(person, f"{row.name}: your shift is over", text, about=row, path=path)


def _noted(notes: Iterable[HandoverNote]) -> list[str]:
    return [line for note in notes for line in ("", f"{note.author.name} writes:", note.text)]


def _handover(row: Schedule) -> list[str]:
    lines = handover_lines(row)
    return ["", "What is open now:", *(f"- {line}" for line in lines)] if lines else []


def _stand_calendars(at: datetime) -> None:
    """See to it that each calendar is read again, also when a reading was set aside."""
    filling = CalendarSource.objects.filter(ended_at__isnull=True)
    of_leave = LeaveCalendar.objects.filter(ended_at__isnull=True, person__is_active=True)
    _stand(sources.READ, {timeline.ref(row) for row in filling}, at)
    _stand(leaves.READ, {timeline.ref(row) for row in of_leave}, at)


def _stand(kind: str, live: set[str], at: datetime) -> None:
    planned = Timer.objects.filter(kind=kind, parked_at__isnull=True, subject__in=live)
    for subject in sorted(live - set(planned.values_list("subject", flat=True))):
        timers.schedule(kind, subject=subject, due_at=at)

"""Planned freezes: each gives the gate its next hold ahead of time, so that it begins with raglan down, too."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.changes import events, unbroken
from raglan.changes.gate import EVERYTHING, Reach
from raglan.changes.hold_models import Freeze, Hold
from raglan.changes.holding import (
    END,
    MOST_NAME,
    MOST_REASON,
    By,
    HoldDraft,
    about,
    check_line,
    check_reach,
    put,
    when_over,
)
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict

AGAIN = "changes.next_freeze"
LATER = timedelta(minutes=10)
LONGEST_MIN = 21 * 24 * 60
DAY = timedelta(days=1)
AHEAD = 400
LONGEST = timedelta(minutes=LONGEST_MIN)
GAP = unbroken.GAP
YEARS = range(2000, 2101)


@dataclass(frozen=True, slots=True)
class FreezeDraft:
    """A freeze as somebody wrote it: wall time in a zone, once or on some days of each week."""

    name: str
    reason: str
    zone: str
    first: date
    start: time
    minutes: int
    reach: Reach = EVERYTHING
    days: Sequence[int] = ()
    last: date | None = None


@atomic
def plan_freeze(draft: FreezeDraft, *, by: By, anyway: bool = False) -> Freeze:
    """Plan a time without changes. Raises BadInput, and Conflict when its first hold has the name of another.

    One that makes hosts wait for too long without a break, with others before and after it, is planned only `anyway`.
    """
    check_freeze(draft)
    freeze = Freeze(
        name=draft.name.strip(),
        reason=draft.reason.strip(),
        zone=draft.zone,
        first=draft.first,
        start=draft.start.replace(second=0, microsecond=0),
        minutes=draft.minutes,
        days=sorted(set(draft.days)),
        last=draft.last,
        who=by.who[:200],
        person=by.person,
        created_at=now(),
        **{kind: list(names) for kind, names in asdict(draft.reach).items()},
    )
    _check_end(freeze)
    if not anyway:
        _check_others(freeze)
    freeze.save()
    timeline.append(_planned(freeze), actor=by.actor, about=[freeze, "holds"])
    if raise_next(freeze, after=now()) is None:
        raise BadInput("first", "this is over already", status=422)
    return freeze


@atomic
def end_freeze(freeze: Freeze, *, by: By) -> None:
    """Let a freeze not come again. A hold of it that is on stays until it is lifted; one to come goes. Safe twice."""
    at = now()
    if not Freeze.objects.filter(pk=freeze.pk, ended_at__isnull=True).update(ended_at=at):
        return
    timeline.append(events.FreezeEnded(freeze=freeze.pk, ended_at=at), actor=by.actor, about=[freeze, "holds"])
    for hold in Hold.objects.filter(freeze=freeze, ended_at__isnull=True, starts_at__gt=at).order_by("pk"):
        hold.ended_at, hold.lifted_by, hold.lift_word = at, by.who[:200], "the freeze was taken back"
        hold.version += 1
        hold.save(update_fields=["ended_at", "lifted_by", "lift_word", "version"])
        facts = {name: getattr(hold, name) for name in ("lifted_by", "lift_word", "version")}
        told = events.HoldLifted(hold=hold.pk, ended_at=at, **facts)
        timeline.append(told, actor=by.actor, about=about(hold))
        timers.cancel(END, subject=timeline.ref(hold))
    timers.cancel(AGAIN, subject=timeline.ref(freeze))


def raise_next(freeze: Freeze, *, after: datetime) -> Hold | None:
    """Give the gate the next hold of a freeze, the first that ends after a time. Raises Conflict.

    One of old that would never let go is over instead, once it has stood for as long as one may that is planned now.
    """
    if _never_lets_go(freeze) and after - _began(freeze) >= LONGEST:
        end_freeze(freeze, by=By("raglan", timeline.SYSTEM))
        return None
    window = next(windows(freeze, after), None)
    if window is None:
        return None
    starts_at, ends_at = window
    draft = HoldDraft(freeze.name, freeze.reason, ends_at, freeze.reach, starts_at)
    return put(draft, by=By(freeze.who, "raglan", freeze.person), freeze=freeze.pk)


def _follow(hold: Hold) -> None:
    """After a hold of a freeze the next one is planned, strictly after it."""
    if hold.freeze_id is None:
        return
    freeze = Freeze.objects.filter(pk=hold.freeze_id, ended_at__isnull=True).first()
    if freeze is not None:
        _raise_or_wait(freeze, hold.ends_at)


def _raise_or_wait(freeze: Freeze, after: datetime) -> None:
    """Where somebody gave another hold its name meanwhile, look again later."""
    try:
        raise_next(freeze, after=after)
    except Conflict:
        payload: dict[str, object] = {"after": after.isoformat()}
        timers.schedule(AGAIN, subject=timeline.ref(freeze), due_at=now() + LATER, payload=payload)


@timers.handler(AGAIN)
def again(due: timers.Due) -> None:
    """The name may be free by now."""
    freeze = Freeze.objects.filter(pk=due.subject_id, ended_at__isnull=True).first()
    if freeze is not None:
        _raise_or_wait(freeze, max(now(), datetime.fromisoformat(str(due.payload["after"]))))


when_over(_follow)


def windows(freeze: Freeze, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield beginnings and ends of those that end after a time, in order.

    One that begins in an hour that a change of clocks skips begins as much later; in a doubled hour, the first time.
    """
    zone, length = ZoneInfo(freeze.zone), timedelta(minutes=freeze.minutes)
    day = max(freeze.first, after.astimezone(zone).date() - length // DAY * DAY - 2 * DAY)
    for number in range(AHEAD + length // DAY + 3):
        begins_on = day + number * DAY
        if not _is_on(freeze, begins_on):
            continue
        begins = datetime.combine(begins_on, freeze.start, zone).astimezone(UTC)
        if begins + length > after:
            yield begins, begins + length


def _is_on(freeze: Freeze, day: date) -> bool:
    if day < freeze.first or (freeze.last is not None and day > freeze.last):
        return False
    return day.weekday() in freeze.days if freeze.days else day == freeze.first


def check_freeze(draft: FreezeDraft) -> None:
    """Raise BadInput when a freeze can not be planned as it is written."""
    check_line("name", draft.name, MOST_NAME)
    check_line("reason", draft.reason, MOST_REASON)
    check_reach(draft.reach)
    try:
        ZoneInfo(draft.zone)
    except (ValueError, OSError, LookupError):
        raise BadInput("zone", "name a time zone such as Europe/Berlin", status=422) from None
    if not 1 <= draft.minutes <= LONGEST_MIN:
        raise BadInput("minutes", "must be from 1 minute to 21 days", status=422)
    if any(day not in range(7) for day in draft.days):
        raise BadInput("days", "days are 0 for Monday to 6 for Sunday", status=422)
    for name, day in (("first", draft.first), ("last", draft.last)):
        if day is not None and day.year not in YEARS:
            raise BadInput(name, "choose a day in this century", status=422)
    if draft.last is not None and draft.last < draft.first:
        raise BadInput("last", "must not be before the first day", status=422)


def _check_end(freeze: Freeze) -> None:
    """Raise BadInput for one that would let nothing through for more than 21 days."""
    if not _never_lets_go(freeze):
        return
    last = freeze.last
    if last is None or (last - freeze.first) + timedelta(minutes=freeze.minutes) > LONGEST:
        words = "its times follow each other with less than 4 hours between them, for more than 21 days"
        raise BadInput("last", f"{words}: give an earlier last day, fewer days or a shorter time", status=422)


def _check_others(freeze: Freeze) -> None:
    """Raise BadInput for one that, with others before and after it, would let nothing through for too long."""
    first = next((begins for begins, _ in windows(freeze, now())), None)
    if first is None:
        return
    at = max(first, now())  # it may be planned long ahead
    mine = unbroken.of_freeze(freeze, windows(freeze, now()), after=first, at=at)
    found = unbroken.look([*spans(at), *mine], first=[freeze.reach]).stretches
    adds = [one for one in found if one.is_too_long and not set(mine).isdisjoint(one.spans)]
    for one in unbroken.known(adds):
        zone = ZoneInfo(freeze.zone)
        begin, end = (moment.astimezone(zone) for moment in (one.starts_at, one.ends_at))
        words = (
            f"with {one.names}, {one.hosts} would wait from {begin:%d %b %H:%M} to {end:%d %b %H:%M}, {one.days} days"
        )
        raise BadInput("anyway", f"{words} without a break of four hours: is that meant?", status=422)


def spans(at: datetime) -> list[unbroken.Span]:
    """Return what has stopped, stops and will stop hosts around a time: holds, and freezes with their later times."""
    found = unbroken.spans(at)
    for freeze in Freeze.objects.filter(ended_at__isnull=True).order_by("pk"):
        last = Hold.objects.filter(freeze=freeze).order_by("-ends_at").values_list("ends_at", flat=True).first()
        over, after = ends_for_good_at(freeze, at=at), last or at
        times = ((start, end) for start, end in windows(freeze, after) if over is None or end <= over)
        found += unbroken.of_freeze(freeze, times, after=after, at=at)
    return found


def too_long(at: datetime) -> unbroken.Looked:
    """Return for which hosts holds and freezes that follow each other leave no break for too long, now or to come."""
    around = spans(at)
    found = unbroken.look(around, first=[span.reach for span in around if span.ends_at > at])
    long = unbroken.known(one for one in found.stretches if one.is_too_long and one.ends_at > at)
    return unbroken.Looked(long, found.left_out)


def goes_on_after(hold: Hold, at: datetime) -> unbroken.Stretch | None:
    """Return the time without a break that a hold is part of, where others go on after it; the longest of them."""
    looked = unbroken.look(spans(at), first=[hold.reach])
    found = [one for one in looked.stretches if any(span.hold == hold.pk for span in one.spans)]
    longer = unbroken.known(one for one in found if one.ends_at > hold.ends_at)
    return max(longer, key=lambda one: one.ends_at, default=None)


def _never_lets_go(freeze: Freeze) -> bool:
    """Tell whether the times of a freeze follow each other without a break in which automation would run."""
    days: list[int] = freeze.days
    if not days:
        return False
    longest = max(after - day for day, after in zip(days, [*days[1:], days[0] + 7], strict=True))
    return longest * DAY - timedelta(minutes=freeze.minutes) < GAP


def ends_for_good_at(freeze: Freeze, *, at: datetime) -> datetime | None:
    """Return when raglan will end one of old that would never let go; None for all others."""
    if not _never_lets_go(freeze):
        return None
    due = max(_began(freeze) + LONGEST, at)
    return next((end for _, end in windows(freeze, due - timedelta(microseconds=1))), None)


def _began(freeze: Freeze) -> datetime:
    """Return when the first time of a freeze begins."""
    return datetime.combine(freeze.first, freeze.start, ZoneInfo(freeze.zone)).astimezone(UTC)


def _planned(freeze: Freeze) -> events.FreezePlanned:
    names = (
        *(
            "name",
            "reason",
            "clusters",
            "roles",
            "environments",
            "tags",
            "packages",
            "changes",
            "zone",
            "first",
            "start",
        ),
        *("minutes", "days", "last", "who", "created_at"),
    )
    facts = {name: getattr(freeze, name) for name in names}
    return events.FreezePlanned(freeze=freeze.pk, person=freeze.person_id, **facts)

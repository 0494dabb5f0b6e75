"""Who is on call, found by walking: an evaluator that shares nothing with the product's arithmetic but its input.

It looks at the wall clock step by step; a handoff happens the first time that the clock shows its time or a later one,
and a window opens and closes the first time that the clock shows its ends or passes them. Steps in which no clock is
put back or forward and none shows a time that anything waits for are passed over; that this leaves nothing out is
tested.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from raglan.oncall.resolve import Kind, Override, Rotation, Schedule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
Crew = frozenset[int]
Run = tuple[datetime, datetime, Crew]


class Walker:
    """One rotation while time passes."""

    def __init__(self, rotation: Rotation, at: datetime) -> None:
        self.rotation = rotation
        self.turn = -1
        self.zone = ZoneInfo(rotation.time_zone)
        day = rotation.starts_on
        while not self._may_start_on(day):
            day += DAY
        self.anchor = day
        self.due = datetime.combine(day, rotation.handoff_time)
        self.opens_on = [at.astimezone(self.zone).date() - 2 * DAY for _ in rotation.windows]
        self.closing: list[datetime] = []

    def _counted(self) -> set[int]:
        """Return the weekdays that can begin a turn; none when all can."""
        rotation = self.rotation
        if rotation.weekdays:
            return set(rotation.weekdays)
        if rotation.active_days and rotation.handoff_weekday is None and rotation.length >= DAY and not rotation.months:
            return {day for window in rotation.windows for day in window.weekdays}
        return set()

    def _may_start_on(self, day: date) -> bool:
        if self.rotation.months:
            return True
        if self._counted():
            return day.weekday() in self._counted()
        return self.rotation.handoff_weekday in (None, day.weekday())

    def _after(self, due: datetime) -> datetime:
        """Return the next handoff on the wall clock."""
        if self.rotation.months:
            return self._months_after(due)
        if not self._counted():
            return due + self.rotation.length
        passed = 0
        while passed < (1 if self.rotation.weekdays else self.rotation.length.days):
            due += DAY
            passed += due.weekday() in self._counted()
        return due

    def _months_after(self, due: datetime) -> datetime:
        year, month = due.year, due.month
        for _ in range(self.rotation.months):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        for number in range(self.anchor.day, 0, -1):
            try:
                return due.replace(year=year, month=month, day=number)
            except ValueError:
                continue
        raise AssertionError

    def step(self, at: datetime) -> bool:
        """Pass the turns on that are due; say whether the rotation decides."""
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        while wall >= self.due:
            self.turn += 1
            self.due = self._after(self.due)
        for number, window in enumerate(self.rotation.windows):
            while wall >= datetime.combine(self.opens_on[number], window.starts):
                day = self.opens_on[number]
                if day.weekday() in window.weekdays:
                    ends = datetime.combine(day, window.ends)
                    self.closing.append(ends if window.ends > window.starts else ends + DAY)
                self.opens_on[number] = day + DAY
        self.closing = [ends for ends in self.closing if ends > wall]
        begun = self.rotation.effective_from is None or at >= self.rotation.effective_from
        return begun and self.turn >= 0

    def works(self, at: datetime) -> bool:
        ended = self.rotation.ends_at is not None and at >= self.rotation.ends_at
        return not ended and (bool(self.closing) or not self.rotation.windows)

    def rest(self, at: datetime) -> timedelta:
        """Return for how long the clock shows nothing that is waited for, and nobody puts it back or forward."""
        here = at.astimezone(self.zone)
        opening = zip(self.opens_on, self.rotation.windows, strict=True)
        waited_for = [self.due, *self.closing, *(datetime.combine(day, window.starts) for day, window in opening)]
        length = min(min(waited_for) - here.replace(tzinfo=None), DAY)
        same_clock = (at + length).astimezone(self.zone).utcoffset() == here.utcoffset()
        return length if same_clock else timedelta(0)

    @property
    def group(self) -> tuple[int, ...]:
        one = self.rotation.participants[self.turn % len(self.rotation.participants)]
        return one if isinstance(one, tuple) else (one,)


def people(
    schedule: Schedule, start: datetime, end: datetime, step: timedelta = MINUTE, *, rests: bool = True
) -> Iterator[tuple[datetime, Crew]]:
    """Yield who is on call at `start` and at steps after it, before `end`; without rests at each step."""
    at = min([start - 3 * DAY, *(_midnight(item) for item in schedule.rotations)])
    walkers = [Walker(item, at) for item in sorted(schedule.rotations, key=lambda item: item.id)]
    moments = sorted({start, *_moments(schedule)})
    deciding: dict[int, list[Walker]] = {}
    while at < end:
        for walker in walkers:
            ruling = deciding.setdefault(walker.rotation.layer, [])
            if walker.step(at) and walker not in ruling:
                ruling.append(walker)
        if at >= start:
            yield at, _crew(deciding, schedule, at)
        at += max(step, _rest(walkers, moments, at) // step * step) if rests else step


def _moments(schedule: Schedule) -> Iterator[datetime]:
    """Yield the instants that no clock decides."""
    for item in schedule.rotations:
        yield from (moment for moment in (item.effective_from, item.ends_at) if moment is not None)
    for override in schedule.overrides:
        yield from (override.starts_at, override.ends_at)
    yield from schedule.departed.values()


def _rest(walkers: list[Walker], moments: list[datetime], at: datetime) -> timedelta:
    """Return for how long nothing can change."""
    coming = bisect_right(moments, at)
    until = moments[coming] - at if coming < len(moments) else DAY
    return min([until, *(walker.rest(at) for walker in walkers)])


def _crew(deciding: dict[int, list[Walker]], schedule: Schedule, at: datetime) -> Crew:
    """Return who is on call at an instant.

    Whoever left and of whose time somebody took a part is still there, but for what would seat them themselves.
    """
    covering = sorted((o for o in schedule.overrides if o.starts_at <= at < o.ends_at), key=_order)
    gone = {person for person in schedule.departed if _is_gone(person, schedule, at)}
    has_cover = gone & {o.instead_of for o in covering if o.kind is Kind.REPLACE_ONE}
    nowhere: set[tuple[int, int | None]] = {(person, None) for person in gone - has_cover}
    nowhere |= {(o.person, o.id) for o in covering if o.person in gone - has_cover and o.kind is not Kind.REMOVE}
    while True:
        away = {person for person, by in nowhere if by is None}
        table = Table(_by_layers(deciding, at, away))
        table.after([o for o in covering if (o.person, o.id) not in nowhere])
        still = {(person, by) for person, by in table.by.items() if person in gone}
        if not still:
            return frozenset(table.by)
        nowhere |= still


def _order(override: Override) -> tuple[int, datetime, int]:
    return override.rank, override.created_at, override.id


def _by_layers(deciding: dict[int, list[Walker]], at: datetime, away: set[int]) -> set[int]:
    levels: dict[int, set[int]] = {}
    for ruling in deciding.values():
        if ruling and ruling[-1].works(at):
            here = {person for person in ruling[-1].group if person not in away}
            if here:
                levels.setdefault(ruling[-1].rotation.rank, set()).update(here)
    return levels[max(levels)] if levels else set()


def _midnight(rotation: Rotation) -> datetime:
    """Return an instant, early enough to begin to walk from."""
    return datetime.combine(rotation.starts_on, rotation.handoff_time, UTC) - timedelta(days=2)


def _is_gone(person: int, schedule: Schedule, at: datetime) -> bool:
    return person in schedule.departed and schedule.departed[person] <= at


class Table:
    """Who sits, for whom, who sat there before, and by which override; None for a turn of one's own."""

    def __init__(self, crew: set[int]) -> None:
        self.stands_for: dict[int, set[int]] = {person: set() for person in crew}
        self.before: dict[int, set[int]] = {person: set() for person in crew}
        self.by: dict[int, int | None] = dict.fromkeys(crew)

    def after(self, overrides: Sequence[Override]) -> None:
        for item in overrides:
            getattr(self, item.kind.value)(item)

    def _sit(self, person: int, stands_for: set[int], before: set[int], by: int | None) -> None:
        if person not in self.stands_for:
            self.stands_for[person], self.before[person], self.by[person] = stands_for, before, by

    def replace_everybody(self, item: Override) -> None:
        if set(self.stands_for) == {item.person}:
            return
        others = set(self.stands_for) - {item.person}
        self.stands_for, self.before, self.by = {item.person: others}, {item.person: set()}, {item.person: item.id}

    def add(self, item: Override) -> None:
        self._sit(item.person, set(), set(), item.id)

    def remove(self, item: Override) -> None:
        for known in (self.stands_for, self.before, self.by):
            known.pop(item.person, None)

    def replace_one(self, item: Override) -> None:
        gone = item.instead_of
        if gone is None or gone == item.person:
            return
        if gone in self.stands_for:
            leaving = [gone]
        else:
            leaving = [p for p in self.stands_for if gone in self.before[p] or gone in self.stands_for[p]]
        for person in leaving:
            self._give_up(person, gone, item)

    def _give_up(self, person: int, gone: int, item: Override) -> None:
        """Let somebody come for all or a part of what one stands for; who comes and sits already keeps their seat."""
        stands_for, before, by = self.stands_for.pop(person), self.before.pop(person), self.by.pop(person)
        if person == gone or gone in before:
            self._sit(item.person, stands_for or {person}, before | {person}, item.id)
            return
        if stands_for - {gone}:
            self._sit(person, stands_for - {gone}, before, by)
        self._sit(item.person, {gone}, before | {person}, item.id)


def runs(
    schedule: Schedule, start: datetime, end: datetime, step: timedelta = MINUTE, *, rests: bool = True
) -> list[Run]:
    """Return the times with the same people, in order."""
    found: list[tuple[datetime, Crew]] = []
    for at, crew in people(schedule, start, end, step, rests=rests):
        if not found or found[-1][1] != crew:
            found.append((at, crew))
    ends = [at for at, _ in found[1:]] + [start + -((start - end) // step) * step]
    return [(at, until, crew) for (at, crew), until in zip(found, ends, strict=True)]

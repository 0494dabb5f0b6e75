"""Who is on call, found by walking: an evaluator that shares nothing with the product's arithmetic but its input.

It looks at the wall clock step by step; a handoff happens the first time that the clock shows its time or a later one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from raglan.oncall.resolve import Override, Rotation, Schedule

MINUTE = timedelta(minutes=1)
Run = tuple[datetime, datetime, int | None]


class Walker:
    """One rotation while time passes."""

    def __init__(self, rotation: Rotation) -> None:
        self.rotation = rotation
        self.turn = -1
        self.zone = ZoneInfo(rotation.time_zone)
        day = rotation.starts_on
        while rotation.handoff_weekday not in (None, day.weekday()):
            day += timedelta(days=1)
        self.due = datetime.combine(day, rotation.handoff_time)

    def step(self, at: datetime) -> bool:
        """Pass the turns on that are due; say whether the rotation decides."""
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        while wall >= self.due:
            self.turn += 1
            self.due += self.rotation.length
        begun = self.rotation.effective_from is None or at >= self.rotation.effective_from
        return begun and self.turn >= 0

    @property
    def person(self) -> int:
        return self.rotation.participants[self.turn % len(self.rotation.participants)]


def people(schedule: Schedule, start: datetime, end: datetime, step: timedelta = MINUTE) -> Iterator[int | None]:
    """Yield who is on call at `start` and each step after it, before `end`."""
    walkers = [Walker(item) for item in sorted(schedule.rotations, key=lambda item: item.id)]
    deciding: list[Walker] = []
    at = min([start, *(_midnight(item) for item in schedule.rotations)])
    while at < end:
        begun = [walker for walker in walkers if walker.step(at) and walker not in deciding]
        deciding.extend(begun)
        if at >= start:
            person = _not_gone(deciding[-1].person, schedule, at) if deciding else None
            yield _taken(schedule.overrides, schedule, at) or person
        at += step


def _midnight(rotation: Rotation) -> datetime:
    """Return an instant, early enough to begin to walk from."""
    return datetime.combine(rotation.starts_on, rotation.handoff_time, UTC) - timedelta(days=2)


def _not_gone(person: int | None, schedule: Schedule, at: datetime) -> int | None:
    gone = person is not None and person in schedule.departed and schedule.departed[person] <= at
    return None if gone else person


def _taken(overrides: Sequence[Override], schedule: Schedule, at: datetime) -> int | None:
    covering = [o for o in overrides if o.starts_at <= at < o.ends_at and _not_gone(o.person, schedule, at)]
    return max(covering, key=lambda o: (o.created_at, o.id)).person if covering else None


def runs(schedule: Schedule, start: datetime, end: datetime, step: timedelta = MINUTE) -> list[Run]:
    """Return the times with the same person, in order."""
    found: list[Run] = []
    at = start
    for person in people(schedule, start, end, step):
        if found and found[-1][2] == person:
            found[-1] = (found[-1][0], at + step, person)
        else:
            found.append((at, at + step, person))
        at += step
    return found

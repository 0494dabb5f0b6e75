"""Business hours in a named zone: the pure part of *low urgency waits for daylight*."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.core import zones
from raglan.core.errors import BadInput
from raglan.oncall.wall import first_instant

WEEK = 7
WORKDAYS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Hours:
    """Wall-clock times of some weekdays (Monday is 0) in a zone. `until` midnight is the end of the day."""

    zone: str
    days: tuple[int, ...] = WORKDAYS
    since: time = time(9)
    until: time = time(17)

    def as_json(self) -> dict[str, object]:
        """Return what is stored."""
        return {
            "zone": self.zone,
            "days": list(self.days),
            "since": f"{self.since:%H:%M}",
            "until": f"{self.until:%H:%M}",
        }

    @classmethod
    def from_json(cls, value: object) -> "Hours | None":
        """Read what is stored; nothing stored is no hours."""
        if not isinstance(value, Mapping) or not value.get("zone"):
            return None
        days: Sequence[int] = value["days"]
        return cls(
            str(value["zone"]),
            tuple(int(day) for day in days),
            time.fromisoformat(str(value["since"])),
            time.fromisoformat(str(value["until"])),
        )

    def check(self, field: str = "hours") -> None:
        """Raise BadInput when no instant could ever be inside."""
        if self.zone not in zones.names():
            raise BadInput(f"{field}.zone", "is not a time zone such as Europe/Berlin")
        if not self.days or any(day not in range(WEEK) for day in self.days):
            raise BadInput(f"{field}.days", "name at least one weekday; Monday is 0")
        if self.until != time(0) and self.until <= self.since:
            raise BadInput(f"{field}.until", "must be later than the beginning")

    def opens(self, at: datetime) -> datetime:
        """Return the first instant from `at` on that is inside: `at` itself when it is."""
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        for number in range(WEEK + 2):
            day = today + timedelta(days=number)
            if day.weekday() not in self.days:
                continue
            end_day = day if self.until != time(0) else day + timedelta(days=1)
            start = first_instant(datetime.combine(day, self.since), zone)
            end = first_instant(datetime.combine(end_day, self.until), zone)
            if at < end:
                return max(at, start)
        return at

    def is_open(self, at: datetime) -> bool:
        """Say whether an instant is inside."""
        return self.opens(at) == at

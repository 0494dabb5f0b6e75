"""The stage that answers: was this disturbance planned. Windows follow the wall clock of a named zone.

A window that begins in a missing hour begins at the first instant after it; one in a doubled hour begins once, at the
first of the two. Its length is time that passes, whatever clocks do meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.alerts.pipeline.route import Matcher
from raglan.core.decisions import Decision
from raglan.oncall.wall import first_instant

STAGE = "maintain"
DAY = timedelta(days=1)
AHEAD = 400


@dataclass(frozen=True, slots=True)
class MaintenanceRule:
    """A maintenance window as the pipeline sees it: once on its first day, or on some days of each week."""

    id: int
    version: int
    name: str
    matchers: tuple[Matcher, ...]
    zone: str
    first: date
    start: time
    length: timedelta
    days: frozenset[int]
    last: date | None
    who: str

    @property
    def ref(self) -> str:
        """The name under which alerts keep what holds them."""
        return f"maintenance:{self.id}"

    @property
    def rule(self) -> str:
        """Name and version, for the decision."""
        return f"maintenance {self.id}, version {self.version}"

    def is_on(self, day: date) -> bool:
        """Tell whether it begins on a day of its zone's calendar."""
        if day < self.first or (self.last is not None and day > self.last):
            return False
        return day.weekday() in self.days if self.days else day == self.first

    def windows(self, since: datetime, days: int = AHEAD) -> Iterator[tuple[datetime, datetime]]:
        """Yield beginnings and ends, of those that are not over at a time, in order."""
        zone = ZoneInfo(self.zone)
        day = max(self.first, since.astimezone(zone).date() - self.length // DAY * DAY - 2 * DAY)
        for number in range(days + self.length // DAY + 3):
            begins_on = day + number * DAY
            if self.is_on(begins_on):
                begins = first_instant(datetime.combine(begins_on, self.start), zone)
                if begins + self.length > since:
                    yield begins, begins + self.length

    def window(self, at: datetime) -> tuple[datetime, datetime] | None:
        """Return the window that holds at a time."""
        reached = self.length // DAY + 3
        return next((one for one in self.windows(at, reached) if one[0] <= at < one[1]), None)

    def next_change(self, at: datetime) -> datetime | None:
        """Return when it next begins or ends, strictly after a time; None when it never does again."""
        return min((moment for one in self._coming(at) for moment in one if moment > at), default=None)

    def _coming(self, at: datetime) -> list[tuple[datetime, datetime]]:
        coming: list[tuple[datetime, datetime]] = []
        for one in self.windows(at):
            coming.append(one)
            if one[0] > at:
                break
        return coming


OpenWindow = tuple[MaintenanceRule, datetime]


def open_at(rules: Iterable[MaintenanceRule], at: datetime) -> tuple[OpenWindow, ...]:
    """Return the windows that are open at a time, each with its end."""
    return tuple((rule, window[1]) for rule in rules if (window := rule.window(at)) is not None)


def maintain(labels: dict[str, str], *, open_now: Sequence[OpenWindow]) -> tuple[list[MaintenanceRule], Decision]:
    """Return the windows that hold an alert back, the one that ends last first, and why."""
    found = [(rule, end) for rule, end in open_now if all(matcher.matches(labels) for matcher in rule.matchers)]
    if not found:
        looked = f"none of {len(open_now)} open windows matches" if open_now else "no maintenance window is open"
        return [], Decision(STAGE, "not_planned", looked)
    found.sort(key=lambda item: item[1], reverse=True)
    rule, end = found[0]
    reason = f"maintenance {rule.name} by {rule.who} until {end:%Y-%m-%d %H:%M} UTC"
    return [rule for rule, _ in found], Decision(STAGE, "planned", reason, rule.rule)

"""How soon a change is everywhere, and how far it came: pure arithmetic over run intervals and minutes.

A host runs its automation at an interval, and the runs of many hosts are spread over it. Where the last run of a host
was seen, its next one is known: that is the stagger as it is. Where it was not, the runs are taken to be spread evenly:
after a time t, the share t/interval of the hosts with that interval has run.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

POINTS = 320
CLOSE_S = 1.0


def reached_after(intervals: Mapping[int, int], share: float) -> timedelta | None:
    """Return when a share of hosts has run once; `intervals` count hosts by their seconds between runs.

    None when no interval is known. Hosts that were never seen to run are not in it.
    """
    known = {seconds: hosts for seconds, hosts in intervals.items() if seconds > 0 and hosts > 0}
    if not known:
        return None
    low, high = 0.0, float(max(known))
    while high - low > CLOSE_S:
        middle = (low + high) / 2
        low, high = (low, middle) if share_at(known, middle) >= share else (middle, high)
    return timedelta(seconds=round(high))


def share_at(intervals: Mapping[int, int], seconds: float) -> float:
    """Return the share of hosts that has run after some seconds, when their runs are spread evenly."""
    hosts = sum(intervals.values())
    return sum(count * min(1.0, seconds / every) for every, count in intervals.items()) / hosts if hosts else 0.0


@dataclass(frozen=True, slots=True)
class Ahead:
    """When hosts run next: in how many seconds, in order, where that was seen; else how many have which interval."""

    waits: tuple[float, ...] = ()
    evenly: Mapping[int, int] = field(default_factory=dict)

    @property
    def hosts(self) -> int:
        """Hosts that were seen to run."""
        return len(self.waits) + sum(self.evenly.values())

    def share_at(self, seconds: float) -> float:
        """Return the share of hosts that has run after some seconds."""
        even = sum(self.evenly.values())
        ran = bisect_right(self.waits, seconds) + share_at(self.evenly, seconds) * even
        return ran / self.hosts if self.hosts else 0.0

    def reached_after(self, share: float) -> timedelta | None:
        """Return when a share of hosts has run once; None when no run was seen."""
        if not self.hosts:
            return None
        low, high = 0.0, max([*self.waits[-1:], *map(float, self.evenly)])
        while high - low > CLOSE_S / 2:
            middle = (low + high) / 2
            low, high = (low, middle) if self.share_at(middle) >= share - ROUNDING else (middle, high)
        return timedelta(seconds=-(-high // 1))

    def busiest(self, window: float = 60.0) -> float:
        """Return the largest share of hosts that runs within one window: all of them where there is no stagger."""
        most, first = 0, 0
        for last, wait in enumerate(self.waits):
            while wait - self.waits[first] > window:
                first += 1
            most = max(most, last - first + 1)
        even = sum(count * min(1.0, window / every) for every, count in self.evenly.items())
        return (most + even) / self.hosts if self.hosts else 0.0


ROUNDING = 1e-9


def ahead(runs: Iterable[tuple[int, float | None]]) -> Ahead:
    """Return when hosts run next, each from its seconds between runs and the seconds since its last one, if known.

    One that is overdue keeps its turn: it comes when its next run would have come.
    """
    waits: list[float] = []
    evenly: Counter[int] = Counter()
    for every, ago in runs:
        if every > 0 and ago is not None:
            waits.append(every - max(ago, 0.0) % every)
        elif every > 0:
            evenly[every] += 1
    return Ahead(tuple(sorted(waits)), evenly)


@dataclass(frozen=True, slots=True)
class Step:
    """How many hosts a change had reached by the end of a minute."""

    at: datetime
    hosts: int


def curve(minutes: Iterable[tuple[int, int]], *, until: int, points: int = POINTS) -> list[Step]:
    """Return how many hosts were reached by when, from counts by minute since 1970; at most so many points.

    It begins a minute before the first host, with none, and ends with `until`, or with the last host.
    """
    counted = sorted(minutes)
    if not counted:
        return []
    first, last = counted[0][0] - 1, max(until, counted[-1][0])
    every = max(1, -(-(last - first) // max(1, points - 1)))
    ends = [*range(first, last, every), last]
    steps, total, place = [], 0, 0
    for end in ends:
        while place < len(counted) and counted[place][0] <= end:
            total += counted[place][1]
            place += 1
        steps.append(Step(datetime.fromtimestamp(end * 60, UTC), total))
    return steps


def table(steps: Sequence[Step], *, rows: int = 12) -> list[Step]:
    """Return a few steps that say the same as the curve: evenly spread, with the first and the last."""
    if len(steps) <= rows:
        return list(steps)
    places = [round(number * (len(steps) - 1) / (rows - 1)) for number in range(rows)]
    return [steps[place] for place in dict.fromkeys(places)]

"""How soon a change is everywhere, and how far it came: pure arithmetic over run intervals and minutes.

A host runs its automation at an interval, and the runs of many hosts are spread over it. After a time t, the share
t/interval of the hosts with that interval has run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

"""Positions for a chart of one line. Pure arithmetic: numbers in, places on a fixed grid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

WIDTH, BOTTOM, TOP = 1180, 150, 14
MOST_POINTS = 320
GAP = 130


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a place; `anchor` is how it stands to it."""

    x: str
    y: str
    words: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """A line with its grid, the words at its edges, and marks for what happened meanwhile."""

    points: str
    grid: str
    mark: str
    labels: tuple[Label, ...]


def draw(
    steps: Sequence[tuple[datetime, int]], *, most: int, zone: tzinfo, marks: Sequence[tuple[datetime, str]] = ()
) -> Chart:
    """Draw a line over time, from nothing at the bottom to `most` or more at the top."""
    if not steps or len(steps) > MOST_POINTS + 1:
        raise ValueError(f"a chart has from 1 to {MOST_POINTS} points")
    top = ceiling(max(most, *(number for _, number in steps), 1))
    start, end = steps[0][0], steps[-1][0]
    points = " ".join(f"{_x(at, start, end):.0f},{_y(number, top):.0f}" for at, number in steps)
    inside = [(at, words) for at, words in marks if start <= at <= end]
    places = [_x(at, start, end) for at, _ in inside]
    return Chart(
        points=points,
        grid="".join(f"M0 {_y(number, top):.0f}H{WIDTH}" for number in (0, top / 2, top)),
        mark="".join(f"M{x:.0f} -4V{BOTTOM}" for x in places),
        labels=(*_scale(top), *_times(start, end, zone), *_marked(inside, places)),
    )


def ceiling(number: float) -> int:
    """Return the next round number: 1, 2, 5, 10, 20, 50 …, or a multiple that is nearer."""
    size = int(10 ** (len(str(int(number))) - 1))
    return next(step * size for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * size >= number)


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return WIDTH * ((at - start) / (end - start)) if end > start else 0.0


def _y(number: float, top: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * number / top


def _scale(top: int) -> list[Label]:
    marks = (0, top / 2, top) if top > 1 else (0, top)
    return [Label(f"{WIDTH + 6}", f"{_y(number, top) + 4:.0f}", f"{number:,g}") for number in marks]


def _times(start: datetime, end: datetime, zone: tzinfo) -> list[Label]:
    pattern = "%H:%M" if end - start < timedelta(hours=20) else "%a %d %b %H:%M"
    places = ((0.0, "start"), (0.5, "middle"), (1.0, "end")) if end > start else ((0.0, "start"),)
    return [
        Label(f"{WIDTH * share:.0f}", "167", (start + (end - start) * share).astimezone(zone).strftime(pattern), anchor)
        for share, anchor in places
    ]


def _marked(marks: Sequence[tuple[datetime, str]], places: Sequence[float]) -> list[Label]:
    """Write beside each mark; where there is no room to its right, to its left."""
    return [
        Label(
            f"{x + 6:.0f}" if x < WIDTH - 2 * GAP else f"{x - 6:.0f}",
            "4",
            words,
            "start" if x < WIDTH - 2 * GAP else "end",
        )
        for x, (_, words) in zip(places, marks, strict=True)
    ]

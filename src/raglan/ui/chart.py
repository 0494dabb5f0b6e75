"""Positions for a chart of one line. Pure arithmetic: numbers in, places on a fixed grid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

WIDTH, BOTTOM, TOP = 580, 150, 14
MOST_POINTS = 320
LETTER = 13  # the widest that a letter gets: on a phone words are larger, beside the line, than on a desk
LINE = 22
SECONDS_BELOW, DAYS_FROM = timedelta(minutes=5), timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a place; `anchor` is how it stands to it."""

    x: str
    y: str
    words: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """A line with its grid, the words at its edges, and marks for what happened meanwhile; `width` is of all of it."""

    width: int
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
    scale = _scale(top)
    return Chart(
        width=WIDTH + 6 + LETTER * max(len(label.words) for label in scale),
        points=points,
        grid="".join(f"M0 {_y(number, top):.0f}H{WIDTH}" for number in (0, top / 2, top)),
        mark="".join(f"M{x:.0f} -4V{BOTTOM}" for x in places),
        labels=(*scale, *_times(start, end, zone), *_marked(inside, places)),
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
    pattern, places = "%H:%M", [(0.0, "start"), (0.5, "middle"), (1.0, "end")]
    if end - start < SECONDS_BELOW:
        pattern = "%H:%M:%S"
    elif end - start >= DAYS_FROM:  # three dates have no room on a phone
        pattern, places = "%a %d %b %H:%M", [places[0], places[-1]]
    if start == end:
        places = places[:1]
    return [
        Label(f"{WIDTH * share:.0f}", "171", (start + (end - start) * share).astimezone(zone).strftime(pattern), anchor)
        for share, anchor in places
    ]


def _marked(marks: Sequence[tuple[datetime, str]], places: Sequence[float]) -> list[Label]:
    """Write beside each mark; to its left where there is no room to its right, and lower where another stands."""
    found: list[Label] = []
    taken: set[tuple[int, float, float]] = set()
    for x, (_, words) in zip(places, marks, strict=True):
        room = LETTER * len(words) + 6
        begins, anchor = (x, "start") if x + room <= WIDTH else (x - room, "end")
        full = {row for row, left, right in taken if left < begins + room and begins < right}
        row = next(row for row in range(len(full) + 1) if row not in full)
        found.append(Label(f"{x + 6 if anchor == 'start' else x - 6:.0f}", f"{4 + LINE * row}", words, anchor))
        taken.add((row, begins, begins + room))
    return found

"""Where the marks of a fleet lie: one for each host, in rows under the name of its cluster. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.ui import svg

SHAPES = {"good": "disc", "bad": "triangle", "wait": "ring", "kept": "square"}
WORDS = {"good": "has it", "bad": "differs", "wait": "not yet, or silent", "kept": "kept what it had"}
HEAD_ROWS = 2
MOST_NAME = 36


@dataclass(frozen=True, slots=True)
class Line:
    """A name above its marks."""

    y: str
    words: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawing: one path for each kind of mark, and the names."""

    height: int
    paths: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]


def shortened(name: str) -> str:
    """Return a name that fits above its marks."""
    return name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…"


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark that leads to its host: its kind, its path, which host it is, and how the change stands there."""

    kind: str
    path: str
    host: int
    words: str


def page(hosts: Sequence[tuple[int, str, str]]) -> tuple[int, list[Mark]]:
    """Lay out a page of hosts, each with its key, name and kind of mark; return the height, and a mark for each."""
    laid = [
        Mark(kind, svg.fleet_path([place], SHAPES[kind]), key, f"{name}: {WORDS[kind]}")
        for place, (key, name, kind) in enumerate(hosts)
    ]
    return max(1, -(-len(laid) // svg.FLEET_COLUMNS)) * svg.FLEET_CELL, laid


def draw(groups: Sequence[tuple[str, Sequence[str]]]) -> Drawn:
    """Lay out the marks of each group under its name."""
    cells: dict[str, list[int]] = {kind: [] for kind in SHAPES}
    lines, row = [], 0
    for name, marks in groups:
        number = len(marks)
        lines.append(
            Line(
                f"{row * svg.FLEET_CELL + 12.5:g}",
                f"{shortened(name) or 'no cluster'}, {number:,} host{'s'[: number != 1]}",
            )
        )
        row += HEAD_ROWS
        for place, kind in enumerate(marks):
            cells[kind].append(row * svg.FLEET_COLUMNS + place)
        row += -(-number // svg.FLEET_COLUMNS)
    paths = tuple((kind, svg.fleet_path(cells[kind], shape)) for kind, shape in SHAPES.items() if cells[kind])
    return Drawn(max(1, row) * svg.FLEET_CELL, paths, tuple(lines))

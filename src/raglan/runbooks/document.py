"""A runbook's text as steps. Pure: text in, steps out.

Steps are headings that begin with a number or the word Step; where there are none, the items of numbered lists that
stand on their own; where there are none of those either, the headings of the second level. Else the whole is one step.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from raglan.ui import markdown

MAX_STEPS = 100
MAX_TITLE = 120
NUMBERED = re.compile(r"(?:step\s+\d+|\d+)\s*[.):\-–—]*\s*", re.IGNORECASE)
MARKER = re.compile(r"\s{0,3}\d{1,9}[.)]( {1,4}|\t|$)")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its number, a title in one line, and all of it as Markdown."""

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A runbook's text: what stands before the first step, the steps, and what stands after the last one."""

    intro: str
    steps: tuple[Step, ...]
    rest: str = ""


def understand(text: str) -> Document:
    """Find the steps of a text."""
    lines = text.splitlines()
    blocks = markdown.outline(text)
    headings = [block for block in blocks if block.kind == "heading"]
    numbered = [block for block in headings if NUMBERED.match(block.title)]
    if numbered:
        return _from_headings(lines, headings, numbered)
    items = [block for block in blocks if block.kind == "item"]
    if items:
        return _from_items(lines, items)
    second = [block for block in headings if block.level == 2]
    if second:
        return _from_headings(lines, headings, second)
    whole = text.strip()
    return Document("", (Step(1, _line(whole.partition("\n")[0]), whole),) if whole else ())


def _from_headings(
    lines: Sequence[str], headings: Sequence[markdown.Block], chosen: Sequence[markdown.Block]
) -> Document:
    level = min(block.level for block in chosen)
    chosen = [block for block in chosen if block.level == level][:MAX_STEPS]
    ends = [_end(block, headings, len(lines)) for block in chosen]
    steps = [
        Step(number, _line(NUMBERED.sub("", block.title, count=1) or block.title), _cut(lines, block.body, end))
        for number, (block, end) in enumerate(zip(chosen, ends, strict=True), 1)
    ]
    return Document(_cut(lines, 0, chosen[0].start), tuple(steps), _cut(lines, ends[-1], len(lines)))


def _end(block: markdown.Block, headings: Sequence[markdown.Block], last: int) -> int:
    """Return where the part under a heading ends: at the next heading that is not below it."""
    return next((other.start for other in headings if other.start > block.start and other.level <= block.level), last)


def _from_items(lines: Sequence[str], items: Sequence[markdown.Block]) -> Document:
    """Make a step of each item. What stands between two of them belongs to the one before."""
    items = items[:MAX_STEPS]
    ends = [after.start for after in items[1:]] + [items[-1].end]
    steps = [
        Step(number, _line(block.title), _dedented(lines[block.start : end]))
        for number, (block, end) in enumerate(zip(items, ends, strict=True), 1)
    ]
    return Document(_cut(lines, 0, items[0].start), tuple(steps), _cut(lines, ends[-1], len(lines)))


def _dedented(lines: Sequence[str]) -> str:
    """Take an item out of its list: without its number, and without the room before its lines."""
    first = lines[0]
    found = MARKER.match(first)
    width = found.end() if found else 0
    rest = [line[min(width, len(line) - len(line.lstrip())) :] for line in lines[1:]]
    return "\n".join([first[width:], *rest]).strip()


def _cut(lines: Sequence[str], start: int, end: int) -> str:
    return "\n".join(lines[start:end]).strip("\n")


def _line(text: str) -> str:
    text = " ".join(text.split()).strip("#* ") or "Step"
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1] + "…"


def numbered(document: Document) -> Document:
    """Return a document whose steps have a text, that of their title where they have no other."""
    return replace(document, steps=tuple(replace(step, text=step.text or step.title) for step in document.steps))

"""Long texts of a room, such as a pasted log: the first line stands, the rest is a block that unfolds."""

from dataclasses import dataclass

FROM_LINES = 8
FROM_CHARACTERS = 1_200
LEAD = 240
SHOWN = 4_000
FENCE = "```"


@dataclass(frozen=True, slots=True)
class Folded:
    """A long text: what stands, what unfolds, and whether even that is a part of it."""

    lead: str
    block: str
    words: str
    is_cut: bool


def fold(text: str) -> Folded | None:
    """Return a long text as a line and a block; None for one that is short enough to stand as it is."""
    lines = text.splitlines()
    if len(lines) < FROM_LINES and len(text) < FROM_CHARACTERS:
        return None
    first = "" if lines[0].startswith(FENCE) else lines[0]
    lead, rest = (first, lines[1:]) if len(first) <= LEAD else (first[:LEAD].rstrip() + " …", lines)
    block = "\n".join(line for line in rest if not line.startswith(FENCE)).strip("\n")
    return Folded(lead=lead, block=block[:SHOWN], words=_words(block), is_cut=len(block) > SHOWN)


def _words(block: str) -> str:
    lines = block.count("\n") + 1
    return f"show {lines} lines" if lines > 1 else f"show all {len(block):,} characters"

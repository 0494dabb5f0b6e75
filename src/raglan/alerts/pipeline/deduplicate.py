"""Stage 2, which answers: is this new, a repeat, or the end of something that fires."""

from raglan.alerts.ports import RawSignal
from raglan.core.decisions import Decision

NOTHING, FIRES_ALREADY = "nothing with these labels was firing", "it fires already; this was counted"
NEW = Decision("deduplicate", "new", NOTHING)
REPEAT = Decision("deduplicate", "repeat", FIRES_ALREADY)
ACKNOWLEDGES = Decision("deduplicate", "acknowledges", "the source says that somebody has it")
RESOLVES = Decision("deduplicate", "resolves", "the source says that it is over")
NOTHING_OPEN = Decision("deduplicate", "nothing_open", NOTHING)


def deduplicate(signal: RawSignal, *, is_open: bool) -> Decision:
    """Return new, repeat, resolves, acknowledges, or nothing_open."""
    match signal.status, is_open:
        case "firing", False:
            return NEW
        case "firing" | "updated", True:
            return REPEAT
        case "acknowledged", True:
            return ACKNOWLEDGES
        case "resolved", True:
            return RESOLVES
        case _:
            return NOTHING_OPEN

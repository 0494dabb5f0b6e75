"""Stage 2, which answers: is this new, a repeat, or the end of something that fires."""

from raglan.alerts.ports import RawSignal
from raglan.core.decisions import Decision


def deduplicate(signal: RawSignal, *, is_open: bool) -> Decision:
    """Return new, repeat, resolves, acknowledges, or nothing_open."""
    match signal.status, is_open:
        case "firing", False:
            return Decision("deduplicate", "new", "nothing with these labels was firing")
        case "firing", True:
            return Decision("deduplicate", "repeat", "it fires already; this was counted")
        case "acknowledged", True:
            return Decision("deduplicate", "acknowledges", "the source says that somebody has it")
        case "resolved", True:
            return Decision("deduplicate", "resolves", "the source says that it is over")
        case _:
            return Decision("deduplicate", "nothing_open", "nothing with these labels was firing")

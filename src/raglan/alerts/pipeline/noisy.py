"""Stage 5, which answers: is its source switched to noisy, so that it is stored and does not page."""

from raglan.core.decisions import Decision


def noisy(source_id: int, sources: frozenset[int]) -> tuple[list[str], Decision]:
    """Return the source when it holds its alerts back, and why, or why not."""
    if source_id in sources:
        return [f"source:{source_id}"], Decision("noisy", "noisy", "its source is switched to noisy: stored, not paged")
    return [], Decision("noisy", "passed", "its source pages")

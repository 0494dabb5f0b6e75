"""Notices that raglan ends unexpectedly again and again, so that the next start runs only what pages.

A start leaves a line, an orderly end removes all of them. After three starts within five minutes that had no orderly
end, intake and engine run without the screens: whatever is broken there can not take the pager with it.
"""

import time
from pathlib import Path

from raglan.core import logs

NAME = "starts"
WITHIN_S = 300.0
MOST = 20
log = logs.get("raglan.crashes")


def begun(folder: Path) -> int:
    """Note a start; return how many starts within the last five minutes had no orderly end."""
    path, at = folder / NAME, time.time()
    recent = [moment for moment in _moments(path) if -1 <= at - moment <= WITHIN_S][-MOST:]
    try:
        path.write_text("".join(f"{moment:.1f}\n" for moment in [*recent, at]))
    except OSError as error:  # a full disk is no reason not to page
        log.warning("a start could not be noted", extra={"error": str(error)})
    return len(recent)


def ended(folder: Path) -> None:
    """Forget all starts: this end is orderly."""
    try:
        (folder / NAME).unlink(missing_ok=True)
    except OSError as error:
        log.warning("an end could not be noted", extra={"error": str(error)})


def _moments(path: Path) -> list[float]:
    try:
        return [float(line) for line in path.read_text().split()]
    except (OSError, ValueError):
        return []

"""What an export of a chat is read into: told lines, and how to read one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from raglan.core.decode import clean_text


@dataclass(frozen=True, slots=True)
class Told:
    """One line of an export."""

    id: str
    at: datetime
    author: str
    text: str

    def as_json(self) -> dict[str, str]:
        """Return it in the form that is read again as kind `raglan`."""
        return {"id": self.id, "at": self.at.isoformat(), "author": self.author, "text": self.text}


@dataclass(frozen=True, slots=True)
class Reading:
    """How an export is to be read: its kind, the zone of times that name none, their day, and names for ids.

    A line that was said after `until` is left out: its time is wrong.
    """

    kind: str = "auto"
    zone: str = "UTC"
    day: date | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What was found: lines by time, and what could not be understood."""

    kind: str
    lines: list[Told]
    problems: list[str]


def from_seconds(seconds: float) -> datetime:
    """Return a moment. Raises ValueError, OverflowError or OSError where it is none."""
    return in_range(datetime.fromtimestamp(seconds, UTC))


def in_range(at: datetime) -> datetime:
    """Return a moment of our time. Raises ValueError."""
    if not 1990 <= at.year <= 2200:
        raise ValueError("out of range")
    return at


def name_of(text: str) -> str:
    """Return how somebody is called, in one line."""
    return " ".join(clean_text(text).split())[:80] or "somebody"


def note(problems: list[str], words: str) -> None:
    """Keep what could not be understood; of very much of it, the first."""
    if len(problems) < 50:
        problems.append(words)

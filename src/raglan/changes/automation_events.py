"""Kinds of events about automation cards."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class AutomationWritten(EventPayload):
    """A card has a new version; its answers that are other than before, by question, with their keys."""

    kind = "automation.written"
    automation: int
    slug: str
    title: str
    acts_on: str
    team: int | None
    version: int
    answers: dict[str, str]
    keys: dict[str, int]
    person: int | None
    written_at: datetime


class AutomationPractised(EventPayload):
    """Somebody did what an answer says, and it was so or not."""

    kind = "automation.practised"
    practice: int
    answer: int
    worked: bool
    words: str
    person: int | None
    practised_at: datetime


class AutomationRemoved(EventPayload):
    """A card is not in use any more; it can be brought back."""

    kind = "automation.removed"
    removed_at: datetime


class AutomationBroughtBack(EventPayload):
    """A removed card is in use again."""

    kind = "automation.brought_back"

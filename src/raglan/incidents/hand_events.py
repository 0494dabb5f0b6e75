"""Kinds of events about hand changes."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class HandChangeTold(EventPayload):
    """Somebody told what they changed by hand."""

    kind = "hand_change.told"
    hand: int
    incident: int
    key: str
    scope: str
    place: str
    thing: str
    words: str
    person: int
    told_at: datetime


class HandChangeTouched(EventPayload):
    """A run reached for what was changed by hand, or would have: the first of its kind warns."""

    kind = "hand_change.touched"
    hand: int
    host: str
    is_rehearsal: bool
    words: str


class HandChangeEnded(EventPayload):
    """Somebody told what became of it: kept for good, taken back, or undone."""

    kind = "hand_change.ended"
    hand: int
    state: str
    words: str
    person: int
    ended_at: datetime

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


class HandChangeAhead(EventPayload):
    """A run is about to begin where something was changed by hand, for the first time since: it may undo it."""

    kind = "hand_change.ahead"
    hand: int
    host: str
    words: str
    ahead_at: datetime


class HandChangeEnded(EventPayload):
    """Somebody told what became of it: kept for good, taken back, or undone."""

    kind = "hand_change.ended"
    hand: int
    state: str
    words: str
    person: int
    ended_at: datetime

"""Kinds of events of changes that move over hosts."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class SurpriseRaised(EventPayload):
    """A change does otherwise than its author said: the first host that showed it, and the difference in words."""

    kind = "surprise.raised"
    surprise: int
    change: int
    title: str
    author: int | None
    difference: str
    kinds: list[str]
    host: int
    host_name: str
    words: str
    at: datetime
    raised_at: datetime


class VarietyNoted(EventPayload):
    """Somebody said why a host does not converge, and what is to become of it."""

    kind = "host.variety_noted"
    host: int
    why: str
    wish: str
    by: int
    at: datetime

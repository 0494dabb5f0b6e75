"""Kinds of events that changes append."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class ChangeRecorded(EventPayload):
    """Something deliberate altered production."""

    kind = "change.recorded"
    change: int
    key: str
    title: str
    origin: str
    told_by: str
    at: datetime
    received_at: datetime
    links: list[dict[str, str]]
    details: dict[str, str]

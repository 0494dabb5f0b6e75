"""Kinds of events that on call appends."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class ScheduleMade(EventPayload):
    """A schedule was made."""

    kind = "schedule.made"
    slug: str
    time_zone: str


class RotationSet(EventPayload):
    """A turn order counts from a day on."""

    kind = "schedule.rotation_set"
    starts_on: str
    participants: list[int]


class OverrideAdded(EventPayload):
    """A person takes a time."""

    kind = "schedule.override_added"
    override: int
    person: int
    starts_at: datetime
    ends_at: datetime


class OverrideCancelled(EventPayload):
    """An override counts no more from now on."""

    kind = "schedule.override_cancelled"
    override: int

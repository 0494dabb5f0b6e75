"""Kinds of events that on call appends. Each carries all that it changed, so that state can be rebuilt from events."""

from datetime import date, datetime, time

from raglan.core.timeline import EventPayload


class ScheduleMade(EventPayload):
    """A schedule was made."""

    kind = "schedule.made"
    schedule: int
    name: str
    slug: str
    team: int | None
    time_zone: str
    created_at: datetime


class RotationSet(EventPayload):
    """A turn order counts from its first handoff on, yet not before `effective_from`."""

    kind = "schedule.rotation_set"
    schedule: int
    rotation: int
    participants: list[int]
    starts_on: date
    handoff_weekday: int
    handoff_time: time
    weeks: int
    time_zone: str
    effective_from: datetime | None
    created_at: datetime


class RotationWithdrawn(EventPayload):
    """A planned turn order will not come."""

    kind = "schedule.rotation_withdrawn"
    rotation: int
    withdrawn_at: datetime


class OverrideAdded(EventPayload):
    """A person takes a time."""

    kind = "schedule.override_added"
    schedule: int
    override: int
    person: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: int | None
    created_at: datetime


class OverrideCancelled(EventPayload):
    """An override counts no more from now on; `ends_at` is when it ended."""

    kind = "schedule.override_cancelled"
    override: int
    ends_at: datetime
    cancelled_at: datetime

"""Kinds of events that on call appends. Each carries all that it changed, so that state can be rebuilt from events."""

from datetime import date, datetime, time

from pydantic import AliasChoices, Field

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


class ScheduleChanged(EventPayload):
    """A schedule has another name, team or zone; turns keep the zone that they were written in."""

    kind = "schedule.changed"
    schedule: int
    name: str
    team: int | None
    time_zone: str


class LayerMade(EventPayload):
    """A schedule has another layer."""

    kind = "schedule.layer_made"
    schedule: int
    layer: int
    name: str
    created_at: datetime


class RotationSet(EventPayload):
    """The turn order of a layer counts from its first handoff on, yet not before `effective_from`.

    Without a layer it is that of the one without a name. A group of participants is a list.
    """

    kind = "schedule.rotation_set"
    schedule: int
    rotation: int
    participants: list[int | list[int]]
    starts_on: date
    handoff_weekday: int | None
    handoff_time: time
    every: int = Field(validation_alias=AliasChoices("every", "weeks"))
    time_zone: str
    effective_from: datetime | None
    created_at: datetime
    layer: int | None = None
    rank: int = 0
    unit: str = "weeks"
    weekdays: list[int] = []
    windows: list[dict[str, str | list[int]]] = []
    active_days: bool = False
    ends_at: datetime | None = None


class LayerEnded(EventPayload):
    """A layer covers nothing from `ends_at` on; these are the turn orders that it had."""

    kind = "schedule.layer_ended"
    schedule: int
    layer: int | None
    rotations: list[int]
    ends_at: datetime


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
    does: str = "replace_everybody"
    instead_of: int | None = None
    rank: int = 0


class OverrideCancelled(EventPayload):
    """An override counts no more from now on; `ends_at` is when it ended, `reason` what was said about why."""

    kind = "schedule.override_cancelled"
    override: int
    ends_at: datetime
    cancelled_at: datetime
    reason: str = ""


class FeedMade(EventPayload):
    """Somebody has the address of a calendar, in place of an earlier one if that is named."""

    kind = "calendar.feed_made"
    feed: int
    person: int
    schedule: int | None
    created_at: datetime
    instead_of: int | None


class FeedEnded(EventPayload):
    """The address of a calendar works no more."""

    kind = "calendar.feed_ended"
    feed: int
    ended_at: datetime


class SourceSet(EventPayload):
    """A foreign calendar fills a schedule. Its address stays out, for it may be a secret.

    Until it is read `shifts` count, as person, start and end: what the one before it had said.
    """

    kind = "calendar.source_set"
    source: int
    schedule: int
    host: str
    rank: int
    created_at: datetime
    shifts: list[tuple[int, datetime, datetime]] = []


class SourceEnded(EventPayload):
    """A foreign calendar fills its schedule no more from now on."""

    kind = "calendar.source_ended"
    source: int
    ended_at: datetime


class CalendarRead(EventPayload):
    """A foreign calendar said something new: from `read_at` on these are its shifts, as person, start and end."""

    kind = "calendar.read"
    source: int
    read_at: datetime
    problem: str
    shifts: list[tuple[int, datetime, datetime]]


class CalendarNotRead(EventPayload):
    """A foreign calendar could not be used; the last good copy stays."""

    kind = "calendar.not_read"
    source: int
    tried_at: datetime
    problem: str


class RotaOverruled(EventPayload):
    """A turn order was saved although some of its people can not be reached, for a reason."""

    kind = "schedule.readiness_overruled"
    schedule: int
    people: list[int]
    reason: str


class NoticeGiven(EventPayload):
    """Words about a gap or a shift were given; `about_at` is when it begins, or ends if they tell of its end.

    `until` is the end of a gap. One that became longer is told again, by the same number; one that was told before
    ends were kept gets it when it is seen next.
    """

    kind = "schedule.notice_given"
    notice: int
    schedule: int
    does: str
    about_at: datetime
    person: int | None
    told_at: datetime
    until: datetime | None = None


class CoverAsked(EventPayload):
    """Somebody asks another, or anybody, to take a time; with `back` for a time of theirs."""

    kind = "schedule.cover_asked"
    cover_request: int
    schedule: int
    asker: int
    asked: int | None
    starts_at: datetime
    ends_at: datetime
    back_starts_at: datetime | None
    back_ends_at: datetime | None
    reason: str
    created_at: datetime


class CoverAnswered(EventPayload):
    """A request to take a time was taken, declined or withdrawn."""

    kind = "schedule.cover_answered"
    cover_request: int
    state: str
    answered_by: int
    answered_at: datetime


class HolidaysSet(EventPayload):
    """These are the public holidays of a schedule."""

    kind = "schedule.holidays_set"
    schedule: int
    days: list[tuple[date, str]]


class LeaveNamed(EventPayload):
    """A person is away at a time, by their own word."""

    kind = "leave.named"
    leave: int
    person: int
    starts_at: datetime
    ends_at: datetime
    created_at: datetime


class LeaveTakenBack(EventPayload):
    """A person is not away after all; if the time had begun, it ends now."""

    kind = "leave.taken_back"
    leave: int
    ends_at: datetime | None


class LeaveCalendarSet(EventPayload):
    """A foreign calendar says when a person is away. Its address stays out, for it may be a secret."""

    kind = "leave.calendar_set"
    leave_calendar: int
    person: int
    host: str
    created_at: datetime


class LeaveCalendarEnded(EventPayload):
    """A foreign calendar says nothing more about when a person is away."""

    kind = "leave.calendar_ended"
    leave_calendar: int
    ended_at: datetime


class LeaveCalendarRead(EventPayload):
    """A foreign calendar said something new: from `read_at` on the person is away at these times, start and end."""

    kind = "leave.calendar_read"
    leave_calendar: int
    read_at: datetime
    problem: str
    times: list[tuple[datetime, datetime]]


class LeaveCalendarNotRead(EventPayload):
    """A leave calendar could not be used; the last good copy stays."""

    kind = "leave.calendar_not_read"
    leave_calendar: int
    tried_at: datetime
    problem: str


class HandoverWritten(EventPayload):
    """Whoever goes wrote what the next one should know; without text the note is taken back."""

    kind = "schedule.handover_written"
    handover_note: int
    schedule: int
    author: int
    text: str
    written_at: datetime


class HandoverGiven(EventPayload):
    """Notes were given to whoever came on call."""

    kind = "schedule.handover_given"
    schedule: int
    handover_notes: list[int]
    people: list[int]
    given_at: datetime


class ShadowAdded(EventPayload):
    """A person learns beside those on call for a time."""

    kind = "schedule.shadow_added"
    shadow: int
    schedule: int
    person: int
    starts_at: datetime
    ends_at: datetime
    created_at: datetime


class ShadowEnded(EventPayload):
    """A person shadows no more from now on."""

    kind = "schedule.shadow_ended"
    shadow: int
    ended_at: datetime

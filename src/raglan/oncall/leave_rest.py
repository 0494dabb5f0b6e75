"""REST of leave: one's own times away, the calendar that says them, and shifts that fall into somebody's."""

from datetime import datetime, timedelta
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.clock import now
from raglan.core.errors import NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Slug, When
from raglan.oncall import leaves, queries
from raglan.oncall.calendar_rest import keeper
from raglan.oncall.models import Leave, LeaveCalendar
from raglan.people.access import principal
from raglan.people.rest.caller import somebody

router = Router(tags=["on call"])
LOOK = timedelta(weeks=8)


class LeaveIn(Body):
    """A time at which one is away."""

    starts_at: When
    ends_at: When


class LeaveOut(Schema):
    """A time at which one is away; one from a calendar is changed there."""

    id: int
    starts_at: datetime
    ends_at: datetime
    from_calendar: bool


class LeaveCalendarIn(Body):
    """The address of a calendar; every event in it counts as away."""

    url: Annotated[str, Field(min_length=8, max_length=2000)]


class LeaveCalendarOut(Schema):
    """A leave calendar: where from, when it was tried and read last, and what is wrong with it."""

    host: str
    tried_at: datetime | None
    read_at: datetime | None
    problem: str


class ClashOut(Schema):
    """A time at which somebody is on call and away."""

    person_id: int
    person: str
    starts_at: datetime
    ends_at: datetime


@router.get("/leave", response=list[LeaveOut], operation_id="list_leave", summary="Your times away")
def list_leave(request: HttpRequest) -> list[LeaveOut]:
    """Return the caller's times away that are not over."""
    return [_leave(row) for row in leaves.coming(somebody(request))]


@router.post("/leave", response={201: LeaveOut}, operation_id="name_leave", summary="Say that you are away")
def name_leave(request: HttpRequest, data: LeaveIn) -> Status[LeaveOut]:
    """Keep that the caller is away at a time. It warns, and moves nobody's shift."""
    row = leaves.name_leave(keeper(request), data.starts_at, data.ends_at, actor=principal(request).actor)
    return Status(201, _leave(row))


@router.delete("/leave/{leave_id}", response={204: None}, operation_id="take_leave_back", summary="Not away after all")
def take_leave_back(request: HttpRequest, leave_id: Cursor) -> Status[None]:
    """Take back a time away that was named by hand."""
    leaves.take_back(leaves.own(keeper(request), leave_id), actor=principal(request).actor)
    return Status(204, None)


@router.get("/leave-calendar", response=LeaveCalendarOut, operation_id="get_leave_calendar", summary="Leave calendar")
def get_leave_calendar(request: HttpRequest) -> LeaveCalendarOut:
    """Return the calendar that says when the caller is away: when it was read, and what is wrong with it."""
    row = leaves.calendar_of(somebody(request))
    if row is None:
        raise NotFound("No calendar says when you are away.")
    return _calendar(row)


@router.put(
    "/leave-calendar", response=LeaveCalendarOut, operation_id="set_leave_calendar", summary="Read a leave calendar"
)
def set_leave_calendar(request: HttpRequest, data: LeaveCalendarIn) -> LeaveCalendarOut:
    """Let a calendar say when the caller is away; it is read at once and every hour. Titles are not kept."""
    return _calendar(leaves.set_calendar(keeper(request), url=data.url, actor=principal(request).actor))


@router.delete("/leave-calendar", response={204: None}, operation_id="end_leave_calendar", summary="Read it no more")
def end_leave_calendar(request: HttpRequest) -> Status[None]:
    """Let a calendar say nothing more about the caller's leave."""
    leaves.end_calendar(keeper(request), actor=principal(request).actor)
    return Status(204, None)


@router.get(
    "/schedules/{slug}/away", response=list[ClashOut], operation_id="list_away", summary="Shifts of people who are away"
)
def list_away(request: HttpRequest, slug: Slug) -> list[ClashOut]:
    """Return the times in the next eight weeks at which somebody is on call and away."""
    at = now()
    shifts = queries.coming(queries.schedule(slug, since=at), at, at + LOOK)
    return [
        ClashOut(
            person_id=clash.person.pk,
            person=clash.person.name,
            starts_at=clash.starts_at,
            ends_at=clash.ends_at,
        )
        for clash in leaves.clashes(shifts, leaves.away_in([shifts]), at + LOOK)
    ]


def _leave(row: Leave) -> LeaveOut:
    return LeaveOut(id=row.pk, starts_at=row.starts_at, ends_at=row.ends_at, from_calendar=row.calendar_id is not None)


def _calendar(row: LeaveCalendar) -> LeaveCalendarOut:
    return LeaveCalendarOut(host=row.host, tried_at=row.tried_at, read_at=row.read_at, problem=row.problem)

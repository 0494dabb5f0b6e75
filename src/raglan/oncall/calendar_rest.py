"""REST of calendars that go out, and of public holidays."""

from datetime import date, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, BeforeValidator, Field

from raglan.core.errors import BadInput
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, ShortText, Slug, as_text
from raglan.oncall import fairness, feeds, queries
from raglan.oncall.models import Holiday, Schedule
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person
from raglan.people.rest.caller import somebody

router = Router(tags=["on call"])


def _in_years(value: date) -> date:
    if value.year not in fairness.YEARS:
        raise ValueError(f"the year must be from {fairness.YEARS.start} to {fairness.YEARS.stop - 1}")
    return value


class HolidayIn(Body):
    """A public holiday."""

    day: Annotated[date, BeforeValidator(as_text), AfterValidator(_in_years)]
    name: Annotated[ShortText, Field(max_length=80)] = ""


class HolidaysIn(Body):
    """All public holidays of a schedule; those that are not named here are none any more."""

    days: Annotated[list[HolidayIn], Field(max_length=fairness.MAX_HOLIDAYS)]


class HolidayOut(Schema):
    """A public holiday."""

    day: date
    name: str


class FeedIn(Body):
    """Which calendar: that of a schedule, or without one that of one's own shifts."""

    schedule: Slug | None = None


class FeedOut(Schema):
    """A calendar that somebody has, without its address; without a schedule it is of their own shifts."""

    schedule: str | None
    created_at: datetime


class FeedMade(FeedOut):
    """A calendar with its address, shown this once."""

    address: str


@router.get(
    "/schedules/{slug}/holidays", response=list[HolidayOut], operation_id="list_holidays", summary="Public holidays"
)
def list_holidays(request: HttpRequest, slug: Slug) -> list[Holiday]:
    """Return the days that count as public holidays in the hours of a schedule."""
    return list(Holiday.objects.filter(schedule=queries.schedule(slug)).order_by("day"))


@router.put(
    "/schedules/{slug}/holidays",
    response=list[HolidayOut],
    operation_id="set_holidays",
    summary="Say which days are public holidays",
)
def set_holidays(request: HttpRequest, slug: Slug, data: HolidaysIn) -> list[Holiday]:
    """Replace the public holidays of a schedule. Safe to send twice."""
    require_scope(request, Scope.CONFIGURE)
    days = {item.day: " ".join(item.name.split()) for item in data.days}
    if len(days) < len(data.days):
        raise BadInput("days", "each day may stand here once", status=422)
    fairness.set_holidays(queries.schedule(slug), sorted(days.items()), actor=principal(request).actor)
    return list_holidays(request, slug)


@router.get("/calendars", response=list[FeedOut], operation_id="list_feeds", summary="Your calendars that go out")
def list_feeds(request: HttpRequest) -> list[FeedOut]:
    """Return the calendars that the caller has; their addresses are not kept."""
    live = feeds.feeds_of(somebody(request))
    slugs = dict(Schedule.objects.filter(pk__in=[pk for pk in live if pk]).values_list("pk", "slug"))
    return [FeedOut(schedule=slugs.get(pk or 0), created_at=feed.created_at) for pk, feed in live.items()]


@router.post("/calendars", response={201: FeedMade}, operation_id="make_feed", summary="Make a calendar that goes out")
def make_feed(request: HttpRequest, data: FeedIn) -> Status[FeedMade]:
    """Make the address of a calendar for the caller, shown in this answer only; an earlier one of the same ends.

    A token needs more than the scope to read, for the address goes on to work when the token is revoked.
    """
    person = keeper(request)
    schedule = queries.schedule(data.schedule) if data.schedule else None
    feed, secret = feeds.make_feed(person, schedule, actor=principal(request).actor)
    return Status(201, FeedMade(schedule=data.schedule, created_at=feed.created_at, address=feeds.address(secret)))


@router.delete("/calendars", response={204: None}, operation_id="end_feed", summary="Let its address work no more")
def end_feed(request: HttpRequest, schedule: Slug | None = None) -> Status[None]:
    """End a calendar of the caller: that of a schedule, or without one that of their own shifts."""
    person = keeper(request)
    feeds.end_feed(person, queries.schedule(schedule) if schedule else None, actor=principal(request).actor)
    return Status(204, None)


def keeper(request: HttpRequest) -> Person:
    """Return the caller, who changes something of their own; a token needs more than the scope to read."""
    person = somebody(request)
    if principal(request).token is not None:
        require_scope(request, Scope.RESPOND)
    return person

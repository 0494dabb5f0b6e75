"""REST of a foreign calendar that fills a schedule."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.errors import NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Slug
from raglan.oncall import queries, sources
from raglan.oncall.models import CalendarSource
from raglan.oncall.rest_shapes import Rank
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["on call"])


class CalendarIn(Body):
    """The address of a foreign calendar, and the rank of the layer that it fills."""

    url: Annotated[str, Field(min_length=8, max_length=2000)]
    rank: Rank = 0


class CalendarOut(Schema):
    """A foreign calendar: where from, when it was tried and read last, and what is wrong with it."""

    host: str
    rank: int
    tried_at: datetime | None
    read_at: datetime | None
    problem: str


@router.put(
    "/schedules/{slug}/calendar", response=CalendarOut, operation_id="set_calendar", summary="Fill it from a calendar"
)
def set_calendar(request: HttpRequest, slug: Slug, data: CalendarIn) -> CalendarOut:
    """Let a foreign calendar fill a schedule; it is read at once and every 15 minutes."""
    require_scope(request, Scope.CONFIGURE)
    source = sources.set_source(queries.schedule(slug), url=data.url, rank=data.rank, actor=principal(request).actor)
    return _source(source)


@router.get("/schedules/{slug}/calendar", response=CalendarOut, operation_id="get_calendar", summary="The calendar")
def get_calendar(request: HttpRequest, slug: Slug) -> CalendarOut:
    """Return the foreign calendar that fills a schedule: when it was read, and what is wrong with it."""
    source = queries.source_of(queries.schedule(slug))
    if source is None:
        raise NotFound("No calendar fills this rota.")
    return _source(source)


@router.delete(
    "/schedules/{slug}/calendar", response={204: None}, operation_id="end_calendar", summary="Read it no more"
)
def end_calendar(request: HttpRequest, slug: Slug) -> Status[None]:
    """Let a foreign calendar fill a schedule no more from now on."""
    require_scope(request, Scope.CONFIGURE)
    sources.end_source(queries.schedule(slug), actor=principal(request).actor)
    return Status(204, None)


def _source(row: CalendarSource) -> CalendarOut:
    return CalendarOut(host=row.host, rank=row.rank, tried_at=row.tried_at, read_at=row.read_at, problem=row.problem)

"""REST of shadowing."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Status

from raglan.core.errors import BadInput
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Slug, When
from raglan.oncall import queries, shadows
from raglan.oncall.calendar_rest import keeper
from raglan.oncall.models import Shadow
from raglan.people.models import Person

router = Router(tags=["on call"])


class ShadowIn(Body):
    """Who shadows, and when; without `person_id` the caller."""

    starts_at: When
    ends_at: When
    person_id: Id | None = None


class ShadowOut(Schema):
    """Somebody who learns beside those on call for a time."""

    id: int
    person_id: int
    person: str
    starts_at: datetime
    ends_at: datetime


@router.get(
    "/schedules/{slug}/shadows", response=list[ShadowOut], operation_id="list_shadows", summary="Who shadows it"
)
def list_shadows(request: HttpRequest, slug: Slug) -> list[ShadowOut]:
    """Return who shadows a schedule now or later. They are not on call by it."""
    return [_shadow(row) for row in shadows.live(queries.schedule(slug))]


@router.post(
    "/schedules/{slug}/shadows", response={201: ShadowOut}, operation_id="add_shadow", summary="Shadow a schedule"
)
def add_shadow(request: HttpRequest, slug: Slug, data: ShadowIn) -> Status[ShadowOut]:
    """Let the caller, or somebody whom a manager names, get a mail of each page that goes to this schedule."""
    by = keeper(request)
    person = by if data.person_id is None else Person.objects.filter(pk=data.person_id).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    return Status(201, _shadow(shadows.add_shadow(queries.schedule(slug), person, data.starts_at, data.ends_at, by=by)))


@router.delete(
    "/schedules/{slug}/shadows/{shadow_id}", response={204: None}, operation_id="end_shadow", summary="Shadow no more"
)
def end_shadow(request: HttpRequest, slug: Slug, shadow_id: Cursor) -> Status[None]:
    """Let somebody shadow a schedule no more from now on."""
    shadows.end_shadow(shadows.find(slug, shadow_id), by=keeper(request))
    return Status(204, None)


def _shadow(row: Shadow) -> ShadowOut:
    return ShadowOut(
        id=row.pk, person_id=row.person_id, person=row.person.name, starts_at=row.starts_at, ends_at=row.ends_at
    )

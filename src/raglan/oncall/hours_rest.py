"""REST of hours on call by band."""

from django.http import HttpRequest

from raglan.core.rest import Router, Schema
from raglan.core.schema import Slug, When
from raglan.oncall import fairness, queries
from raglan.oncall.ledger import Band
from raglan.people.rest.caller import somebody

router = Router(tags=["on call"])


class HoursOut(Schema):
    """The hours of one person, by band, and in how many nights."""

    person_id: int
    name: str
    hours: dict[str, float]
    total: float
    nights: int


@router.get(
    "/schedules/{slug}/hours", response=list[HoursOut], operation_id="list_hours", summary="Hours on call by band"
)
def list_hours(request: HttpRequest, slug: Slug, start: When, end: When) -> list[HoursOut]:
    """Return each person's hours by day, night, weekend and holiday; for those who take turns there and their leads."""
    found = fairness.lines(queries.schedule(slug), start, end, reader=somebody(request))
    return [
        HoursOut(
            person_id=line.person.pk,
            name=line.person.name,
            hours=dict(zip(Band, line.bands, strict=True)),
            total=line.total,
            nights=line.hours.nights,
        )
        for line in found
    ]

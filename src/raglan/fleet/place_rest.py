"""REST of where hosts belong that do not say so."""

from typing import Annotated

from django.http import HttpRequest
from pydantic import Field, StringConstraints

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body
from raglan.fleet import places
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["fleet"])
Line = Annotated[str, StringConstraints(max_length=2_000)]


class PlacesIn(Body):
    """All rules in their order, each as `web*: cluster east, role web, services shop search`."""

    rules: Annotated[list[Line], Field(max_length=places.MOST_RULES)]


class PlacesOut(Schema):
    """All rules, and how many hosts the last call gave other words at once; while it `goes_on` there are more."""

    rules: list[str]
    changed: int = 0
    goes_on: bool = False


@router.get("/fleet/places", response=PlacesOut, operation_id="list_host_places", summary="Where hosts belong, by name")
def list_host_places(request: HttpRequest) -> PlacesOut:
    """Return the rules that fill what hosts do not say themselves."""
    return PlacesOut(rules=[places.written(rule) for rule in places.rules()], goes_on=places.goes_on())


@router.put("/fleet/places", response=PlacesOut, operation_id="set_host_places", summary="Say where hosts belong")
def set_host_places(request: HttpRequest, data: PlacesIn) -> PlacesOut:
    """Let these be all rules, and fill what hosts do not say."""
    require_scope(request, Scope.RESPOND)
    changed = places.set_rules(places.read("\n".join(data.rules)), actor=principal(request).actor)
    return PlacesOut(rules=[places.written(rule) for rule in places.rules()], changed=changed, goes_on=places.goes_on())

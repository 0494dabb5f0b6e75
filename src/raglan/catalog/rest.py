"""REST of the catalog."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.catalog import actions, queries
from raglan.catalog.models import Service
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Line, ShortText, Slug
from raglan.people.access import Scope, principal, require_scope
from raglan.people.queries import named_team

router = Router(tags=["catalog"])
Kind = Literal["service", "datastore", "queue", "vendor", "job", "tool"]
Purpose = Literal["see", "change", "know", "talk", "wake", "get_in", "tell_customers"]


class ServiceIn(Body):
    """A service; the same slug again changes it."""

    name: Annotated[Line, Field(max_length=120)]
    slug: Slug
    team: Slug | None = None
    kind: Kind = "service"
    purposes: Annotated[list[Purpose], Field(max_length=7)] = Field(default=[])
    needs: Annotated[list[Slug], Field(max_length=200)] = Field(default=[])
    instead: ShortText = ""


class ServiceOut(Schema):
    """A service."""

    id: int
    name: str
    slug: str
    team: str | None
    kind: str
    purposes: list[str]
    needs: list[str]
    instead: str


@router.get("/services", response=list[ServiceOut], operation_id="list_services", summary="All services")
def list_services(request: HttpRequest) -> list[ServiceOut]:
    """Return services with owners, purposes and needs."""
    return [_out(service) for service in queries.services()]


@router.get("/services/{slug}", response=ServiceOut, operation_id="get_service", summary="One service")
def get_service(request: HttpRequest, slug: Slug) -> ServiceOut:
    """Return one service."""
    return _out(queries.service(slug))


@router.post("/services", response={201: ServiceOut}, operation_id="save_service", summary="Make or change a service")
def save_service(request: HttpRequest, data: ServiceIn) -> Status[ServiceOut]:
    """Make or change a service: the same short name again replaces what is known of it."""
    require_scope(request, Scope.CONFIGURE)
    team = named_team(data.team)
    draft = actions.ServiceDraft(
        slug=data.slug,
        name=data.name,
        team=team,
        kind=data.kind,
        purposes=data.purposes,
        needs=data.needs,
        instead=data.instead,
    )
    actions.save_service(draft, actor=principal(request).actor)
    return Status(201, _out(queries.service(data.slug)))


def _out(service: Service) -> ServiceOut:
    return ServiceOut(
        id=service.pk,
        name=service.name,
        slug=service.slug,
        team=service.team.slug if service.team else None,
        kind=service.kind,
        purposes=[item.purpose for item in service.purposes.all()],
        needs=[item.needed.slug for item in service.needs.all()],
        instead=service.instead,
    )

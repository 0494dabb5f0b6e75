"""REST of the variety register."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from pydantic import AfterValidator, StringConstraints

from raglan.core.decode import clean_text
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit
from raglan.fleet import variety
from raglan.fleet.models import Host
from raglan.people.rest.caller import responder

router = Router(tags=["hosts"])


class VarietyIn(Body):
    """Why a host does not converge, and what is to become of it."""

    why: Annotated[str, StringConstraints(max_length=500), AfterValidator(clean_text)] = ""
    wish: Literal["undecided", "reserve", "repair"]


class VarietyOut(Schema):
    """A host that does not converge, what is known of it, and what it kept through."""

    host_id: int
    host: str
    cluster: str
    ran_at: datetime | None
    converged_at: datetime | None
    failing_since: datetime | None
    serves: list[str]
    why: str
    wish: str
    noted_by: str | None
    kept_through: list[str] = []


@router.get("/variety", response=list[VarietyOut], operation_id="list_variety", summary="Hosts that do not converge")
def list_variety(request: HttpRequest, after: Cursor = 0, limit: Limit = 100) -> list[VarietyOut]:
    """Return hosts on which automation does not run as elsewhere, by id; `after` goes on from one."""
    hosts = list(variety.register().filter(pk__gt=after).order_by("pk")[:limit])
    serves = variety.serves(hosts)
    return [_told(host, serves.get(host.pk, [])) for host in hosts]


@router.get("/variety/{int:pk}", response=VarietyOut, operation_id="get_variety", summary="A host that is different")
def get_variety(request: HttpRequest, pk: int) -> VarietyOut:
    """Return one of them, with the changes that differed elsewhere and never came to it."""
    return _whole(variety.host(pk))


@router.post("/variety/{int:pk}", response=VarietyOut, operation_id="note_variety", summary="Say why it is different")
def note_variety(request: HttpRequest, pk: int, data: VarietyIn) -> VarietyOut:
    """Say why a host does not converge, and whether it is to stay so."""
    by = responder(request)
    variety.note(variety.host(pk), why=data.why, wish=data.wish, by=by)
    return _whole(variety.host(pk))


def _whole(host: Host) -> VarietyOut:
    told = _told(host, variety.serves([host]).get(host.pk, []))
    told.kept_through = [kept.change.title for kept in variety.kept_through(host)]
    return told


def _told(host: Host, serves: list[str]) -> VarietyOut:
    noted = getattr(host, "variety", None)
    return VarietyOut(
        host_id=host.pk,
        host=host.name,
        cluster=host.cluster,
        ran_at=host.ran_at,
        converged_at=host.converged_at,
        failing_since=host.failing_since,
        serves=serves,
        why=noted.why if noted else "",
        wish=noted.wish if noted else "undecided",
        noted_by=noted.by.name if noted and noted.by else None,
    )

"""REST of changes: tell one, list them."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, Field, StringConstraints

from raglan.changes import actions, queries
from raglan.changes.models import Change
from raglan.core.decode import clean_text
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit, Line, ShortText, When
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["changes"])
Address = Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2_000), AfterValidator(clean_text)]


class LinkIn(Body):
    """An address to read on at."""

    href: Address
    text: ShortText = ""


class ChangeIn(Body):
    """Something deliberate that altered production. With `at`, telling it again changes nothing."""

    title: Line
    origin: ShortText = ""
    at: When | None = None
    links: Annotated[list[LinkIn], Field(max_length=20)] = []
    details: Annotated[dict[ShortText, ShortText], Field(max_length=64)] = {}


class ChangeOut(Schema):
    """A change as it is kept."""

    id: int
    title: str
    origin: str
    told_by: str
    at: datetime
    received_at: datetime
    links: list[dict[str, str]]
    details: dict[str, str]


@router.get("/changes", response=list[ChangeOut], operation_id="list_changes", summary="Changes, the newest first")
def list_changes(request: HttpRequest, before: Cursor = 0, limit: Limit = 100) -> list[Change]:
    """Return changes by their arrival; `before` is the id to go on from."""
    found = queries.changes().order_by("-pk")
    return list((found.filter(pk__lt=before) if before else found)[:limit])


@router.post("/changes", response={201: ChangeOut}, operation_id="record_change", summary="Tell a change")
def record_change(request: HttpRequest, data: ChangeIn) -> Status[Change]:
    """Keep a change, to be seen beside alerts."""
    require_scope(request, Scope.RESPOND)
    told = actions.Told(
        title=data.title,
        origin=data.origin,
        at=data.at,
        links=[link.model_dump() for link in data.links],
        details=dict(data.details),
    )
    who = principal(request)
    name = who.person.name if who.person else "a program"
    return Status(201, actions.record(told, told_by=name, actor=who.actor))

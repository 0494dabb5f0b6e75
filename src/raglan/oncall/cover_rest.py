"""REST of requests to take a shift."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.errors import BadInput
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, ShortText, Slug, When
from raglan.oncall import covers, drafts, queries
from raglan.oncall.models import CoverRequest
from raglan.oncall.rest_shapes import person_named
from raglan.people.access import Scope, require_scope
from raglan.people.rest.caller import somebody

router = Router(tags=["on call"])


class RequestIn(Body):
    """A time of one's own that somebody else may take; without `asked_id` anybody who takes turns there."""

    starts_at: When
    ends_at: When
    asked_id: Id | None = None
    back_starts_at: When | None = None
    back_ends_at: When | None = None
    reason: Annotated[ShortText, Field(max_length=drafts.MAX_REASON)] = ""


class RequestOut(Schema):
    """A request to take a time, and how it stands."""

    id: int
    asker_id: int
    asked_id: int | None
    starts_at: datetime
    ends_at: datetime
    back_starts_at: datetime | None
    back_ends_at: datetime | None
    reason: str
    state: str


@router.get(
    "/schedules/{slug}/cover-requests",
    response=list[RequestOut],
    operation_id="list_cover_requests",
    summary="Shifts that somebody is asked to take",
)
def list_cover_requests(request: HttpRequest, slug: Slug) -> list[RequestOut]:
    """Return the requests that nobody answered and that are not over."""
    return [_request(row) for row in covers.waiting(queries.schedule(slug))]


@router.post(
    "/schedules/{slug}/cover-requests",
    response={201: RequestOut},
    operation_id="ask_for_cover",
    summary="Ask somebody to take a shift",
)
def ask_for_cover(request: HttpRequest, slug: Slug, data: RequestIn) -> Status[RequestOut]:
    """Ask a person, or anybody who takes turns here, to take a time; with `back_starts_at` and its end it is a swap."""
    require_scope(request, Scope.RESPOND)
    asked = None if data.asked_id is None else person_named(data.asked_id, "asked_id")
    if (data.back_starts_at is None) != (data.back_ends_at is None):
        raise BadInput("back_ends_at", "write both ends of the time in return", status=422)
    back = (data.back_starts_at, data.back_ends_at) if data.back_starts_at and data.back_ends_at else None
    draft = covers.RequestDraft(data.starts_at, data.ends_at, asked, back, data.reason)
    return Status(201, _request(covers.ask(queries.schedule(slug), draft, by=somebody(request))))


@router.post(
    "/schedules/{slug}/cover-requests/{request_id}/{answer}",
    response=RequestOut,
    operation_id="answer_cover_request",
    summary="Take, decline or withdraw a request",
)
def answer_cover_request(
    request: HttpRequest, slug: Slug, request_id: Cursor, answer: Literal["take", "decline", "withdraw"]
) -> RequestOut:
    """Answer a request; to take it makes the overrides."""
    require_scope(request, Scope.RESPOND)
    row, by = covers.find(slug, request_id), somebody(request)
    match answer:
        case "take":
            covers.take(row, by=by)
        case "decline":
            covers.decline(row, by=by)
        case "withdraw":
            covers.withdraw(row, by=by)
    return _request(covers.find(slug, request_id))


def _request(row: CoverRequest) -> RequestOut:
    return RequestOut(
        id=row.pk,
        asker_id=row.asker_id,
        asked_id=row.asked_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        back_starts_at=row.back_starts_at,
        back_ends_at=row.back_ends_at,
        reason=row.reason,
        state=row.state,
    )

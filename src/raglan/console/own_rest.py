"""REST of own health and of what Setup can try out, so that screens use nothing that REST cannot do."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Status

from raglan.alerts.models import Signal, Source
from raglan.console import actions, health
from raglan.core.errors import NotFound
from raglan.core.models import Timer
from raglan.core.rest import Router, Schema
from raglan.core.schema import Cursor, Slug
from raglan.people.access import Scope, principal, require_scope
from raglan.people.rest.caller import somebody

router = Router(tags=["own health"])
LAST = 20


class FactOut(Schema):
    """One thing that raglan knows of itself; `kind` is good, slow, bad or unknown."""

    name: str
    kind: str
    word: str
    words: str


class SetAsideOut(Schema):
    """Work that failed three times."""

    id: int
    kind: str
    subject: str
    due_at: datetime
    parked_at: datetime | None
    last_error: str


class SignalOut(Schema):
    """One message of a source, and what became of it."""

    id: int
    received_at: datetime
    status: str
    problem: str
    alert_id: int | None
    raw: object


class TopicOut(Schema):
    """A topic of AWS that may send here now."""

    topic: str


class TestedOut(Schema):
    """What a test alert met."""

    new: int
    repeated: int


@router.get("/health", response=list[FactOut], operation_id="own_health", summary="Own health")
def own_health(request: HttpRequest) -> list[health.Fact]:
    """Return whether raglan itself can store, work on time and send."""
    return health.facts()


@router.get("/set-aside", response=list[SetAsideOut], operation_id="list_set_aside", summary="Work that was set aside")
def list_set_aside(request: HttpRequest) -> list[Timer]:
    """Return the work that failed three times, the latest first."""
    return health.parked()


@router.post("/set-aside/{timer_id}", response={204: None}, operation_id="try_again", summary="Try it again")
def try_again(request: HttpRequest, timer_id: Cursor) -> Status[None]:
    """Give work that was set aside three more tries."""
    require_scope(request, Scope.CONFIGURE)
    actions.try_again(timer_id, actor=principal(request).actor)
    return Status(204, None)


@router.post(
    "/health/paging", response={204: None}, operation_id="allow_paging", summary="Let a restored copy page again"
)
def allow_paging(request: HttpRequest) -> Status[None]:
    """End the quiet start of a restored copy."""
    require_scope(request, Scope.CONFIGURE)
    actions.allow_paging(actor=principal(request).actor)
    return Status(204, None)


@router.get(
    "/sources/{slug}/signals", response=list[SignalOut], operation_id="list_signals", summary="What a source sent last"
)
def list_signals(request: HttpRequest, slug: Slug) -> list[SignalOut]:
    """Return the last 20 messages as they came, and what became of them."""
    return [_signal(item) for item in Signal.objects.filter(source=_source(slug)).order_by("-pk")[:LAST]]


def _signal(item: Signal) -> SignalOut:
    raw = item.raw.get("body") if isinstance(item.raw, dict) else item.raw
    return SignalOut(
        id=item.pk,
        received_at=item.received_at,
        status=item.status,
        problem=item.problem,
        alert_id=item.alert_id,
        raw=raw,
    )


@router.post("/sources/{slug}/test", response={202: TestedOut}, operation_id="test_source", summary="Send a test alert")
def test_source(request: HttpRequest, slug: Slug) -> Status[TestedOut]:
    """Let an alert of severity info fire by the whole way; it ends by itself after five minutes."""
    require_scope(request, Scope.CONFIGURE)
    outcome = actions.send_test_alert(_source(slug), actor=principal(request).actor)
    return Status(202, TestedOut(new=outcome.new, repeated=outcome.repeated))


@router.post(
    "/sources/{slug}/signals/{signal_id}/confirm",
    response=TopicOut,
    operation_id="confirm_topic",
    summary="Confirm a topic of AWS",
)
def confirm_topic(request: HttpRequest, slug: Slug, signal_id: Cursor) -> TopicOut:
    """Tell AWS that the topic which asks with this message may send here; a person decides it."""
    require_scope(request, Scope.CONFIGURE)
    by = somebody(request)
    return TopicOut(topic=actions.confirm_topic(_source(slug), signal_id, actor=by))


def _source(slug: str) -> Source:
    found = Source.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such source.")
    return found

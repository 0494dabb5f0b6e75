"""REST of silences."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field, StringConstraints

from raglan.alerts import actions, noise_queries
from raglan.alerts.models import Silence
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.rest import MatcherIn
from raglan.core.clock import now
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Instant, Limit
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["silences"])
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class SilenceIn(Body):
    """A silence. Both times carry their offset from UTC; one without is refused."""

    matchers: Annotated[list[MatcherIn], Field(min_length=1, max_length=20)]
    starts_at: Instant | None = None
    ends_at: Instant
    reason: Reason


class SilenceChange(SilenceIn):
    """A silence as it is to be, and the version that it was changed from."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class SilenceOut(Schema):
    """A silence as it is now."""

    id: int
    key: str
    state: str
    matchers: list[dict[str, str]]
    starts_at: datetime
    ends_at: datetime
    reason: str
    who: str
    person_id: int | None
    source: str
    version: int
    updated_at: datetime


class MatchersIn(Body):
    """Matchers to try."""

    matchers: Annotated[list[MatcherIn], Field(min_length=1, max_length=20)]


class HitsOut(Schema):
    """What matchers hit: firing alerts, some of them by id, and alerts of the last day."""

    firing: int
    lately: int
    alert_ids: list[int]
    is_all: bool


@router.get("/silences", response=list[SilenceOut], operation_id="list_silences", summary="Silences")
def list_silences(
    request: HttpRequest, state: Literal["", "active", "pending", "expired"] = "", limit: Limit = 100
) -> list[SilenceOut]:
    """Return silences, the one that ends last first."""
    return [_out(silence) for silence in noise_queries.silences(state=state)[:limit]]


@router.post("/silences", response={201: SilenceOut}, operation_id="set_silence", summary="Set a silence")
def set_silence(request: HttpRequest, data: SilenceIn) -> Status[SilenceOut]:
    """Mute what matches. What still fires at the end pages then."""
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    name = who.person.name if who.person else who.token.name if who.token else "REST"
    made = actions.set_silence(_draft(data), by=actions.Setter(name, who.person), actor=who.actor)
    return Status(201, _out(made))


@router.post("/silences/preview", response=HitsOut, operation_id="preview_silence", summary="What matchers would hit")
def preview_silence(request: HttpRequest, data: MatchersIn) -> HitsOut:
    """Say what a silence would hit, without setting it."""
    matchers = _matchers(data.matchers)
    actions.check_all(matchers)
    hits = noise_queries.hits(matchers)
    ids = [alert.pk for alert in hits.examples]
    return HitsOut(firing=hits.firing, lately=hits.lately, alert_ids=ids, is_all=hits.is_all)


@router.get("/silences/{silence_id}", response=SilenceOut, operation_id="get_silence", summary="One silence")
def get_silence(request: HttpRequest, silence_id: Cursor) -> SilenceOut:
    """Return one silence."""
    return _out(noise_queries.silence(silence_id))


@router.put("/silences/{silence_id}", response=SilenceOut, operation_id="change_silence", summary="Change a silence")
def change_silence(request: HttpRequest, silence_id: Cursor, data: SilenceChange) -> SilenceOut:
    """Change what is muted, until when, or why; 409 when somebody else changed it since `version`."""
    require_scope(request, Scope.RESPOND)
    found = noise_queries.silence(silence_id)
    draft = _draft(data, found.starts_at)
    return _out(actions.change_silence(found, draft, version=data.version, actor=principal(request).actor))


@router.delete("/silences/{silence_id}", response=SilenceOut, operation_id="expire_silence", summary="End a silence")
def expire_silence(request: HttpRequest, silence_id: Cursor) -> SilenceOut:
    """End a silence now. What it muted and still fires pages now. Again is harmless."""
    require_scope(request, Scope.RESPOND)
    return _out(actions.expire_silence(noise_queries.silence(silence_id), actor=principal(request).actor))


def _matchers(items: list[MatcherIn]) -> list[Matcher]:
    return [Matcher(item.name, item.op, item.value) for item in items]


def _draft(data: SilenceIn, starts_at: datetime | None = None) -> actions.SilenceDraft:
    return actions.SilenceDraft(
        _matchers(data.matchers), data.starts_at or starts_at or now(), data.ends_at, data.reason
    )


def _out(silence: Silence) -> SilenceOut:
    return SilenceOut(
        id=silence.pk,
        key=silence.key,
        state=noise_queries.silence_state(silence, now()),
        matchers=silence.matchers,
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        reason=silence.reason,
        who=silence.who,
        person_id=silence.person_id,
        source=silence.source.slug if silence.source else "",
        version=silence.version,
        updated_at=silence.updated_at,
    )

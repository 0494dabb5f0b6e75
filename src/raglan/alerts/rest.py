"""REST of alerts: sources, routes, groups, alerts with their decisions."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field, JsonValue

from raglan.alerts import actions, noise_queries, queries
from raglan.alerts.models import Alert, AlertGroup, Flap, Source
from raglan.alerts.paste import paste_line
from raglan.alerts.pipeline.flap import FlapRule
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit, Line, Slug
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["alerts"])
MOST_FLAPPING = 1_000


class SourceIn(Body):
    """A new source.

    `mapping` is for kind `generic`: where in the JSON each field stands; for kind `email`: its rules. `secret` is for
    kinds whose senders sign.
    """

    name: Line
    slug: Slug
    kind: Source.Kind
    mapping: dict[str, JsonValue] = Field(default_factory=dict, max_length=50)
    secret: Annotated[str, Field(max_length=500)] = ""


class FlappingIn(Body):
    """When an alert flaps: so many openings and ends within a time; 0 changes is never.

    It is steady after `quiet_s` without a change; one that is critical and stays open for `open_s` pages meanwhile.
    """

    changes: Annotated[int, Field(ge=0, le=1_000)] = 6
    within_s: Annotated[int, Field(ge=60, le=86_400)] = 3_600
    quiet_s: Annotated[int, Field(ge=60, le=86_400)] = 1_800
    open_s: Annotated[int, Field(ge=0, le=86_400)] = 600

    def rule(self) -> FlapRule:
        """Return it as the pipeline reads it."""
        return FlapRule(self.changes, self.within_s, self.quiet_s, self.open_s)


class SourceChange(Body):
    (
        """What is to change of a source; what is left out stays. An empty secret takes messages without a signature.

    `flapping` of null goes by the default again.
    """
        ""
    )

    enabled: bool | None = None
    noisy: bool | None = None
    mapping: Annotated[dict[str, JsonValue], Field(max_length=50)] | None = None
    secret: Annotated[str, Field(max_length=500)] | None = None
    flapping: FlappingIn | None = None


class SourceOut(Schema):
    """A source, without its token."""

    id: int
    name: str
    slug: str
    kind: str
    token_hint: str
    previous_ends_at: datetime | None
    disabled_at: datetime | None
    noisy_since: datetime | None
    last_heard_at: datetime | None
    last_remote: str
    last_error: str
    last_error_at: datetime | None
    flapping: dict[str, int] | None


class SourceDetail(SourceOut):
    """A source with its mapping, which only who may configure is shown, and whether what it sends must be signed."""

    mapping: dict[str, JsonValue] | None
    is_signed: bool


class SourceMade(SourceOut):
    """A source with its token, shown this once, and the line to paste."""

    token: str
    paste: str


class MatcherIn(Body):
    """One condition on a label."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    op: Literal["=", "!=", "=~", "!~"] = "="
    value: Annotated[str, Field(max_length=500)]


class GroupOut(Schema):
    """An alert group."""

    id: int
    title: str
    severity: str
    state: str
    source: str
    labels: dict[str, str]
    alert_count: int
    firing_count: int
    held_count: int
    opened_at: datetime
    closed_at: datetime | None
    page_id: int | None
    page_at: datetime | None


class AlertOut(Schema):
    """An alert, briefly."""

    id: int
    title: str
    severity: str
    state: str
    source: str
    group_id: int
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    last_seen_at: datetime
    signal_count: int
    held: str
    held_by: list[str]


class DecisionOut(Schema):
    """What a stage decided, why, and by which rule."""

    stage: str
    outcome: str
    reason: str
    rule: str
    at: datetime


class FlapOut(Schema):
    """That an alert flaps, or flapped while it was open: how often it changed since when, and which page said so."""

    id: int
    title: str
    source: str
    fingerprint: str
    rule: str
    words: str
    changes: int
    first_at: datetime
    began_at: datetime
    last_at: datetime
    quiet_s: int
    open_s: int
    page_id: int | None
    paged_at: datetime | None
    ended_at: datetime | None


class AlertDetail(AlertOut):
    """An alert with the decisions that it met, and how it flaps, if it does."""

    decisions: list[DecisionOut]
    flapping: FlapOut | None


@router.get("/sources", response=list[SourceOut], operation_id="list_sources", summary="All sources")
def list_sources(request: HttpRequest) -> list[Source]:
    """Return sources with when they were last heard and what was last wrong."""
    return list(queries.sources())


@router.get("/sources/{slug}", response=SourceDetail, operation_id="get_source", summary="One source")
def get_source(request: HttpRequest, slug: Slug) -> SourceDetail:
    """Return a source with when it was last heard, what was last wrong, and for who may configure its mapping."""
    source = _source(slug)
    base = SourceOut.model_validate(source, from_attributes=True).model_dump()
    mapping = source.mapping if Scope.CONFIGURE in principal(request).scopes else None
    return SourceDetail(**base, mapping=mapping, is_signed=bool(source.secret_sealed))


@router.post("/sources", response={201: SourceMade}, operation_id="make_source", summary="Make a source")
def make_source(request: HttpRequest, data: SourceIn) -> Status[SourceMade]:
    """Make a source; its token is in this answer only."""
    require_scope(request, Scope.CONFIGURE)
    source, token = actions.create_source(
        name=data.name, slug=data.slug, kind=data.kind, mapping=dict(data.mapping), actor=principal(request).actor
    )
    if data.secret:
        actions.save_secret(source, clean_text(data.secret), actor=principal(request).actor)
    base = SourceOut.model_validate(source, from_attributes=True).model_dump()
    return Status(201, SourceMade(**base, token=token, paste=paste_line(source, token)))


@router.post(
    "/sources/{slug}/token", response=SourceMade, operation_id="rotate_token", summary="Give a source a new token"
)
def rotate_token(request: HttpRequest, slug: Slug) -> SourceMade:
    """Replace the token; the old one is good for one more day, or until `DELETE` of this address."""
    require_scope(request, Scope.CONFIGURE)
    source = _source(slug)
    token = actions.rotate_token(source, actor=principal(request).actor)
    source.refresh_from_db()
    base = SourceOut.model_validate(source, from_attributes=True).model_dump()
    return SourceMade(**base, token=token, paste=paste_line(source, token))


@router.delete(
    "/sources/{slug}/token", response=SourceOut, operation_id="end_old_token", summary="End the token before the newest"
)
def end_old_token(request: HttpRequest, slug: Slug) -> Source:
    """End the old token now, as after a leak; the newest one stays."""
    require_scope(request, Scope.CONFIGURE)
    source = _source(slug)
    actions.end_old_token(source, actor=principal(request).actor)
    return _source(slug)


@router.patch(
    "/sources/{slug}", response=SourceOut, operation_id="change_source", summary="Switch a source, or map anew"
)
def change_source(request: HttpRequest, slug: Slug, data: SourceChange) -> Source:
    """Change what is given: whether it is taken in, whether it pages, when it flaps, its mapping, its secret."""
    require_scope(request, Scope.CONFIGURE)
    source, actor = _source(slug), principal(request).actor
    with atomic():
        if data.enabled is not None:
            actions.switch_source(source, is_on=data.enabled, actor=actor)
        if data.noisy is not None:
            actions.set_noisy(source, is_noisy=data.noisy, actor=actor)
        if data.mapping is not None:
            actions.save_mapping(source, dict(data.mapping), actor=actor)
        if data.secret is not None:
            actions.save_secret(source, clean_text(data.secret), actor=actor)
        if "flapping" in data.model_fields_set:
            actions.save_flapping(source, data.flapping.rule() if data.flapping else None, actor=actor)
    return _source(slug)


def _source(slug: str) -> Source:
    source = Source.objects.filter(slug=slug).first()
    if source is None:
        raise NotFound("There is no such source.")
    return source


@router.get("/alert-groups", response=list[GroupOut], operation_id="list_groups", summary="Alert groups")
def list_groups(
    request: HttpRequest, state: Literal["", "open", "closed"] = "", before: Cursor = 0, limit: Limit = 100
) -> list[GroupOut]:
    """Return groups, newest first; `before` is the id to go on from."""
    found = queries.groups(state=state).order_by("-pk")
    return [_group_out(group) for group in (found.filter(pk__lt=before) if before else found)[:limit]]


def _group_out(group: AlertGroup) -> GroupOut:
    return GroupOut(
        id=group.pk,
        title=group.title,
        severity=group.severity,
        state=group.state,
        source=group.source.slug,
        labels=group.labels,
        alert_count=group.alert_count,
        firing_count=group.firing_count,
        held_count=group.held_count,
        opened_at=group.opened_at,
        closed_at=group.closed_at,
        page_id=group.page_id,
        page_at=group.page_at,
    )


@router.get("/alerts", response=list[AlertOut], operation_id="list_alerts", summary="Alerts, newest first")
def list_alerts(
    request: HttpRequest, state: Literal["", "firing", "resolved"] = "", before: Cursor = 0, limit: Limit = 100
) -> list[AlertOut]:
    """Return alerts; `before` is the id to go on from."""
    found = Alert.objects.select_related("source").order_by("-pk")
    if state:
        found = found.filter(state=state)
    if before:
        found = found.filter(pk__lt=before)
    return [AlertOut.model_validate(_alert_fields(alert)) for alert in found[:limit]]


@router.get(
    "/alerts/{alert_id}", response=AlertDetail, operation_id="get_alert", summary="One alert with its decisions"
)
def get_alert(request: HttpRequest, alert_id: Cursor) -> AlertDetail:
    """Return why it was, or was not, paged."""
    alert = queries.alert_with_decisions(alert_id)
    if alert is None:
        raise NotFound("There is no such alert.")
    decisions = [DecisionOut.model_validate(item, from_attributes=True) for item in alert.decided]
    flap = noise_queries.flap_of(alert)
    more = {"decisions": decisions, "flapping": _flap_out(flap) if flap else None}
    return AlertDetail.model_validate(_alert_fields(alert) | more)


@router.get("/flapping", response=list[FlapOut], operation_id="list_flapping", summary="Alerts that flap now")
def list_flapping(request: HttpRequest) -> list[FlapOut]:
    """Return alerts that open and end again and again, newest first."""
    return [_flap_out(flap) for flap in noise_queries.flaps()[:MOST_FLAPPING]]


def _flap_out(flap: Flap) -> FlapOut:
    return FlapOut(
        id=flap.pk,
        title=flap.title,
        source=flap.source.slug,
        fingerprint=flap.fingerprint,
        rule=flap.rule,
        words=noise_queries.flapping(flap).full_words,
        changes=flap.changes,
        first_at=flap.first_at,
        began_at=flap.began_at,
        last_at=flap.last_at,
        quiet_s=flap.quiet_s,
        open_s=flap.open_s,
        page_id=flap.page_id,
        paged_at=flap.paged_at,
        ended_at=flap.ended_at,
    )


def _alert_fields(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.pk,
        "title": alert.title,
        "severity": alert.severity,
        "state": alert.state,
        "source": alert.source.slug,
        "group_id": alert.group_id,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "last_seen_at": alert.last_seen_at,
        "signal_count": alert.signal_count,
        "held": alert.held,
        "held_by": alert.held_by,
    }

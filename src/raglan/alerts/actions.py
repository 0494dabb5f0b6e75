"""Verbs of alerts."""

from collections.abc import Sequence
from datetime import timedelta

from raglan.alerts import events
from raglan.alerts.holds import review
from raglan.alerts.ingest import expire, ingest
from raglan.alerts.matchers import check, check_all
from raglan.alerts.matchers import stored as stored_form
from raglan.alerts.models import AlertGroup, Route, Signal, Source
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.silencing import (
    MAX_REASON,
    Setter,
    SilenceDraft,
    change_silence,
    check_silence,
    expire_silence,
    set_silence,
)
from raglan.config import config
from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.paging.models import Policy

__all__ = [
    "MAX_REASON",
    "Setter",
    "SilenceDraft",
    "change_silence",
    "check_all",
    "check_silence",
    "create_source",
    "expire",
    "expire_silence",
    "forget_old_signals",
    "ingest",
    "note_error",
    "review",
    "rotate_token",
    "save_route",
    "set_silence",
]


@atomic
def create_source(
    *, name: str, slug: str, kind: str, mapping: dict[str, object] | None = None, actor: timeline.Subject
) -> tuple[Source, str]:
    """Make a source; return it with its token, which is shown this once. Raises BadInput when the slug is taken."""
    if kind not in Source.Kind.values:
        raise BadInput("kind", f"choose one of {', '.join(Source.Kind.values)}", status=422)
    if Source.objects.filter(slug=slug).exists():
        raise BadInput("slug", "another source has this short name", status=409)
    token = _new_token()
    source = Source.objects.create(
        name=name,
        slug=slug,
        kind=kind,
        mapping=mapping or {},
        token_digest=secrets.digest(token),
        token_hint=token[-4:],
        created_at=now(),
    )
    timeline.append(_changed(source, "made"), actor=actor, about=[source])
    return source, token


def _new_token() -> str:
    """Return 32 characters, the length that clients of the PagerDuty format insist on: 190 random bits."""
    return secrets.random_token().replace("-", "x").replace("_", "y")[:32]


@atomic
def rotate_token(source: Source, *, actor: timeline.Subject) -> str:
    """Give a source a new token; the old one ends at once."""
    token = _new_token()
    source.token_digest, source.token_hint = secrets.digest(token), token[-4:]
    source.save(update_fields=["token_digest", "token_hint"])
    timeline.append(_changed(source, "new token"), actor=actor, about=[source])
    return token


def _changed(source: Source, what: str) -> events.SourceChanged:
    return events.SourceChanged(
        source=source.pk,
        slug=source.slug,
        what=what,
        name=source.name,
        source_kind=source.kind,
        mapping=source.mapping,
        token_hint=source.token_hint,
        created_at=source.created_at,
    )


@atomic
def save_route(
    *, position: int, matchers: Sequence[Matcher], group_by: Sequence[str], policy: Policy, actor: timeline.Subject
) -> Route:
    """Make or replace the route at a position. Raises BadInput naming the matcher."""
    for number, matcher in enumerate(matchers):
        check(matcher, f"matchers[{number}]")
    stored = stored_form(matchers)
    route = Route.objects.filter(position=position).first()
    if route is None:
        route = Route.objects.create(position=position, matchers=stored, group_by=list(group_by), policy=policy)
    else:
        route.matchers, route.group_by, route.policy = stored, list(group_by), policy
        route.version += 1
        route.save()
    changed = events.RouteChanged(
        route=route.pk,
        position=position,
        version=route.version,
        matchers=stored,
        group_by=list(group_by),
        policy=policy.pk,
    )
    timeline.append(changed, actor=actor, about=[route])
    return route


@atomic
def note_error(source_id: int, sentence: str) -> None:
    """Keep the last thing that a source sent and that could not be understood, for its owner to see."""
    Source.objects.filter(pk=source_id).update(last_error=sentence[:1000], last_error_at=now(), last_heard_at=now())


def forget_old_signals() -> int:
    """Delete raw signals beyond their time, some at once; return how many."""
    old = now() - timedelta(days=config().signal_days)
    ids = list(Signal.objects.filter(received_at__lt=old).values_list("pk", flat=True)[:2000])
    with atomic():
        return Signal.objects.filter(pk__in=ids).delete()[0] if ids else 0


def group_of_page(page_id: int) -> AlertGroup | None:
    """Return the group that a page was sent for."""
    return AlertGroup.objects.filter(page_id=page_id).first()

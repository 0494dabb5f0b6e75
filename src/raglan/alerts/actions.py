"""Verbs of alerts."""

from collections.abc import Sequence
from datetime import timedelta

from raglan.alerts import events
from raglan.alerts.holds import review
from raglan.alerts.ingest import expire, ingest, seen_again
from raglan.alerts.matchers import check, check_all
from raglan.alerts.matchers import stored as stored_form
from raglan.alerts.models import AlertGroup, Route, Signal
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.silencing import (
    MAX_REASON,
    Setter,
    SilenceDraft,
    change_silence,
    change_silence_by_key,
    check_silence,
    expire_silence,
    expire_silence_by_key,
    set_silence,
)
from raglan.alerts.source_actions import (
    create_source,
    end_old_token,
    heard,
    note_alert,
    note_error,
    note_remote,
    rotate_token,
    save_mapping,
    save_secret,
    set_noisy,
    switch_source,
)
from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.paging.models import Policy

__all__ = [
    "MAX_REASON",
    "Setter",
    "SilenceDraft",
    "change_silence",
    "change_silence_by_key",
    "check_all",
    "check_silence",
    "create_source",
    "end_old_token",
    "expire",
    "expire_silence",
    "expire_silence_by_key",
    "forget_old_signals",
    "heard",
    "ingest",
    "note_alert",
    "note_error",
    "note_remote",
    "review",
    "rotate_token",
    "save_mapping",
    "save_route",
    "save_secret",
    "seen_again",
    "set_noisy",
    "set_silence",
    "switch_source",
]


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


def forget_old_signals() -> int:
    """Delete raw signals beyond their time, some at once; return how many."""
    old = now() - timedelta(days=config().signal_days)
    ids = list(Signal.objects.filter(received_at__lt=old).values_list("pk", flat=True)[:2000])
    with atomic():
        return Signal.objects.filter(pk__in=ids).delete()[0] if ids else 0


def group_of_page(page_id: int) -> AlertGroup | None:
    """Return the group that a page was sent for."""
    return AlertGroup.objects.filter(page_id=page_id).first()

"""Verbs of alerts."""

from datetime import timedelta

from raglan.alerts.holds import review
from raglan.alerts.ingest import begin_intake, expire, ingest, seen_again
from raglan.alerts.inhibiting import remove_inhibition, save_inhibition
from raglan.alerts.maintaining import (
    MaintenanceDraft,
    change_maintenance,
    check_maintenance,
    end_maintenance,
    plan_maintenance,
    window_of,
)
from raglan.alerts.matchers import check_all
from raglan.alerts.models import AlertGroup, Signal
from raglan.alerts.routing import RouteOptions, move_route, remove_route, restore_route, save_route
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
    check_mapping,
    create_source,
    end_old_token,
    heard,
    note_alert,
    note_error,
    note_remote,
    rotate_token,
    save_flapping,
    save_mapping,
    save_secret,
    set_noisy,
    switch_source,
)
from raglan.config import config
from raglan.core.clock import now
from raglan.core.db import atomic

__all__ = [
    "MAX_REASON",
    "MaintenanceDraft",
    "RouteOptions",
    "Setter",
    "SilenceDraft",
    "begin_intake",
    "change_maintenance",
    "change_silence",
    "change_silence_by_key",
    "check_all",
    "check_maintenance",
    "check_mapping",
    "check_silence",
    "create_source",
    "end_maintenance",
    "end_old_token",
    "expire",
    "expire_silence",
    "expire_silence_by_key",
    "forget_old_signals",
    "heard",
    "ingest",
    "move_route",
    "note_alert",
    "note_error",
    "note_remote",
    "plan_maintenance",
    "remove_inhibition",
    "remove_route",
    "restore_route",
    "review",
    "rotate_token",
    "save_flapping",
    "save_inhibition",
    "save_mapping",
    "save_route",
    "save_secret",
    "seen_again",
    "set_noisy",
    "set_silence",
    "switch_source",
    "window_of",
]


def forget_old_signals() -> int:
    """Delete raw signals beyond their time, some at once; return how many."""
    old = now() - timedelta(days=config().signal_days)
    ids = list(Signal.objects.filter(received_at__lt=old).values_list("pk", flat=True)[:2000])
    with atomic():
        return Signal.objects.filter(pk__in=ids).delete()[0] if ids else 0


def group_of_page(page_id: int) -> AlertGroup | None:
    """Return the group that a page was sent for."""
    return AlertGroup.objects.filter(page_id=page_id).first()

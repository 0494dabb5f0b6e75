"""Reads of changes."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from raglan.changes.models import Change

BEFORE = timedelta(hours=24)
AFTER = timedelta(minutes=15)
SHOWN = 10


def changes() -> QuerySet[Change]:
    """All changes, the newest first."""
    return Change.objects.order_by("-at", "-pk")


def around(at: datetime) -> list[Change]:
    """Return what changed in the day before a moment and shortly after it, the newest first."""
    return list(changes().filter(at__gt=at - BEFORE, at__lt=at + AFTER)[:SHOWN])

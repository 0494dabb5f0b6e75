"""Verbs of changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from raglan.changes import events
from raglan.changes.models import Change
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.secrets import random_token

MOST_LINKS = 20
MOST_DETAILS = 64
MOST_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """A change as somebody told it. Without a time it is of now, and telling it again is another one."""

    title: str
    origin: str = ""
    at: datetime | None = None
    links: Sequence[Mapping[str, str]] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@atomic
def record(told: Told, *, told_by: str, actor: timeline.Subject) -> Change:
    """Keep a change. The same one told again, with its time, is kept once."""
    key, at = _key(told, told_by), now()
    change, is_new = Change.objects.get_or_create(
        key=key,
        defaults={
            "title": told.title[:300],
            "origin": told.origin[:300],
            "told_by": told_by[:120],
            "at": told.at or at,
            "received_at": at,
            "links": [{name: str(value)[:2_000] for name, value in link.items()} for link in told.links[:MOST_LINKS]],
            "details": {n[:128]: v[:MOST_TEXT] for n, v in list(told.details.items())[:MOST_DETAILS]},
        },
    )
    if is_new:
        timeline.append(_recorded(change), actor=actor, about=[change, "changes"])
    return change


def _key(told: Told, told_by: str) -> str:
    when = told.at.isoformat() if told.at else random_token()
    words = [told_by, told.title, told.origin, when, json.dumps(dict(told.details), sort_keys=True)]
    return hashlib.sha256("\x01".join(words).encode("utf-8", "replace")).hexdigest()


def _recorded(change: Change) -> events.ChangeRecorded:
    return events.ChangeRecorded(
        change=change.pk,
        key=change.key,
        title=change.title,
        origin=change.origin,
        told_by=change.told_by,
        at=change.at,
        received_at=change.received_at,
        links=change.links,
        details=change.details,
    )

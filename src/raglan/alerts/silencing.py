"""Verbs of silences: set, change, expire. What fires is looked at now, and when a silence begins and ends."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.alerts import events, matchers
from raglan.alerts.holds import plan_review, review
from raglan.alerts.inhibitors import REVIEW
from raglan.alerts.models import Silence
from raglan.alerts.pipeline.route import Matcher
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person

LONGEST = timedelta(days=366)
MAX_REASON = 2_000


@dataclass(frozen=True, slots=True)
class SilenceDraft:
    """A silence as somebody wrote it. Both times are instants."""

    matchers: Sequence[Matcher]
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Setter:
    """Who sets a silence: a person, or a name that a source gave, for the alerts of that source only."""

    name: str
    person: Person | None = None
    source_id: int | None = None


@atomic
def set_silence(draft: SilenceDraft, *, by: Setter, actor: timeline.Subject) -> Silence:
    """Mute what matches from one instant to another. Raises BadInput."""
    check_silence(draft)
    at = now()
    silence = Silence.objects.create(
        key=str(uuid.uuid4()),
        matchers=matchers.stored(draft.matchers),
        starts_at=max(at, draft.starts_at),
        ends_at=draft.ends_at,
        reason=draft.reason.strip(),
        who=by.name[:200],
        person=by.person,
        source_id=by.source_id,
        created_at=at,
        updated_at=at,
    )
    told = events.SilenceSet.model_validate(_facts(silence))
    timeline.append(told, actor=actor, about=[silence, "alerts"])
    _look(silence)
    return silence


@atomic
def change_silence(silence: Silence, draft: SilenceDraft, *, version: int, actor: timeline.Subject) -> Silence:
    """Change what a silence mutes, or when, or why. One that has begun keeps its beginning. Raises Conflict."""
    check_silence(draft)
    at = now()
    begun = silence.starts_at <= at
    changed = Silence.objects.filter(pk=silence.pk, version=version, ends_at__gt=at).update(
        matchers=matchers.stored(draft.matchers),
        starts_at=silence.starts_at if begun else max(at, draft.starts_at),
        ends_at=draft.ends_at,
        reason=draft.reason.strip(),
        version=version + 1,
        updated_at=at,
    )
    silence.refresh_from_db()
    if not changed:
        over = silence.ends_at <= at
        raise Conflict("This silence is over; set a new one." if over else "Somebody changed this silence meanwhile.")
    told = events.SilenceChanged.model_validate(_facts(silence))
    timeline.append(told, actor=actor, about=[silence, "alerts"])
    _look(silence)
    return silence


@atomic
def expire_silence(silence: Silence, *, actor: timeline.Subject) -> Silence:
    """End a silence now; what it muted and still fires pages now. Safe to call twice."""
    at = now()
    starts_at = min(silence.starts_at, at)
    ended = Silence.objects.filter(pk=silence.pk, version=silence.version, ends_at__gt=at).update(
        starts_at=starts_at, ends_at=at, updated_at=at, version=silence.version + 1
    )
    silence.refresh_from_db()
    if not ended:
        if silence.ends_at > at:
            raise Conflict("Somebody changed this silence meanwhile.")
        return silence
    told = events.SilenceExpired(
        silence=silence.pk, version=silence.version, starts_at=starts_at, ends_at=at, updated_at=at
    )
    timeline.append(told, actor=actor, about=[silence, "alerts"])
    timers.cancel(REVIEW, subject=timeline.ref(silence))
    review(held_only=True)
    return silence


def change_silence_by_key(key: str, draft: SilenceDraft, *, version: int, actor: timeline.Subject) -> Silence:
    """Change a silence by the key under which other programs know it."""
    return change_silence(Silence.objects.get(key=key), draft, version=version, actor=actor)


def expire_silence_by_key(key: str, *, actor: timeline.Subject) -> Silence:
    """End a silence by the key under which other programs know it."""
    return expire_silence(Silence.objects.get(key=key), actor=actor)


def _look(silence: Silence) -> None:
    """Look at what fires now, and plan the looks at the beginning and at the end."""
    subject = timeline.ref(silence)
    timers.cancel(REVIEW, subject=subject)
    if silence.starts_at > now():
        plan_review(silence.starts_at, subject=subject)
    plan_review(silence.ends_at, subject=subject, held_only=True)
    review()


def check_silence(draft: SilenceDraft) -> None:
    """Raise BadInput when a silence can not be set as it is written."""
    matchers.check_all(draft.matchers)
    for name, moment in (("starts_at", draft.starts_at), ("ends_at", draft.ends_at)):
        if moment.tzinfo is None:
            raise BadInput(name, "say the offset from UTC, such as 2026-11-23T14:05:00+01:00", status=422)
    if draft.ends_at <= draft.starts_at:
        raise BadInput("ends_at", "must be after the start", status=422)
    if draft.ends_at <= now():
        raise BadInput("ends_at", "must not be over already", status=422)
    if draft.ends_at - max(draft.starts_at, now()) > LONGEST:
        raise BadInput("ends_at", "a silence lasts at most a year", status=422)
    if not draft.reason.strip():
        raise BadInput("reason", "say why, for those who wonder", status=422)
    if len(draft.reason) > MAX_REASON:
        raise BadInput("reason", f"at most {MAX_REASON} characters", status=422)


def _facts(silence: Silence) -> dict[str, object]:
    names = (
        "key",
        "version",
        "matchers",
        "starts_at",
        "ends_at",
        "reason",
        "who",
        "source_id",
        "created_at",
        "updated_at",
    )
    own: dict[str, object] = {name: getattr(silence, name) for name in names}
    return own | {"silence": silence.pk, "person": silence.person_id}

"""Verbs of heartbeats: taken, missed, paused.

One standing timer a heartbeat looks whether a beat is overdue, so that a beat itself is one small write. A missing beat
opens an alert of its source by the same pipeline as any signal; the next beat ends it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from raglan.alerts import events
from raglan.alerts.ingest import ingest
from raglan.alerts.models import Heartbeat, Source
from raglan.alerts.ports import Batch, Decoded, RawSignal, SourceKey, Status
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotFound

LOOK = "alerts.heartbeat"
AWAY = timedelta(seconds=60)
LONGEST_EXTRA = timedelta(hours=1)
MOST_WORDS = 10_000
PERIOD = (10, 366 * 86_400)
GRACE = (0, 366 * 86_400)
DEFAULT_PERIOD_S = 86_400
DEFAULT_GRACE_S = 3_600
MOST_IN_A_SOURCE = 2_000
State = Heartbeat.State


class Sort(StrEnum):
    """What a beat says."""

    BEAT = "beat"
    START = "start"
    FAIL = "fail"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Draft:
    """A heartbeat as a person or a program describes it."""

    name: str
    slug: str
    period_s: int = DEFAULT_PERIOD_S
    grace_s: int = DEFAULT_GRACE_S


@dataclass(frozen=True, slots=True)
class Known:
    """A heartbeat as its source may see it."""

    slug: str
    name: str
    period_s: int
    is_paused: bool
    is_down: bool
    last_beat_at: datetime | None


def find(source: SourceKey, slug: str) -> Known | None:
    """Return a heartbeat of a source."""
    found = Heartbeat.objects.filter(source_id=source.id, slug=slug).first()
    if found is None:
        return None
    is_paused, is_down = found.state == State.PAUSED, found.state == State.DOWN
    return Known(found.slug, found.name, found.period_s, is_paused, is_down, found.last_beat_at)


def deadline(heartbeat: Heartbeat) -> datetime | None:
    """Return when a heartbeat is missing unless it beats: after its period and grace, or the grace of what it began."""
    if heartbeat.state not in (State.NEW, State.UP):
        return None
    grace = timedelta(seconds=heartbeat.grace_s)
    ends = [heartbeat.started_at + grace] if heartbeat.started_at else []
    if heartbeat.state == State.UP and heartbeat.last_beat_at:
        ends.append(heartbeat.last_beat_at + timedelta(seconds=heartbeat.period_s) + grace)
    return min(ends, default=None)


# By hand -------------------------------------------------------------------------------------------------------------


@atomic
def create(source: Source, draft: Draft, *, actor: timeline.Subject) -> Heartbeat:
    """Make a heartbeat; it waits for its first beat. Raises BadInput."""
    _check(draft)
    if Heartbeat.objects.filter(source=source, slug=draft.slug).exists():
        raise BadInput("slug", "another heartbeat of this source has this short name", status=409)
    if Heartbeat.objects.filter(source=source).count() >= MOST_IN_A_SOURCE:
        raise BadInput("", f"a source has at most {MOST_IN_A_SOURCE:,} heartbeats", status=422)
    made = Heartbeat.objects.create(
        source=source,
        name=draft.name[:120],
        slug=draft.slug,
        period_s=draft.period_s,
        grace_s=draft.grace_s,
        created_at=now(),
    )
    _tell(made, "made", actor)
    return made


@atomic
def change(heartbeat: Heartbeat, draft: Draft, *, actor: timeline.Subject) -> Heartbeat:
    """Change name, period and grace; the short name stays, because senders use it. Raises BadInput."""
    _check(draft)
    heartbeat = _locked(heartbeat.pk)
    heartbeat.name, heartbeat.period_s, heartbeat.grace_s = draft.name[:120], draft.period_s, draft.grace_s
    heartbeat.save(update_fields=["name", "period_s", "grace_s"])
    _look_at_deadline(heartbeat)
    _tell(heartbeat, "changed", actor)
    return heartbeat


@atomic
def pause(heartbeat: Heartbeat, *, actor: timeline.Subject) -> None:
    """Expect nothing of a heartbeat until it beats again, and end its alert. Safe to call twice."""
    heartbeat = _locked(heartbeat.pk)
    if heartbeat.state == State.PAUSED:
        return
    was_down = heartbeat.state == State.DOWN
    heartbeat.state, heartbeat.started_at, heartbeat.why = State.PAUSED, None, ""
    heartbeat.save(update_fields=["state", "started_at", "why"])
    timers.cancel(LOOK, subject=timeline.ref(heartbeat))
    _tell(heartbeat, "paused", actor)
    if was_down:
        _signal(heartbeat, "resolved", "it was paused")


@atomic
def resume(heartbeat: Heartbeat, *, actor: timeline.Subject) -> None:
    """Expect its next beat again: it waits for one as a new heartbeat does. Safe to call twice."""
    heartbeat = _locked(heartbeat.pk)
    if heartbeat.state == State.PAUSED:
        heartbeat.state = State.NEW
        heartbeat.save(update_fields=["state"])
        _tell(heartbeat, "expected again", actor)


@atomic
def remove(heartbeat: Heartbeat, *, actor: timeline.Subject) -> None:
    """End a heartbeat and its alert."""
    pause(heartbeat, actor=actor)
    heartbeat = _locked(heartbeat.pk)
    _tell(heartbeat, "removed", actor)
    heartbeat.delete()


def _check(draft: Draft) -> None:
    if not draft.slug or len(draft.slug) > 100 or "/" in draft.slug:
        raise BadInput("slug", "has 1 to 100 characters and no slash", status=422)
    if not draft.name:
        raise BadInput("name", "must not be empty", status=422)
    for field, value, (least, most) in (("period_s", draft.period_s, PERIOD), ("grace_s", draft.grace_s, GRACE)):
        if not least <= value <= most:
            raise BadInput(field, f"must be from {least} to {most:,} seconds", status=422)


def _locked(pk: int) -> Heartbeat:
    found = Heartbeat.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such heartbeat.")
    return found


def _tell(heartbeat: Heartbeat, what: str, actor: timeline.Subject) -> None:
    changed = events.HeartbeatChanged(
        heartbeat=heartbeat.pk,
        what=what,
        source=heartbeat.source_id,
        name=heartbeat.name,
        slug=heartbeat.slug,
        period_s=heartbeat.period_s,
        grace_s=heartbeat.grace_s,
        state=heartbeat.state,
        created_at=heartbeat.created_at,
    )
    timeline.append(changed, actor=actor, about=[heartbeat, f"source:{heartbeat.source_id}"])


# By beats ------------------------------------------------------------------------------------------------------------


@atomic
def take(source: SourceKey, slug: str, sort: Sort, *, words: str = "", create_it: bool = False) -> Heartbeat:
    """Take a beat of a source. Raises NotFound, unless the sender asks to make a heartbeat that is not known yet."""
    found = Heartbeat.objects.filter(source_id=source.id, slug=slug).first()
    Source.objects.filter(pk=source.id).update(last_heard_at=now())
    if found is None:
        if not create_it:
            raise NotFound(f"This source has no heartbeat {slug[:100]}. Make it under Setup, or send ?create=1.")
        of = Source.objects.get(pk=source.id)
        found = create(of, Draft(slug, slug), actor=f"source:{source.id}")
    return _taken(_locked(found.pk), sort, words)


def _taken(heartbeat: Heartbeat, sort: Sort, words: str) -> Heartbeat:
    at = now()
    heartbeat.last_words = words[:MOST_WORDS] or heartbeat.last_words
    match sort:
        case Sort.BEAT:
            _beat(heartbeat, at)
        case Sort.FAIL:
            _miss(heartbeat, at, "it said itself that it failed")
        case Sort.START:
            heartbeat.started_at = at
            heartbeat.save(update_fields=["started_at", "last_words"])
            _look_at_deadline(heartbeat)
        case Sort.LOG:
            heartbeat.save(update_fields=["last_words"])
    return heartbeat


def _beat(heartbeat: Heartbeat, at: datetime) -> None:
    was = heartbeat.state
    if heartbeat.started_at:
        heartbeat.last_took_s = max(0.0, (at - heartbeat.started_at).total_seconds())
    heartbeat.last_beat_at, heartbeat.started_at, heartbeat.state, heartbeat.why = at, None, State.UP, ""
    heartbeat.save(update_fields=["last_beat_at", "started_at", "state", "why", "last_took_s", "last_words"])
    if was == State.UP:
        return  # the standing timer looks for itself when this beat runs out
    _look_at_deadline(heartbeat)
    came = events.HeartbeatCame(heartbeat=heartbeat.pk, at=at)
    timeline.append(came, actor=f"source:{heartbeat.source_id}", about=[heartbeat, f"source:{heartbeat.source_id}"])
    if was == State.DOWN:
        _signal(heartbeat, "resolved", "it beats again")


def _miss(heartbeat: Heartbeat, at: datetime, why: str) -> None:
    heartbeat.state, heartbeat.started_at, heartbeat.why = State.DOWN, None, why
    heartbeat.save(update_fields=["state", "started_at", "why", "last_words"])
    timers.cancel(LOOK, subject=timeline.ref(heartbeat))
    missed = events.HeartbeatMissed(heartbeat=heartbeat.pk, why=why, at=at)
    timeline.append(missed, about=[heartbeat, f"source:{heartbeat.source_id}"])
    _signal(heartbeat, "firing", why)


def _look_at_deadline(heartbeat: Heartbeat) -> None:
    timers.cancel(LOOK, subject=timeline.ref(heartbeat))
    if (due_at := deadline(heartbeat)) is not None:
        timers.schedule(LOOK, subject=timeline.ref(heartbeat), due_at=due_at)


@timers.handler(LOOK, on_parked=timers.goes_on(timedelta(minutes=1)))
def look(due: timers.Due) -> None:
    """Look whether a beat is overdue.

    When raglan itself was away at that time, the beat may have found nobody: it gets one more period, at most an hour.
    """
    heartbeat = Heartbeat.objects.select_for_update(no_key=True).filter(pk=due.subject_id).first()
    ends = deadline(heartbeat) if heartbeat else None
    if heartbeat is None or ends is None:
        return
    at = now()
    if at < ends:
        _look_at_deadline(heartbeat)
    elif at - due.due_at > AWAY and not due.payload.get("again"):
        extra = min(timedelta(seconds=heartbeat.period_s), LONGEST_EXTRA) + timedelta(seconds=heartbeat.grace_s)
        timers.schedule(LOOK, subject=due.subject, due_at=at + extra, payload={"again": True})
    else:
        _miss(heartbeat, at, _overdue(heartbeat))


def _overdue(heartbeat: Heartbeat) -> str:
    if heartbeat.started_at:
        return f"it began at {heartbeat.started_at:%Y-%m-%d %H:%M} UTC and did not end in time"
    return f"no beat since {heartbeat.last_beat_at:%Y-%m-%d %H:%M} UTC"


def _signal(heartbeat: Heartbeat, status: Status, why: str) -> None:
    """Let an alert of the heartbeat fire or end, by the pipeline that all signals take."""
    source = heartbeat.source
    labels = {"alertname": "HeartbeatMissing", "heartbeat": heartbeat.slug, "source": source.slug}
    facts = {"description": f"{heartbeat.name}: {why}."} | (
        {"last words": heartbeat.last_words[:4_000]} if heartbeat.last_words else {}
    )
    signal = RawSignal(
        status=status,
        labels={**labels, "severity": "critical"},
        annotations=facts if status == "firing" else {},
        title=f"{heartbeat.name} is missing" if "no beat" in why else f"{heartbeat.name} failed",
        severity="critical",
        dedup_key=f"heartbeat:{heartbeat.pk}",
        raw={"heartbeat": heartbeat.slug, "why": why},
    )
    key = SourceKey(source.pk, source.slug, source.kind, source.mapping)
    ingest([Batch(key, Decoded([signal]), now())])

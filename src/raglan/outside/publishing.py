"""Brings the status page to its places: at once when something public changed, else regularly, so that it stays fresh.

One place at a time in a process: other calls outside find a thread, too. Pages have threads that this never takes.
"""

import threading
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Q

from raglan.core import logs, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.outside import events, queries, render, snapshot
from raglan.outside.models import Target
from raglan.outside.ways import NotBroughtError, Place, Way
from raglan.outside.ways.command import Command
from raglan.outside.ways.folder import Folder
from raglan.outside.ways.git import Git
from raglan.outside.ways.s3 import S3
from raglan.people import sealing

PUBLISH = "outside.publish"
BUSY = timedelta(seconds=5)
LONGEST = timedelta(seconds=150)
AGAIN = timedelta(minutes=1)
MOST = 10
WAYS: dict[str, Way] = {
    Target.Kind.FOLDER: Folder(),
    Target.Kind.S3: S3(),
    Target.Kind.GIT: Git(),
    Target.Kind.COMMAND: Command(),
}
log = logs.get("raglan.outside")
_bringing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Draft:
    """A place as somebody names it."""

    kind: str
    name: str
    settings: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    every_min: int = 10


@atomic
def add(draft: Draft, *, actor: timeline.Subject) -> Target:
    """Bring the page to one more place from now on. Raises BadInput naming the field."""
    way, name = WAYS.get(draft.kind), " ".join(clean_text(draft.name).split())
    if way is None:
        raise BadInput("kind", f"must be one of {', '.join(WAYS)}", status=422)
    if not 1 <= len(name) <= 120:
        raise BadInput("name", "give it a name of at most 120 characters", status=422)
    if not 1 <= draft.every_min <= 1440:
        raise BadInput("every_min", "from a minute to a day", status=422)
    settings = {key: clean_text(draft.settings.get(key, "")).strip() for key in way.names}
    if not draft.secret.isprintable():
        raise BadInput("secret", "has characters that can not be typed", status=422)
    way.check(Place(settings, draft.secret))
    if queries.targets().count() >= MOST:
        raise BadInput("name", f"{MOST} places are enough; end one first", status=422)
    made = Target.objects.create(
        kind=draft.kind,
        name=name,
        settings=settings,
        secret_sealed=sealing.seal(draft.secret) if draft.secret else "",
        every_min=draft.every_min,
        created_at=now(),
    )
    told = events.TargetSet(
        target=made.pk,
        target_kind=made.kind,
        name=name,
        settings=settings,
        has_secret=bool(draft.secret),
        every_min=made.every_min,
        created_at=made.created_at,
    )
    timeline.append(told, actor=actor, about=[made, queries.PAGE])
    publish_soon()
    return made


@atomic
def end(target: Target, *, actor: timeline.Subject) -> None:
    """Bring the page to a place no more; what stands there grows old, and says so. Safe to call twice."""
    at = now()
    if Target.objects.filter(pk=target.pk, ended_at__isnull=True).update(ended_at=at, secret_sealed=""):
        timers.cancel(PUBLISH, subject=timeline.ref(target))
        told = events.TargetEnded(target=target.pk, ended_at=at)
        timeline.append(told, actor=actor, about=[target, queries.PAGE])


@atomic
def publish_soon() -> int:
    """Bring the page to all its places as soon as a thread is free; return to how many. None while it is off."""
    if not queries.page().is_on:
        return 0
    found = list(queries.targets())
    for target in found:
        timers.cancel(PUBLISH, subject=timeline.ref(target))
        timers.schedule(PUBLISH, subject=timeline.ref(target), due_at=now())
    return len(found)


@timers.handler(PUBLISH, network=True, on_parked=timers.goes_on(AGAIN))
def publish(due: timers.Due) -> None:
    """Bring the page to one place, then plan the next time."""
    if not _bringing.acquire(blocking=False):
        _plan(due.subject_id, BUSY)
        return
    try:
        wait = bring(due.subject_id)
    finally:
        _bringing.release()
    _plan(due.subject_id, wait)


@atomic
def _plan(target_id: int, wait: timedelta) -> None:
    """Plan the next time, unless the place has ended or is planned sooner: something changed meanwhile."""
    subject, due_at = f"{Target.ref_kind}:{target_id}", now() + wait
    if not queries.page().is_on or not queries.targets().filter(pk=target_id).exists():
        return
    if not timers.is_planned(PUBLISH, subject=subject, by=due_at):
        timers.cancel(PUBLISH, subject=subject)
        timers.schedule(PUBLISH, subject=subject, due_at=due_at)


def bring(target_id: int) -> timedelta:
    """Bring the page to one place, unless another node is at it; return when to do so again."""
    target, at = queries.targets().filter(pk=target_id).first(), now()
    if target is None or not queries.page().is_on:
        return AGAIN
    free = Target.objects.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=at), pk=target.pk)
    with atomic():
        if not free.update(claimed_until=at + LONGEST):
            return BUSY
    every = timedelta(minutes=target.every_min)
    try:
        secret = sealing.unseal(target.secret_sealed) if target.secret_sealed else ""
        files = render.files(snapshot.take(every_min=target.every_min))
        _note_done(target, WAYS[target.kind].bring(Place(target.settings, secret), files))
    except (NotBroughtError, sealing.SealBrokenError) as error:
        _note_problem(target, str(error))
        return min(AGAIN, every)
    except Exception as error:  # whatever it is, the place says so and is tried again
        log.exception("the status page could not be made or brought to a place", extra={"place": target.name})
        _note_problem(target, f"something that raglan did not expect: {type(error).__name__}: {error}")
        return min(AGAIN, every)
    except BaseException:
        with atomic():
            Target.objects.filter(pk=target.pk).update(claimed_until=None)
        raise
    return every


@atomic
def _note_done(target: Target, said: str) -> None:
    at = now()
    before = Target.objects.select_for_update(no_key=True).get(pk=target.pk)
    Target.objects.filter(pk=target.pk).update(
        claimed_until=None, tried_at=at, published_at=at, problem="", failing_since=None, output=clean_text(said)[:4000]
    )
    if before.published_at is None or before.failing_since is not None:
        told = events.Published(target=target.pk, published_at=at)
        timeline.append(told, about=[target, queries.PAGE])


@atomic
def _note_problem(target: Target, problem: str) -> None:
    at, problem = now(), clean_text(problem)[:4000]
    before = Target.objects.select_for_update(no_key=True).get(pk=target.pk)
    since = before.failing_since or at
    Target.objects.filter(pk=target.pk).update(claimed_until=None, tried_at=at, problem=problem, failing_since=since)
    if before.failing_since is None or before.problem != problem:
        log.warning("the status page could not be brought to a place", extra={"place": target.name, "problem": problem})
        told = events.NotPublished(target=target.pk, problem=problem, failing_since=since)
        timeline.append(told, about=[target, queries.PAGE])

"""Mirrors: named by people, read by a timer; what went from one stays known, with when it was there last."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.db.models import QuerySet

from raglan.core import http, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, NotFound
from raglan.core.slugs import free_slug
from raglan.fleet import events, mirror_reading, pins
from raglan.fleet.mirror_models import Mirror, MirrorPackage
from raglan.fleet.mirror_reading import Index, NotReadError, Package

READ = "fleet.mirror"
BUSY = timedelta(seconds=10)
MOST = 50
CHUNK = 1_000  # so many rows a transaction, so that nobody else waits long
NAMED = 20
HALF = 0.5
LEAST_EVERY, MOST_EVERY = 1, 1_440
T = TypeVar("T")
_reading = threading.Lock()  # one at a time: the threads that reach out are for pages


@dataclass(frozen=True, slots=True)
class Draft:
    """A mirror as somebody names it. `address` of a command is its name in the configuration."""

    name: str
    kind: str
    address: str
    scheme: str = ""
    every_min: int = 15


def mirrors() -> QuerySet[Mirror]:
    """All mirrors that are read, by name."""
    return Mirror.objects.filter(ended_at__isnull=True).order_by("name", "pk")


def mirror(slug: str) -> Mirror:
    """Return a mirror. Raises NotFound."""
    found = mirrors().filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such mirror.")
    return found


@atomic
def add(draft: Draft, *, actor: timeline.Subject) -> Mirror:
    """Read a mirror from now on. Raises BadInput naming the field."""
    name = clean_text(draft.name).strip()
    _check(draft, name)
    if mirrors().count() >= MOST:
        raise BadInput("address", f"{MOST} mirrors are enough; end one first", status=422)
    if mirrors().filter(address=draft.address).exists():
        raise BadInput("address", "this one is read already", status=422)
    made = Mirror.objects.create(
        name=name,
        slug=free_slug(Mirror.objects.all(), name, otherwise="mirror", reserved=("new", "pins")),
        kind=draft.kind,
        scheme=_scheme(draft),
        address=draft.address,
        every_min=draft.every_min,
        created_at=now(),
    )
    timeline.append(_set(made), actor=actor, about=[made, "mirrors"])
    read_soon(made)
    return made


@atomic
def change(found: Mirror, draft: Draft, *, actor: timeline.Subject) -> Mirror:
    """Read a mirror elsewhere, otherwise or under another name; what it had stays known. Raises BadInput."""
    name = clean_text(draft.name).strip()
    _check(draft, name)
    if draft.kind != found.kind:
        raise BadInput("kind", "stays as it is: read another kind as a mirror of its own", status=422)
    if mirrors().filter(address=draft.address).exclude(pk=found.pk).exists():
        raise BadInput("address", "this one is read already", status=422)
    fields = {"name": name, "address": draft.address, "scheme": _scheme(draft), "every_min": draft.every_min}
    if any(getattr(found, field) != value for field, value in fields.items()):
        Mirror.objects.filter(pk=found.pk).update(**fields)
        found.refresh_from_db()
        timeline.append(_set(found), actor=actor, about=[found, "mirrors"])
        read_soon(found)
    return found


def _check(draft: Draft, name: str) -> None:
    if not 1 <= len(name) <= 120:
        raise BadInput("name", "give it a name of at most 120 characters", status=422)
    if draft.kind not in Mirror.Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(Mirror.Kind.values)}", status=422)
    if draft.scheme and draft.scheme not in Mirror.Scheme.values:
        raise BadInput("scheme", f"must be one of {', '.join(Mirror.Scheme.values)}", status=422)
    if not LEAST_EVERY <= draft.every_min <= MOST_EVERY:
        raise BadInput("every_min", f"must be from {LEAST_EVERY} to {MOST_EVERY} minutes", status=422)
    if draft.kind == Mirror.Kind.COMMAND:
        if draft.address not in mirror_reading.commands():
            known = ", ".join(mirror_reading.commands()) or "none yet"
            raise BadInput("address", f"is none that mirror_commands of the configuration names: {known}", status=422)
        return
    http.check_url(draft.address, "address")
    if len(draft.address) > 1_000:
        raise BadInput("address", "is too long", status=422)


def _scheme(draft: Draft) -> str:
    if draft.kind == Mirror.Kind.YUM:
        return Mirror.Scheme.RPM
    return Mirror.Scheme.DEB if draft.kind == Mirror.Kind.APT else draft.scheme or Mirror.Scheme.DEB


@atomic
def end(found: Mirror, *, actor: timeline.Subject) -> None:
    """Read a mirror no more, and forget what it had. Safe to call twice."""
    at = now()
    if not Mirror.objects.filter(pk=found.pk, ended_at__isnull=True).update(ended_at=at):
        return
    timers.cancel(READ, subject=timeline.ref(found))
    timers.schedule(READ, subject=timeline.ref(found), due_at=at)  # forgets what it had
    timeline.append(events.MirrorEnded(mirror=found.pk, ended_at=at), actor=actor, about=[found, "mirrors"])
    pins.look_again(at)


@atomic
def read_soon(found: Mirror) -> None:
    """Read a mirror as soon as a worker is free."""
    timers.schedule(READ, subject=timeline.ref(found), due_at=now())


@timers.handler(READ, network=True, on_parked=timers.goes_on(timedelta(minutes=15)))
def read_due(due: timers.Due) -> None:
    """Read a mirror, then plan the next time."""
    found = mirrors().filter(pk=due.subject_id).first()
    if found is None:
        _forget(due.subject_id)
        return
    wait = timedelta(minutes=found.every_min)
    if _reading.acquire(blocking=False):
        try:
            read(found)
        finally:
            _reading.release()
    else:
        wait = BUSY
    with atomic():
        if mirrors().filter(pk=found.pk).exists():
            timers.schedule(READ, subject=due.subject, due_at=now() + wait)


def _forget(ended: int) -> None:
    for some in _pieces(list(MirrorPackage.objects.filter(mirror=ended).values_list("pk", flat=True))):
        with atomic():
            MirrorPackage.objects.filter(pk__in=some).delete()


def read(found: Mirror) -> None:
    """Read a mirror now, and keep what is different. What can not be read leaves all as it was last seen."""
    try:
        index = mirror_reading.read(found)
        if index.packages is not None:
            _believe(found, index)
    except NotReadError as error:
        keep_last_copy(found, str(error))
        return
    came, went = _store(found, index) if index.packages is not None else ([], [])
    _done(found, index, came, went)


def _believe(found: Mirror, index: Index) -> None:
    """Refuse an index that suddenly lacks most, until it is seen for a second time. Raises NotReadError."""
    new, old = len(index.packages or ()), found.count
    if new == 0 and old == 0:
        raise NotReadError("it names no package")
    is_odd = (old > 10 and new < old * HALF) or (new == 0 and old > 0)
    if is_odd and found.validators.get("doubted") != index.digest:
        Mirror.objects.filter(pk=found.pk).update(validators={"doubted": index.digest})
        raise NotReadError(f"it suddenly names {new} packages instead of {old}; believed when it says so again")


def _store(found: Mirror, index: Index) -> tuple[list[Package], list[Package]]:
    """Store what came and note what went, a bounded piece at a time; done half, the rest is done the next time."""
    at, there = now(), index.packages or frozenset()
    known = {
        (name, version, arch): (pk, last)
        for pk, name, version, arch, last in MirrorPackage.objects.filter(mirror=found)
        .values_list("pk", "name", "version", "arch", "last_seen_at")
        .iterator()
    }
    came = sorted(there - known.keys())
    back = sorted(one for one in there & known.keys() if known[one][1] is not None)
    went = sorted(one for one, (_pk, last) in known.items() if last is None and one not in there)
    for some in _pieces(came):
        with atomic():
            MirrorPackage.objects.bulk_create(
                [MirrorPackage(mirror=found, name=n, version=v, arch=a, first_seen_at=at) for n, v, a in some],
                ignore_conflicts=True,
            )
    for again in _pieces(back):
        with atomic():
            MirrorPackage.objects.filter(pk__in=[known[one][0] for one in again]).update(last_seen_at=None)
    for gone in _pieces(went):
        with atomic():
            rows = MirrorPackage.objects.filter(pk__in=[known[one][0] for one in gone])
            rows.update(last_seen_at=found.read_at or at)
    return [*came, *back], went


def _pieces(items: Sequence[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, CHUNK)):
        yield some


@atomic
def _done(found: Mirror, index: Index, came: list[Package], went: list[Package]) -> None:
    at = now()
    is_first, was_failing = found.read_at is None, found.failing_since is not None
    count = found.count if index.packages is None else len(index.packages)
    Mirror.objects.filter(pk=found.pk).update(
        tried_at=at,
        read_at=at,
        failing_since=None,
        problem="",
        digest=index.digest,
        validators=dict(index.validators),
        count=count,
    )
    if is_first or was_failing or came or went:
        said = events.MirrorRead(
            mirror=found.pk,
            read_at=at,
            count=count,
            came=len(came),
            went=len(went),
            some_that_came=[] if is_first else _named(came),
            some_that_went=_named(went),
        )
        timeline.append(said, about=[found, "mirrors"])
    if is_first or came or went:
        pins.look_again(at)


def _named(packages: Sequence[Package]) -> list[str]:
    return [f"{name} {version}" for name, version, _arch in packages[:NAMED]]


@atomic
def keep_last_copy(found: Mirror, problem: str) -> None:
    """Keep what a mirror had when it was last read, and say why it could not be read now."""
    at, problem = now(), clean_text(problem)[:300]
    since = found.failing_since or at
    changed = Mirror.objects.filter(pk=found.pk, ended_at__isnull=True)
    changed.update(tried_at=at, failing_since=since, problem=problem)
    if problem != found.problem:
        said = events.MirrorNotRead(mirror=found.pk, tried_at=at, failing_since=since, problem=problem)
        timeline.append(said, about=[found, "mirrors"])


def _set(made: Mirror) -> events.MirrorSet:
    return events.MirrorSet(
        mirror=made.pk,
        name=made.name,
        slug=made.slug,
        mirror_kind=made.kind,
        scheme=made.scheme,
        address=made.address,
        every_min=made.every_min,
        created_at=made.created_at,
    )


def oldest_evidence(at: datetime) -> timedelta | None:
    """Return how old the oldest look at a mirror is."""
    times = [read_at or created for read_at, created in mirrors().values_list("read_at", "created_at")]
    return at - min(times) if times else None

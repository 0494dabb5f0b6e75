"""Append-only events and the reactions that follow them.

Every change appends its event in its own transaction. For each registered reaction a timer is written in that same
transaction, so that a reaction is retried, seen, and kept in order for its first subject.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import ClassVar, NamedTuple, Protocol, overload, runtime_checkable

import msgspec
from django.db import InterfaceError, OperationalError
from pydantic import BaseModel, ConfigDict

from raglan.core import bus, logs, metrics, timers
from raglan.core.clock import now
from raglan.core.db import atomic, bulk, quiet
from raglan.core.models import Event, EventSubject

REACT = "core.react"
REACT_IF_NEEDED = "core.react_if_needed"
WIDE_READ = 100
SYSTEM = "raglan"
log = logs.get("raglan.timeline")
_appended_as = cache(metrics.events_appended.labels)  # the library looks a label up with a lock and a copy


class EventPayload(BaseModel):
    """What an event of one kind carries. Subclasses set `kind` and are registered by being defined.

    A kind that tells of many things at once has a field `names` and says so: these names are told to whoever watches
    them, as those that the event is linked with are, but have no row each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    kind: ClassVar[str] = ""
    has_names: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Register the kind for the reference page and for reading back."""
        if cls.kind:
            KINDS[cls.kind] = cls


KINDS: dict[str, type[EventPayload]] = {}


@runtime_checkable
class HasRef(Protocol):
    """A thing that events can be about."""

    pk: int
    ref_kind: ClassVar[str]


Subject = HasRef | str


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as its readers see it: payload validated, subjects in order."""

    id: int
    at: datetime
    kind: str
    actor: str
    data: dict[str, object]
    subjects: tuple[str, ...]

    def payload(self) -> EventPayload:
        """Return the data as the model of its kind."""
        return KINDS[self.kind].model_validate(self.data)


Reaction = Callable[[Happened], None]
Needed = Callable[[Sequence[Happened]], Collection[int]]


class Listed(NamedTuple):
    """A reaction to a kind of event, and what says whether it is wanted: when one is recorded, and after which."""

    name: str
    function: Reaction
    when: Callable[[], bool] | None
    needed: Needed | None

    @property
    def timer(self) -> str:
        """The kind of its timers."""
        return REACT_IF_NEEDED if self.needed else REACT


_reactions: dict[str, list[Listed]] = {}


def reaction(
    *kinds: str, when: Callable[[], bool] | None = None, needed: Needed | None = None
) -> Callable[[Reaction], Reaction]:
    """Register a function to run, in a transaction of its own, after each event of these kinds.

    `when` is asked in the transaction of the event: a reaction that nobody needs then is not planned. `needed` looks
    through many events with few queries, and returns the ids of those after which there is anything to do: in a storm
    most have nothing. With SQLite, where nobody else writes meanwhile, it is asked in that transaction, too, and before
    it looks into any event; with PostgreSQL afterwards, and what is not needed is over for all of them at once.
    """

    def register(function: Reaction) -> Reaction:
        name = f"{function.__module__}.{function.__name__}"
        for kind in kinds:
            _reactions.setdefault(kind, []).append(Listed(name, function, when, needed))
        return function

    return register


def ref(subject: Subject) -> str:
    """Return `kind:id`, the name under which a thing stands in events and on the bus."""
    return subject if isinstance(subject, str) else f"{subject.ref_kind}:{subject.pk}"


@dataclass(frozen=True, slots=True)
class Record:
    """A fact that is ready to be stored: its kind, its payload as JSON, and the names of what it is about.

    `names` are those that stand in its payload only.
    """

    kind: str
    data: str
    about: tuple[str, ...]
    names: tuple[str, ...] = ()


def record(payload: EventPayload, about: Sequence[Subject]) -> Record:
    """Return a fact ready to be stored."""
    text = payload.__pydantic_serializer__.to_json(payload).decode()  # as `model_dump_json` does with its defaults
    return Record(payload.kind, text, tuple(dict.fromkeys(map(ref, about))))


def append(payload: EventPayload, *, actor: Subject = SYSTEM, about: Sequence[Subject]) -> Event:
    """Record one fact, link its subjects, plan its reactions and tell the bus after the commit."""
    at = now()
    (key,) = append_records([record(payload, about)], actor=actor, at=at)
    return Event(pk=key, at=at, kind=payload.kind, actor=ref(actor), data=payload.model_dump(mode="json"))


def append_many(facts: Iterable[tuple[EventPayload, Sequence[Subject]]], *, actor: Subject = SYSTEM) -> None:
    """Record several facts of one moment with few statements; the order is kept."""
    append_records([record(payload, about) for payload, about in facts], actor=actor)


@atomic(savepoint=False)
def append_records(records: Sequence[Record], *, actor: Subject = SYSTEM, at: datetime | None = None) -> list[int]:
    """Record facts that are ready, in order, with few statements; return the ids of their events."""
    at = at or now()
    keys = bulk.take_keys(Event, len(records))
    when, who = bulk.stamp(at), ref(actor)
    rows = [(key, when, item.kind, who, item.data) for key, item in zip(keys, records, strict=True)]
    bulk.insert_rows(Event, ("id", "at", "kind", "actor", "data"), rows)
    quiet.tell_here({item.kind for item in records})
    links = [(key, name) for key, item in zip(keys, records, strict=True) for name in item.about]
    bulk.insert_rows(EventSubject, ("event_id", "subject"), links)
    if keys:  # before what wakes others: who watches a room hears first
        bus.publish(sorted({name for item in records for name in (*item.about, *item.names)}), keys[-1])
    _plan_reactions(keys, records, at)
    for kind, count in Counter(item.kind for item in records).items():
        _appended_as(kind).inc(count)
    return keys


def _plan_reactions(keys: Sequence[int], records: Sequence[Record], at: datetime) -> None:
    of: dict[str, list[tuple[int, Record]]] = {}
    for key, item in zip(keys, records, strict=True):
        if item.kind in _reactions:
            of.setdefault(item.kind, []).append((key, item))
    plans = [
        (key, listed, item)
        for kind, told in of.items()
        for listed in _reactions[kind]
        if listed.when is None or listed.when()
        for key, item in _needed_of(listed, told, at)
    ]
    plans.sort(key=lambda plan: plan[0])  # what is planned for one event stays in the order of registration
    timers.schedule_many(
        [
            timers.Plan(
                kind=listed.timer,
                subject=f"event:{key}",
                due_at=at,
                payload={"event": key, "reaction": listed.name},
                lane=item.about[0] if item.about else "",
            )
            for key, listed, item in plans
        ]
    )


class _Coming(Sequence[Happened]):
    """Events of one kind that are about to be stored, each read only when somebody looks."""

    def __init__(self, told: Sequence[tuple[int, Record]], at: datetime) -> None:
        self._told = told
        self._at = at

    def __len__(self) -> int:
        return len(self._told)

    @overload
    def __getitem__(self, place: int) -> Happened: ...
    @overload
    def __getitem__(self, place: slice) -> "_Coming": ...
    def __getitem__(self, place: int | slice) -> "Happened | _Coming":
        if isinstance(place, slice):
            return _Coming(self._told[place], self._at)
        key, item = self._told[place]
        return Happened(key, self._at, item.kind, "", msgspec.json.decode(item.data), item.about)


def _needed_of(listed: Listed, told: Sequence[tuple[int, Record]], at: datetime) -> Sequence[tuple[int, Record]]:
    """Return after which events a reaction has anything to do, as far as that can be told now."""
    if listed.needed is None or bulk.is_postgresql():  # there a commit beside this one may be what makes it needed
        return told
    try:
        needed = listed.needed(_Coming(told, at))
    except (OperationalError, InterfaceError):
        raise  # the database, not the question
    except Exception:  # then it is asked once more when its timer is due
        log.exception("a reaction could not say whether it is needed", extra={"reaction": listed.name})
        return told
    return [(key, item) for key, item in told if key in needed]


def finish_what_nobody_needs(many: Sequence[timers.Due], take: timers.Take) -> None:
    """Look through reactions to many events at once; end those that have nothing to do."""
    events = {event.id: event for event in _happened([_event_of(due) for due in many])}
    of: dict[Listed, list[timers.Due]] = {}
    for due in many:
        event = events.get(_event_of(due))
        if event is not None and (listed := _listed(event, due)) is not None and listed.needed is not None:
            of.setdefault(listed, []).append(due)
    for listed, dues in of.items():
        if listed.needed is not None:
            needed = listed.needed([events[_event_of(due)] for due in dues])
            take([due for due in dues if _event_of(due) not in needed])


@timers.handler(REACT)
@timers.handler(REACT_IF_NEEDED, together=finish_what_nobody_needs)
def react(due: timers.Due) -> None:
    """Run one reaction to one event."""
    event = happened(_event_of(due))
    if (listed := _listed(event, due)) is not None:
        listed.function(event)


def _event_of(due: timers.Due) -> int:
    return int(str(due.payload["event"]))


def _listed(event: Happened, due: timers.Due) -> Listed | None:
    return next((one for one in _reactions.get(event.kind, []) if one.name == due.payload["reaction"]), None)


def happened(event_id: int) -> Happened:
    """Return one event with its subjects."""
    return _read(Event.objects.prefetch_related("subjects").get(pk=event_id))


def _happened(ids: Sequence[int]) -> list[Happened]:
    return [_read(event) for event in Event.objects.prefetch_related("subjects").filter(pk__in=ids)]


def about(subject: Subject, *, after: int = 0, limit: int = 1000) -> list[Happened]:
    """Return the events about a thing, oldest first."""
    found = Event.objects.filter(subjects__subject=ref(subject), pk__gt=after).order_by("pk")
    return [_read(event) for event in found.prefetch_related("subjects")[:limit]]


def newest_id() -> int:
    """Return the id of the newest event, 0 when there is none."""
    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def names_since(event_id: int, *, overlap: int = 200, limit: int = 2_000) -> list[str] | None:
    """Return the names of all that changed after an event, or None when that is too much to tell.

    Ids may commit out of order on PostgreSQL, so the search starts `overlap` ids earlier: hearing a name twice is
    harmless.
    """
    newest = newest_id()
    if newest - event_id > limit or event_id > newest:
        return None
    start = max(0, event_id - overlap)
    linked = EventSubject.objects.filter(event_id__gt=start)
    names = set(linked.values_list("subject", flat=True).distinct()[: limit + 1])
    wide = [kind for kind, payload in KINDS.items() if payload.has_names]
    told = Event.objects.filter(kind__in=wide, pk__gt=start).values_list("data", flat=True)[: WIDE_READ + 1]
    names.update(name for data in told for name in data["names"])
    return sorted(names) if len(names) <= limit and len(told) <= WIDE_READ else None


def _read(event: Event) -> Happened:
    subjects = sorted(event.subjects.all(), key=lambda link: link.pk)
    return Happened(event.pk, event.at, event.kind, event.actor, event.data, tuple(link.subject for link in subjects))

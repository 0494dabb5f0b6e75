"""Seals over the events, so that the record can not be changed quietly.

Once a minute the events since the last seal are read and sealed: a digest of each, and a head that is made of the head
before it and of all these digests. Appending an event costs nothing more. Whoever changes, removes, inserts or
reorders rows behind our back must change every later head, too; the head leaves the machine with each sign of life.

Events are sealed when they are a little older than any transaction may be, because on PostgreSQL numbers may become
visible out of order.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from raglan.core import timers
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.models import Event, EventSubject, Seal

SEAL = "core.seal"
EVERY = timedelta(minutes=1)
SETTLED = timedelta(minutes=2)
MOST = 5_000
IN_MEMORY = 50  # events, some of which tell of many alerts
SIZE = 16
START = "0" * 64


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is not as it was sealed. `event` is the row, `seal` the seal that says so."""

    event: int | None
    seal: int
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the whole record found."""

    events: int
    seals: int
    unsealed: int
    head: str
    first_bad: Finding | None


@timers.handler(SEAL)
def seal_again(due: timers.Due) -> None:
    """Seal what has settled, and look again in a minute, or at once when there is more."""
    sealed = seal()
    timers.cancel(SEAL, subject=due.subject)
    timers.schedule(SEAL, subject=due.subject, due_at=now() + (EVERY if sealed < MOST else timedelta(0)))


@atomic
def seal(settled: timedelta = SETTLED) -> int:
    """Seal the next events that have settled; return how many."""
    take_turn("seal")
    last = Seal.objects.order_by("-pk").first()
    after = last.last_event if last else 0
    settled_events = Event.objects.filter(pk__gt=after, at__lt=now() - settled).order_by("pk")
    found = list(settled_events.values_list("pk", flat=True)[:MOST])
    young = Event.objects.filter(pk__gt=after, at__gte=now() - settled).order_by("pk").values_list("pk", flat=True)
    if (first_young := young.first()) is not None:
        found = [pk for pk in found if pk < first_young]
    if not found:
        return 0
    body = b"".join(_number(pk) + digest for pk, digest in _digests(found))
    head = _head(last.head if last else START, body)
    Seal.objects.create(at=now(), first_event=found[0], last_event=found[-1], count=len(found), digests=body, head=head)
    return len(found)


def head() -> str:
    """Return the newest head; zeros when nothing is sealed yet."""
    return Seal.objects.order_by("-pk").values_list("head", flat=True).first() or START


def verify() -> Verdict:
    """Read all events and seals; name the first row that is not as it was sealed."""
    before, events, seals = START, 0, 0
    bad: Finding | None = None
    edge = 0
    for sealed in Seal.objects.order_by("pk").iterator(chunk_size=50):
        seals += 1
        events += sealed.count
        bad = bad or _compare(sealed, edge, before)
        before, edge = sealed.head, sealed.last_event
    unsealed = Event.objects.filter(pk__gt=edge).count()
    return Verdict(events, seals, unsealed, before, bad)


def knows(known: str) -> bool:
    """Whether a head that was noted elsewhere is one of this record."""
    return Seal.objects.filter(head=known).exists()


def _compare(sealed: Seal, edge: int, before: str) -> Finding | None:
    body = bytes(sealed.digests)
    wanted = {int.from_bytes(body[at : at + 8], "big"): body[at + 8 : at + 8 + SIZE] for at in _places(body)}
    there = Event.objects.filter(pk__gt=edge, pk__lte=sealed.last_event).order_by("pk")
    found = dict(_digests(list(there.values_list("pk", flat=True))))
    for number in sorted(wanted.keys() | found.keys()):
        if number not in found:
            return Finding(number, sealed.pk, f"event {number} was removed")
        if number not in wanted:
            return Finding(number, sealed.pk, f"event {number} was inserted after the fact")
        if wanted[number] != found[number]:
            return Finding(number, sealed.pk, f"event {number} was changed")
    if _head(before, body) != sealed.head:
        return Finding(None, sealed.pk, f"seal {sealed.pk} was changed, or one before it is missing")
    return None


def _places(body: bytes) -> range:
    return range(0, len(body), 8 + SIZE)


def _number(pk: int) -> bytes:
    return pk.to_bytes(8, "big")


def _head(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()


def _digests(ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Give the digest of each of these events with what it is about, some in memory at a time."""
    for start in range(0, len(ids), IN_MEMORY):
        yield from _digests_of(list(Event.objects.filter(pk__in=ids[start : start + IN_MEMORY]).order_by("pk")))


def _digests_of(events: Sequence[Event]) -> Iterator[tuple[int, bytes]]:
    subjects: dict[int, list[str]] = {}
    if events:
        links = EventSubject.objects.filter(event_id__gte=events[0].pk, event_id__lte=events[-1].pk).order_by("pk")
        for number, subject in links.values_list("event_id", "subject"):
            subjects.setdefault(number, []).append(subject)
    for event in events:
        said = [event.pk, event.at.isoformat(), event.kind, event.actor, event.data, subjects.get(event.pk, [])]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        yield event.pk, hashlib.sha256(text.encode()).digest()[:SIZE]

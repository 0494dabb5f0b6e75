"""Calendars that raglan gives out: an address with a secret, for a schedule or for a person's own shifts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.urls import reverse

from raglan.config import config
from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import NotFound
from raglan.core.models import EventSubject
from raglan.oncall import events, ical_out, queries, resolve, shadows
from raglan.oncall.models import Feed, Schedule
from raglan.people.models import Person

BEHIND = timedelta(days=62)
AHEAD = timedelta(days=190)


@dataclass(frozen=True, slots=True)
class Given:
    """A calendar as it goes out."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which one person is on call, whoever else is."""

    person: int
    starts_at: datetime
    ends_at: datetime
    words: str


@atomic
def make_feed(person: Person, schedule: Schedule | None, *, actor: timeline.Subject) -> tuple[Feed, str]:
    """Make the address of a calendar; an earlier one of the same stops to work. The secret is returned this once."""
    at = now()
    replaced = end_feed(person, schedule, actor=actor)
    secret = secrets.random_token()
    feed = Feed.objects.create(person=person, schedule=schedule, digest=secrets.digest(secret), created_at=at)
    payload = events.FeedMade(
        feed=feed.pk,
        person=person.pk,
        schedule=schedule.pk if schedule else None,
        created_at=at,
        instead_of=replaced,
    )
    timeline.append(payload, actor=actor, about=[person, *([schedule] if schedule else [])])
    return feed, secret


@atomic
def end_feed(person: Person, schedule: Schedule | None, *, actor: timeline.Subject) -> int | None:
    """Let the address of a calendar stop to work; return its number. Safe to call twice."""
    at = now()
    live = Feed.objects.filter(person=person, schedule=schedule, ended_at__isnull=True).first()
    if live is None or not Feed.objects.filter(pk=live.pk, ended_at__isnull=True).update(ended_at=at):
        return None
    timeline.append(events.FeedEnded(feed=live.pk, ended_at=at), actor=actor, about=[person])
    return live.pk


def feeds_of(person: Person) -> dict[int | None, Feed]:
    """Return the calendars that somebody has, by schedule; None is that of their own shifts."""
    return {feed.schedule_id: feed for feed in Feed.objects.filter(person=person, ended_at__isnull=True)}


def address(secret: str) -> str:
    """Return the whole address of a calendar."""
    return config().public_url.rstrip("/") + reverse("oncall:feed", args=[secret])


def give(secret: str) -> Given:
    """Return the calendar behind a secret. Raises NotFound."""
    live = Feed.objects.filter(digest=secrets.digest(secret), ended_at__isnull=True, person__is_active=True)
    feed = live.select_related("person", "schedule").first()
    if feed is None:
        raise NotFound("There is no such calendar.")
    at = now()
    start = (at - BEHIND).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = queries.schedules(start - BEHIND)
    if feed.schedule is not None:
        rows = rows.filter(pk=feed.schedule.pk)
    name = f"{feed.schedule.name}, on call" if feed.schedule else f"{feed.person.name}, on call"
    only = None if feed.schedule else feed.person_id
    end = _month_after(at + AHEAD)  # an end that moved with the clock would be another calendar each time
    entries = [*_entries(rows, start, end, only), *(() if feed.schedule else _shadowed(feed.person))]
    body = ical_out.calendar(name, entries).encode()
    return Given(body, f'"{sha256(body).hexdigest()[:32]}"')


def _month_after(at: datetime) -> datetime:
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def _entries(rows: Iterable[Schedule], start: datetime, end: datetime, only: int | None) -> Iterator[ical_out.Entry]:
    loaded = queries.load_all(rows)
    people = Person.objects.in_bulk({pk for _, pure in loaded for pk in _named(pure)})
    changes = _changes([row for row, _ in loaded])
    for row, pure in loaded:
        changed_at, count = changes.get(row.pk, (row.created_at, 0))
        for span in spans(pure, start, end):
            if only is None or span.person == only:
                person = people[span.person]
                for low, high in ical_out.months(span.starts_at, span.ends_at):
                    if high <= start:
                        continue
                    yield ical_out.Entry(
                        schedule_id=row.pk,
                        schedule=row.name,
                        person_id=person.pk,
                        name=person.name,
                        email=person.email if only else "",  # their own calendar alone has their address
                        starts_at=low,
                        ends_at=high,
                        words=span.words,
                        link=config().public_url.rstrip("/") + reverse("oncall:schedule", args=[row.slug]),
                        changed_at=changed_at,
                        sequence=count,
                    )


def _shadowed(person: Person) -> Iterator[ical_out.Entry]:
    """Yield what somebody shadows, in their own calendar alone, and not as a shift."""
    for shadow in shadows.of(person):
        yield ical_out.Entry(
            schedule_id=shadow.schedule_id,
            schedule=shadow.schedule.name,
            person_id=person.pk,
            name=person.name,
            email=person.email,
            starts_at=shadow.starts_at,
            ends_at=shadow.ends_at,
            words="You learn beside those on call, and are not on call by it.",
            link=config().public_url.rstrip("/") + reverse("oncall:schedule", args=[shadow.schedule.slug]),
            changed_at=shadow.created_at,
            sequence=0,
            title=f"{person.name} shadows {shadow.schedule.name}",
            kind="shadow",
        )


def _named(pure: resolve.Schedule) -> Iterator[int]:
    for rotation in pure.rotations:
        yield from (pk for group in rotation.groups() for pk in group)
    for item in pure.overrides:
        yield item.person
    for work in pure.booked:
        yield from work.people


def _changes(rows: list[Schedule]) -> dict[int, tuple[datetime, int]]:
    """Return when each schedule changed last, and how often it did."""
    refs = {f"schedule:{row.pk}": row.pk for row in rows}
    told = EventSubject.objects.filter(subject__in=list(refs), event__kind__startswith="schedule.")
    found: dict[int, tuple[datetime, int]] = {}
    for subject, at in told.order_by("event_id").values_list("subject", "event__at"):
        pk = refs[subject]
        found[pk] = (at, found.get(pk, (at, 0))[1] + 1)
    return found


def spans(pure: resolve.Schedule, start: datetime, end: datetime, *, by_words: bool = True) -> list[Span]:
    """Return each person's times on call, each with its own start; those that are over before `start` are left out.

    A time is cut where its reason changes, unless `by_words` is off.
    """
    going: dict[int, Span] = {}
    done: list[Span] = []
    for piece in resolve.shifts(pure, start - BEHIND, end):
        here = {reason.person: reason.words for reason in resolve.reasons_of(pure, piece)}
        done += [going.pop(person) for person in list(going) if person not in here]
        for person, words in here.items():
            one = going.get(person)
            if one and (one.words == words or not by_words):
                going[person] = replace(one, ends_at=piece.ends_at)
                continue
            if one:
                done.append(one)
            going[person] = Span(person, piece.starts_at, piece.ends_at, words)
    done += going.values()
    return sorted((one for one in done if one.ends_at > start), key=lambda one: (one.starts_at, one.person))

"""New entries of rooms as everybody who is signed in may read them, drawn once for all who see them alike.

What depends on who reads is left to a fetch with the reader's own rights: the author of an entry, who may correct it,
and whoever it is addressed to.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from raglan.core.db import Prepared
from raglan.core.models import EventSubject
from raglan.incidents import queries, room
from raglan.incidents.events import EntryPosted
from raglan.incidents.models import Entry, Incident
from raglan.people import reading
from raglan.ui import wording

MOST = 20
READ = 200
# An entry of these kinds changes nothing in a room but its timeline.
PLAIN = frozenset((Entry.Kind.NOTE, Entry.Kind.FOUND, Entry.Kind.TRIED, Entry.Kind.RULED_OUT, Entry.Kind.DECIDED))


class Sight(NamedTuple):
    """How somebody sees what everybody may read: the zone of its times, and whether there are buttons to answer."""

    zone: str
    may_respond: bool


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who stands for all who see a room alike: nobody's id is 0."""

    may_respond: bool
    pk: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What is new in one room, for each sight; for all but those whom it concerns themselves."""

    room: str
    words: Mapping[Sight, str]
    but: frozenset[int]
    is_whole: bool


def told(events: Sequence[int], *, after: int, sights: Mapping[str, Collection[Sight]]) -> list[News]:
    """Return the new entries of these rooms, out of events that were heard of or are newer than one."""
    with reading.read_for(None):  # it goes to everybody who is signed in
        return _told(events, after=after, sights=sights)


def _told(events: Sequence[int], *, after: int, sights: Mapping[str, Collection[Sight]]) -> list[News]:
    rooms = [name for name in sights if name.startswith(f"{Incident.ref_kind}:")]
    found = _heard(events, after, rooms)
    if len(found) > READ:
        return []
    happened: dict[str, list[tuple[str, dict[str, object]]]] = {}
    for name, kind, data in found:
        happened.setdefault(name, []).append((kind, data))
    news = [_news(name, facts, sights[name]) for name, facts in happened.items()]
    return [one for one in news if one is not None]


def _heard(events: Sequence[int], after: int, rooms: Sequence[str]) -> list[tuple[str, str, dict[str, object]]]:
    """Return what happened in these rooms, as room, kind and data, in its order: mostly one event in one room."""
    if len(events) == len(rooms) == 1:
        return _heard_one(events[0], after, rooms[0])
    return list(_happened(Q(event_id__in=events) | Q(event_id__gt=after), subject__in=rooms))


def _happened(*which: Q, **where: object) -> QuerySet[EventSubject, tuple[str, str, dict[str, object]]]:
    found = EventSubject.objects.filter(*which, **where).order_by("event_id")
    return found.values_list("subject", "event__kind", "event__data")[: READ + 1]


_heard_one = Prepared(lambda event, after, name: _happened(Q(event_id=event) | Q(event_id__gt=after), subject=name))


def _news(name: str, facts: Sequence[tuple[str, dict[str, object]]], sights: Collection[Sight]) -> News | None:
    posted = [data for kind, data in facts if kind == EntryPosted.kind]
    is_whole = len(posted) == len(facts) and all(data["entry_kind"] in PLAIN for data in posted)
    entries = _entries([int(str(data["entry"])) for data in posted[: MOST + 1]], are_bare=is_whole)
    if not entries or len(entries) > MOST or entries[0].incident.is_private:
        return None
    places = [{"id": entry.pk, "before": _under(entry)} for entry in entries]
    drawn = _draw_all(entries, sights)
    return News(
        room=name,
        words={sight: json.dumps({"room": name, "entries": places, "html": html}) for sight, html in drawn.items()},
        but=frozenset(key for entry in entries for key in (entry.author_id, entry.to_person_id) if key),
        is_whole=is_whole and len(entries) == len(posted),
    )


def _entries(keys: Sequence[int], *, are_bare: bool) -> list[Entry]:
    """Return entries in the order of the room; under bare ones, of which nothing else was heard, nothing hangs yet."""
    if are_bare:
        return sorted((entry for key in keys for entry in queries.bare(key)), key=lambda entry: (entry.at, entry.pk))
    found = Entry.objects.filter(pk__in=keys).select_related("incident")
    return list(queries.with_all(found).order_by("at", "pk"))


class Watched(tzinfo):
    """A zone that counts how many moments it was asked for."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.asked = 0

    def fromutc(self, moment: datetime) -> datetime:
        """Return a moment in the zone."""
        self.asked += 1
        return self.zone.fromutc(moment.replace(tzinfo=self.zone))

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return how far the zone is ahead."""
        self.asked += 1
        return self.zone.utcoffset(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return how much of that is for the summer."""
        self.asked += 1
        return self.zone.dst(moment)

    def tzname(self, moment: datetime | None) -> str | None:
        """Return what the zone is called then."""
        self.asked += 1
        return self.zone.tzname(moment)


def _draw_all(entries: Sequence[Entry], sights: Collection[Sight]) -> dict[Sight, str]:
    """Draw entries for each sight. What differs by the zone alone is drawn once if that shows in their times only."""
    drawn: dict[Sight, str] = {}
    shared: dict[bool, tuple[str, Watched]] = {}
    for sight in sights:
        zone = ZoneInfo(sight.zone)
        if sight.may_respond in shared:
            html = _in_zone(entries, *shared[sight.may_respond], zone)
            drawn[sight] = html or _draw(entries, zone, may_respond=sight.may_respond)
            continue
        watched = Watched(zone)
        drawn[sight] = _draw(entries, watched, may_respond=sight.may_respond)
        shared[sight.may_respond] = drawn[sight], watched
    return drawn


def _in_zone(entries: Sequence[Entry], html: str, drawn_in: Watched, zone: ZoneInfo) -> str:
    """Return a drawing with the times of another zone; nothing when it shows more than when each entry was written."""
    times = [(_time_of(entry, drawn_in.zone), _time_of(entry, zone)) for entry in entries]
    shown = Counter(before for before, _ in times)
    if drawn_in.asked != len(entries) or any(html.count(before) != many for before, many in shown.items()):
        return ""
    for before, after in dict(times).items():
        html = html.replace(before, after)
    return html


def _time_of(entry: Entry, zone: ZoneInfo) -> str:
    return f'<time datetime="{wording.iso(entry.at)}">{wording.clock(entry.at, zone)}</time>'


def _draw(entries: Sequence[Entry], zone: tzinfo, *, may_respond: bool) -> str:
    """Draw entries as a room shows them."""
    context = {
        "incident": entries[0].incident,
        "person": Onlooker(may_respond),
        "view": room.View(),
        "lines": [room.line(entry) for entry in reversed(entries)],
    }
    with timezone.override(zone):
        return render_to_string("incidents/part_lines.html", context)


def _under(entry: Entry) -> int:
    """Return the key of the entry that this one stands on, newest first; 0 for the first of a room."""
    return _older.first(entry.incident_id, entry.at, entry.pk) or 0


_older = Prepared(
    lambda incident, at, pk: (
        Entry.objects.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk), incident=incident)
        .order_by("-at", "-pk")
        .values_list("pk", flat=True)[:1]
    )
)

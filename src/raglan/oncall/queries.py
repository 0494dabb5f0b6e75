"""Reads of on call. All of them go through the pure `resolve`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from django.db.models import Prefetch, QuerySet
from django.utils.text import slugify

from raglan.catalog.models import Service
from raglan.core.clock import now
from raglan.core.errors import NotFound
from raglan.core.models import EventSubject
from raglan.oncall import resolve
from raglan.oncall.drafts import DRAFT_LAYER, RESERVED, length_of
from raglan.oncall.models import Booking, CalendarSource, Layer, Override, Rotation, RotationMember, Schedule
from raglan.oncall.turns import Participant
from raglan.oncall.windows import from_json
from raglan.people.events import PersonChanged
from raglan.people.models import Person

SOON = timedelta(days=35)
NEVER_HERE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Duty:
    """A rota at an instant: who, why, until when, and who follows. `until` is None when no change is planned."""

    schedule: Schedule
    people: tuple[Person, ...]
    why: str
    reasons: tuple[resolve.Reason, ...]
    until: datetime | None
    next_people: tuple[Person, ...]
    next_from: datetime | None

    @property
    def layers(self) -> dict[int, str]:
        """The names of its layers."""
        return layer_names(self.schedule)

    @property
    def is_covered(self) -> bool:
        """Whether somebody is on call."""
        return bool(self.people)

    @property
    def person(self) -> Person | None:
        """The first of those on call."""
        return self.people[0] if self.people else None

    @property
    def next_person(self) -> Person | None:
        """The first of those who follow."""
        return self.next_people[0] if self.next_people else None


@dataclass(frozen=True, slots=True)
class NamedShift:
    """A shift with its people; without any it is a gap."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[Person, ...]
    override: int | None = None
    instead_of: tuple[Person, ...] = ()
    has_end: bool = True

    @property
    def is_gap(self) -> bool:
        """Whether nobody is on call."""
        return not self.people

    @property
    def person(self) -> Person | None:
        """The first of those on call."""
        return self.people[0] if self.people else None

    @property
    def names(self) -> str:
        """Who is on call, as words."""
        return ", ".join(person.name for person in self.people)

    @property
    def instead_of_names(self) -> str:
        """In whose place, as words."""
        return ", ".join(person.name for person in self.instead_of)


def schedules(since: datetime | None = None, until: datetime | None = None) -> QuerySet[Schedule]:
    """All schedules with what the arithmetic needs between two instants; the number of queries is fixed."""
    overrides = Override.objects.select_related("person", "instead_of").order_by("pk")
    bookings = Booking.objects.select_related("person", "source").order_by("starts_at", "pk")
    if since is not None:
        overrides, bookings = overrides.filter(ends_at__gt=since), bookings.filter(ends_at__gt=since)
    if until is not None:
        overrides, bookings = overrides.filter(starts_at__lt=until), bookings.filter(starts_at__lt=until)
    members = Prefetch("members", RotationMember.objects.select_related("person").order_by("position", "pk"))
    stored = Rotation.objects.filter(withdrawn_at__isnull=True).select_related("layer")
    rotations = stored.prefetch_related(members).order_by("pk")
    return (
        Schedule.objects.select_related("team")
        .prefetch_related(
            Prefetch("rotations", rotations), Prefetch("overrides", overrides), Prefetch("bookings", bookings)
        )
        .order_by("name", "pk")
    )


def schedule(slug: str, since: datetime | None = None) -> Schedule:
    """Return a schedule, with its overrides that end after an instant. Raises NotFound."""
    found = schedules(since).filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such rota.")
    return found


def override(slug: str, pk: int) -> Override:
    """Return an override of a schedule. Raises NotFound."""
    found = Override.objects.select_related("schedule", "person").filter(pk=pk, schedule__slug=slug).first()
    if found is None:
        raise NotFound("There is no such override.")
    return found


def rotation(slug: str, pk: int) -> tuple[Rotation, datetime]:
    """Return a turn order of a schedule, with the instant from which it decides. Raises NotFound."""
    found = Rotation.objects.select_related("schedule").filter(pk=pk, schedule__slug=slug).first()
    if found is None:
        raise NotFound("There is no such turn order.")
    return found, as_rotation(found, found.schedule).begins()


def load(schedule: Schedule) -> resolve.Schedule:
    """Return a schedule as the arithmetic reads it. `schedules` fetches what this needs."""
    return load_all([schedule])[0][1]


def load_all(rows: Iterable[Schedule]) -> list[tuple[Schedule, resolve.Schedule]]:
    """Return schedules, each with how the arithmetic reads it."""
    found = list(rows)
    left = left_at({person.pk for row in found for person in _named_in(row) if not person.is_active})
    return [(row, _load(row, left)) for row in found]


def _named_in(row: Schedule) -> Iterator[Person]:
    for rotation in row.rotations.all():
        yield from (member.person for member in rotation.members.all())
    yield from (override.person for override in row.overrides.all())
    yield from (booking.person for booking in row.bookings.all())


def left_at(inactive: set[int]) -> dict[int, datetime]:
    """Return since when inactive people are so; by the timeline, so that who was on call before stays on record."""
    if not inactive:
        return {}
    refs = {f"person:{pk}": pk for pk in inactive}
    told = EventSubject.objects.filter(subject__in=list(refs), event__kind=PersonChanged.kind)
    left = dict.fromkeys(inactive, NEVER_HERE)
    for item in told.select_related("event").order_by("event_id"):
        if item.event.data.get("values", {}).get("is_active") is False:
            left[refs[item.subject]] = item.event.at
    return left


def _load(schedule: Schedule, left: dict[int, datetime]) -> resolve.Schedule:
    rotations = [item for item in schedule.rotations.all() if item.withdrawn_at is None]
    overrides = [item for item in schedule.overrides.all() if counts(item)]
    return resolve.Schedule(
        rotations=tuple(as_rotation(item, schedule) for item in rotations),
        overrides=tuple(as_override(item) for item in overrides),
        departed=left,
        layers=layer_names(schedule),
        booked=tuple(
            resolve.Work(item.starts_at, item.ends_at, (item.person_id,), layer_of(item.source), item.source.rank)
            for item in schedule.bookings.all()
        ),
    )


def layer_names(schedule: Schedule) -> dict[int, str]:
    """Return the layers that have a name, by number; a calendar's layer is called after where it comes from."""
    named = {row.layer.pk: row.layer.name for row in schedule.rotations.all() if row.layer}
    return named | {layer_of(item.source): f"the calendar of {item.source.host}" for item in schedule.bookings.all()}


def source_of(schedule: Schedule) -> CalendarSource | None:
    """Return the foreign calendar that fills a schedule, if there is one."""
    return CalendarSource.objects.filter(schedule=schedule, ended_at__isnull=True).first()


def layer_of(source: CalendarSource) -> int:
    """Return the number of the layer that a calendar fills; those of stored layers are positive."""
    return -1000 - source.pk


def as_override(row: Override) -> resolve.Override:
    """Return a stored override as the arithmetic reads it."""
    return resolve.Override(
        row.pk,
        row.person_id,
        row.starts_at,
        row.ends_at,
        row.reason,
        row.created_at,
        resolve.Kind(row.kind),
        row.instead_of_id,
        row.rank,
    )


def counts(override: Override) -> bool:
    """Say whether an override ever counts: one cancelled before it began does not."""
    return override.cancelled_at is None or override.cancelled_at > override.starts_at


def layer_number(schedule: Schedule | None, name: str) -> int:
    """Return the number of a layer as the arithmetic reads it: 0 for the one without a name, -1 for a new one."""
    if not name:
        return 0
    rows = schedule.rotations.all() if schedule else ()
    return next((row.layer.pk for row in rows if row.layer and row.layer.name == name), DRAFT_LAYER)


def layer(schedule: Schedule, name: str) -> Layer | None:
    """Return a layer by name; None for the one that has none. Raises NotFound."""
    if not name:
        return None
    found = Layer.objects.filter(schedule=schedule, name=name).first()
    if found is None:
        raise NotFound("There is no such layer.")
    return found


def as_rotation(rotation: Rotation, schedule: Schedule) -> resolve.Rotation:
    """Return a stored turn order as the arithmetic reads it."""
    unit = Rotation.Unit(rotation.unit)
    return resolve.Rotation(
        participants=participants(rotation),
        starts_on=rotation.starts_on,
        handoff_time=rotation.handoff_time,
        time_zone=rotation.time_zone or schedule.time_zone,
        handoff_weekday=rotation.handoff_weekday,
        length=length_of(unit, rotation.every),
        effective_from=rotation.effective_from,
        id=rotation.pk,
        months=rotation.every if unit is Rotation.Unit.MONTHS else 0,
        weekdays=tuple(rotation.weekdays),
        windows=tuple(from_json(kept) for kept in rotation.windows),
        active_days=rotation.active_days,
        ends_at=rotation.ends_at,
        layer=rotation.layer_id or 0,
        rank=rotation.rank,
    )


def participants(rotation: Rotation) -> tuple[Participant, ...]:
    """Return who takes turns: a number for one person, several for a group."""
    places: dict[int, list[int]] = {}
    for member in rotation.members.all():
        places.setdefault(member.position, []).append(member.person_id)
    return tuple(group[0] if len(group) == 1 else tuple(group) for group in places.values())


def who(slug: str, at: datetime | None = None) -> Duty:
    """Return who is on call for a schedule at an instant, now unless said otherwise. Raises NotFound."""
    at = at or now()
    return duties([schedule(slug, since=at)], at)[0]


def current(at: datetime | None = None) -> list[Duty]:
    """Return all rotas at an instant, with who follows. The number of queries does not grow with the rotas."""
    at = at or now()
    return duties(schedules(since=at), at)


def people_on_call(schedule_id: int, at: datetime) -> list[tuple[Person, str]]:
    """Return who is on call for a schedule at an instant, with why; empty in a gap."""
    return on_call_until(schedule_id, at)[0]


def on_call_until(schedule_id: int, at: datetime) -> tuple[list[tuple[Person, str]], datetime | None]:
    """Return who is on call for a schedule at an instant, with why, and until when that is so, where it ends."""
    found = duties(schedules(since=at).filter(pk=schedule_id), at)
    people = [
        (person, f"on call for {duty.schedule.name}: {reason.words}")
        for duty in found
        for person, reason in zip(duty.people, duty.reasons, strict=True)
    ]
    return people, min((duty.until for duty in found if duty.until), default=None)


def people_for_services(service_ids: list[int], at: datetime) -> list[tuple[Person, str]]:
    """Return who is on call for the teams that own services; each person once, with the name of the rota."""
    owned = Service.objects.filter(pk__in=service_ids, team__isnull=False)
    return people_for_teams(set(owned.values_list("team_id", flat=True)), at)


def people_for_teams(teams: Iterable[int], at: datetime) -> list[tuple[Person, str]]:
    """Return who is on call for teams; each person once, with the name of the rota."""
    found: dict[int, tuple[Person, str]] = {}
    for duty in duties(schedules(since=at).filter(team_id__in=list(teams)), at):
        for person in duty.people:
            found.setdefault(person.pk, (person, duty.schedule.name))
    return list(found.values())


def duties(rows: Iterable[Schedule], at: datetime) -> list[Duty]:
    """Return rotas at an instant, with who follows; their overrides since then are at hand."""
    found = [(row, *resolve.outlook(pure, at)) for row, pure in load_all(rows)]
    people = _people(pk for _, who, after in found for pk in (*who.people, *(after.people if after else ())))
    return [
        Duty(
            schedule=row,
            people=tuple(people[pk] for pk in who.people),
            why=who.reason,
            reasons=who.reasons,
            until=who.until,
            next_people=tuple(people[pk] for pk in after.people) if after else (),
            next_from=after.starts_at if after else None,
        )
        for row, who, after in found
    ]


def shifts_between(schedule: Schedule, start: datetime, end: datetime) -> list[NamedShift]:
    """Return a schedule's shifts and gaps between two instants."""
    return named(resolve.shifts(load(schedule), start, end))


def calendar(start: datetime, days: int) -> list[tuple[Schedule, list[NamedShift]]]:
    """Return the shifts of all rotas for some times 24 hours."""
    return calendar_between(start, start + timedelta(days=days))


def calendar_between(start: datetime, end: datetime) -> list[tuple[Schedule, list[NamedShift]]]:
    """Return the shifts of all rotas between two instants."""
    found = [(row, resolve.shifts(pure, start, end)) for row, pure in load_all(schedules(start, end))]
    people = _people_of(piece for _, pieces in found for piece in pieces)
    return [(row, [_named(piece, people) for piece in pieces]) for row, pieces in found]


def next_shift_of(person: Person, at: datetime | None = None) -> tuple[Schedule, NamedShift] | None:
    """Return a person's current or next shift within five weeks."""
    return next(iter(shifts_of(person, at or now())), None)


def shifts_of(person: Person, at: datetime) -> list[tuple[Schedule, NamedShift]]:
    """Return a person's shifts that end within five weeks or begin in them, the next one first."""
    found = [(row, resolve.coming(pure, at, at + SOON)) for row, pure in load_all(schedules(at))]
    people = _people_of(piece for _, pieces in found for piece in pieces)
    own = [(row, piece) for row, pieces in found for piece in pieces if person.pk in piece.people]
    return sorted(((row, _coming(piece, people, at)) for row, piece in own), key=lambda pair: pair[1].starts_at)


def coming(schedule: Schedule, at: datetime, until: datetime) -> list[NamedShift]:
    """Return a schedule's shifts and gaps that begin before `until`, each with its own end."""
    pieces = resolve.coming(load(schedule), at, until)
    people = _people_of(pieces)
    return [_coming(piece, people, at) for piece in pieces]


def _coming(piece: resolve.Piece, people: dict[int, Person], at: datetime) -> NamedShift:
    return replace(_named(piece, people), has_end=piece.ends_at < at + resolve.HORIZON)


def free_slug(name: str) -> str:
    """Return a short name, made from a name, that no rota has."""
    stem = slugify(name)[:50].strip("-_").replace("_", "-") or "rota"
    taken = {*RESERVED, *Schedule.objects.filter(slug__startswith=stem).values_list("slug", flat=True)}
    return next(slug for n in count(1) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)


def named(pieces: Sequence[resolve.Piece]) -> list[NamedShift]:
    """Return shifts and gaps with the people they name."""
    people = _people_of(pieces)
    return [_named(piece, people) for piece in pieces]


def _named(piece: resolve.Piece, people: dict[int, Person]) -> NamedShift:
    match piece:
        case resolve.Gap():
            return NamedShift(piece.starts_at, piece.ends_at, ())
        case resolve.Shift():
            names = tuple(people[pk] for pk in piece.people)
            instead = tuple(people[pk] for pk in piece.instead_of if pk not in piece.people)
            return NamedShift(piece.starts_at, piece.ends_at, names, piece.override, instead)


def _people_of(pieces: Iterable[resolve.Piece]) -> dict[int, Person]:
    shifts = (piece for piece in pieces if isinstance(piece, resolve.Shift))
    return _people(pk for shift in shifts for pk in (*shift.people, *shift.instead_of))


def people_named(ids: Iterable[int]) -> list[str]:
    """Return the names of people, in the order of their numbers."""
    people = _people(ids)
    return [people[pk].name for pk in sorted(people)]


def _people(ids: Iterable[int]) -> dict[int, Person]:
    return Person.objects.in_bulk(set(ids))


@dataclass(frozen=True, slots=True)
class NamedChange:
    """A time at which somebody else would be on call."""

    starts_at: datetime
    ends_at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would make of a rota: the shifts, and what moves."""

    shifts: list[NamedShift]
    changes: list[NamedChange]

    @property
    def gaps(self) -> list[NamedShift]:
        """The times with nobody on call."""
        return [shift for shift in self.shifts if shift.is_gap]


def preview(before: resolve.Schedule, after: resolve.Schedule, start: datetime, end: datetime) -> Preview:
    """Return what a change would make of a rota between two instants; nothing is stored. Shifts keep their own end."""
    pieces = resolve.coming(after, start, end)
    moves = resolve.changes(before, after, start, end)
    people = _people(pk for move in moves for pk in (*move.before, *move.after))

    def words(ids: tuple[int, ...]) -> str:
        return ", ".join(people[pk].name for pk in ids)

    listed = [NamedChange(m.starts_at, m.ends_at, words(m.before), words(m.after)) for m in moves]
    named_people = _people_of(pieces)
    return Preview([_coming(piece, named_people, start) for piece in pieces], listed)


def with_rotation(schedule: resolve.Schedule, rotation: resolve.Rotation, name: str = "") -> resolve.Schedule:
    """Return a schedule as it would be with one more turn order, perhaps in a new layer of this name."""
    names = {**schedule.layers, rotation.layer: name} if name else schedule.layers
    return replace(schedule, rotations=(*schedule.rotations, rotation), layers=names)


def with_override(schedule: resolve.Schedule, override: resolve.Override) -> resolve.Schedule:
    """Return a schedule as it would be with one more override."""
    return replace(schedule, overrides=(*schedule.overrides, override))

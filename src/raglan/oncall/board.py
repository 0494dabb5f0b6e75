"""What the screens of on call show, read in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.urls import reverse

from raglan.core.clock import now
from raglan.oncall import covers, fairness, gate, handover, leaves, ports, queries, resolve, shadows
from raglan.oncall.calendar import Calendar, Window, first_day, place_of, zones_of
from raglan.oncall.drafts import OverrideDraft, RotationDraft
from raglan.oncall.forms import names_of
from raglan.oncall.models import (
    CalendarSource,
    CoverRequest,
    HandoverNote,
    Holiday,
    Override,
    Rotation,
    Schedule,
    Shadow,
)
from raglan.oncall.queries import Duty, NamedShift, Preview
from raglan.oncall.windows import WEEKDAYS, days_of, line_of
from raglan.people.middleware import zone_of
from raglan.people.models import Person

AHEAD = timedelta(weeks=8)
LISTED = 12
FIRST_LAYER = "without a name"
LONGEST_LOOK = timedelta(weeks=53)


@dataclass(frozen=True, slots=True)
class Turns:
    """A turn order with the time in which it decides."""

    row: Rotation
    people: list[Person]
    groups: list[list[Person]]
    words: str
    windows: list[str]
    layer: str
    begins_at: datetime
    ends_at: datetime | None
    is_planned: bool


@dataclass(frozen=True, slots=True)
class Index:
    """All rotas, now and next, and two weeks."""

    duties: list[Duty]
    calendar: Calendar
    gaps: list[tuple[Schedule, NamedShift]]
    own: list[tuple[Schedule, NamedShift]]
    is_today: bool
    away: list[tuple[Schedule, leaves.Clash]]


@dataclass(frozen=True, slots=True)
class Rota:
    """One rota."""

    schedule: Schedule
    duty: Duty
    calendar: Calendar
    coming: list[NamedShift]
    turns: list[Turns]
    overrides: list[Override]
    departed: list[Person]
    is_today: bool
    source: CalendarSource | None
    requests: list[CoverRequest]
    away: list[leaves.Clash]
    unready: list[ports.Unready]
    overruled: gate.Overruled | None
    notes: list[HandoverNote]
    shadows: list[Shadow]
    shows_hours: bool
    holidays: list[Holiday]

    @property
    def current(self) -> Turns | None:
        """The turn order that decides now."""
        return next((turns for turns in self.turns if not turns.is_planned), None)

    @property
    def has_layers(self) -> bool:
        """Whether there is more than the one without a name."""
        return any(turns.layer or turns.row.rank for turns in self.turns)


def index(reader: Person, asked: str) -> Index:
    """Return what the first screen shows."""
    at = now()
    window = _window(reader, asked, at)
    rows = queries.calendar_between(window.starts_at, window.ends_at)
    listed = [(row.name, _address(row), shifts) for row, shifts in rows]
    known = leaves.away_in(shifts for _, shifts in rows)
    return Index(
        duties=queries.current(at),
        calendar=window.draw(listed, zones_of(row for row, _ in rows)),
        gaps=[(row, shift) for row, shifts in rows for shift in shifts if shift.is_gap and shift.ends_at > at],
        own=queries.shifts_of(reader, at),
        is_today=window.starts_at <= at < window.ends_at,
        away=[(row, clash) for row, shifts in rows for clash in leaves.clashes(shifts, known, window.ends_at)],
    )


def rota(slug: str, reader: Person, asked: str) -> Rota:
    """Return what the screen of one rota shows. Raises NotFound."""
    at = now()
    window = _window(reader, asked, at)
    row = queries.schedule(slug, since=min(at, window.starts_at))
    shifts = queries.shifts_between(row, window.starts_at, window.ends_at)
    turns = turns_of(row, at)
    coming = queries.coming(row, at, at + AHEAD)
    in_turn = [person for item in turns for person in item.people if person.is_active]
    unready = ports.unready(in_turn)
    counted = (item for item in row.overrides.all() if queries.counts(item) and item.ends_at > at)
    calendar = window.draw([(row.name, "", shifts), *layer_rows(queries.load(row), window)], zones_of([row]))
    shown = row.holidays.filter(day__gte=calendar.first, day__lt=calendar.later)
    return Rota(
        schedule=row,
        duty=queries.duties([row], at)[0],
        calendar=calendar,
        coming=coming[:LISTED],
        turns=turns,
        overrides=sorted(counted, key=lambda item: item.starts_at),
        departed=sorted({p for item in turns for p in item.people if not p.is_active}, key=lambda p: p.name),
        is_today=window.starts_at <= at < window.ends_at,
        source=queries.source_of(row),
        requests=covers.waiting(row),
        away=leaves.clashes(coming, leaves.away_in([coming]), at + AHEAD)[:LISTED],
        unready=unready,
        overruled=gate.last_overruled(row) if unready else None,
        notes=handover.latest(row),
        shadows=list(shadows.live(row)),
        shows_hours=fairness.may_see(row, reader),
        holidays=list(shown.order_by("day")),
    )


def turns_of(row: Schedule, at: datetime) -> list[Turns]:
    """Return the turn orders that decide now or later, the highest layer first."""
    rows = {rotation.pk: rotation for rotation in row.rotations.all()}
    found = [
        _turns(rows[pure.id], pure, begins, ends, at)
        for pure, begins, ends in resolve.reigns(queries.load(row))
        if ends > at
    ]
    return sorted(found, key=lambda turns: -turns.row.rank)


def _turns(row: Rotation, pure: resolve.Rotation, begins: datetime, ends: datetime, at: datetime) -> Turns:
    places: dict[int, list[Person]] = {}
    for member in row.members.all():
        places.setdefault(member.position, []).append(member.person)
    return Turns(
        row=row,
        people=list(dict.fromkeys(person for group in places.values() for person in group)),
        groups=list(places.values()),
        words=_words(row, pure),
        windows=[line_of(window) for window in pure.windows],
        layer=row.layer.name if row.layer else "",
        begins_at=begins,
        ends_at=ends if ends < resolve.FAR else None,
        is_planned=begins > at,
    )


def _words(row: Rotation, pure: resolve.Rotation) -> str:
    unit = Rotation.Unit(row.unit)
    match unit:
        case Rotation.Unit.WEEKDAYS:
            often = f"On {days_of(row.weekdays)}"
        case _:
            often = f"Every {unit.value[:-1]}" if row.every == 1 else f"Every {row.every} {unit.value}"
    if unit is Rotation.Unit.WEEKS:
        often += f" on {WEEKDAYS[row.handoff_weekday or 0]}"
    if unit is Rotation.Unit.MONTHS:
        often += f" on day {row.starts_on.day}"
    start = "from" if unit is Rotation.Unit.HOURS else "at"
    worked = ", on worked days alone," if row.active_days else ""
    return f"{often}{worked} {start} {row.handoff_time:%H:%M} in {place_of(pure.time_zone)}"


def _window(reader: Person, asked: str, at: datetime) -> Window:
    return Window(first_day(asked, at.astimezone(zone_of(reader)).date()), reader, at)


def _address(row: Schedule) -> str:
    return reverse("oncall:schedule", args=[row.slug])


@dataclass(frozen=True, slots=True)
class Look:
    """What a draft would do: the calendar before and after, and each time that moves."""

    calendar: Calendar
    preview: Preview
    outcome: list[tuple[str, str]]
    away: list[leaves.Clash]
    unready: list[ports.Unready]

    @property
    def coming(self) -> list[NamedShift]:
        """The first shifts that it makes."""
        return self.preview.shifts[:LISTED]


def look_at_rotation(row: Schedule | None, draft: RotationDraft, reader: Person, effective: datetime | None) -> Look:
    """Return what a turn order would do to a rota, or for a new one."""
    at = now()
    before = queries.load(row) if row else resolve.Schedule()
    layer = queries.layer_number(row, draft.layer)
    pure = draft.as_rotation(row.time_zone if row else draft.time_zone, effective, layer)
    after = queries.with_rotation(before, pure, draft.layer)
    length = timedelta(days=31) * pure.months if pure.months else pure.length
    round_ = min(LONGEST_LOOK, length * (len(pure.participants) + 1))
    until = max(at, pure.begins()) + max(AHEAD, round_)
    preview = queries.preview(before, after, at, until)
    first = min((move.starts_at for move in preview.changes), default=at)
    people = Person.objects.filter(pk__in=draft.everybody()).order_by("name", "pk")
    return replace(_look(row, preview, after, first, reader), unready=ports.unready(people))


def look_at_override(row: Schedule, draft: OverrideDraft, reader: Person) -> Look:
    """Return what an override would do to a rota."""
    at = now()
    before = queries.load(row)
    after = queries.with_override(before, draft.as_override(at))
    preview = queries.preview(before, after, max(at, draft.starts_at), draft.ends_at)
    return _look(row, preview, after, max(at, draft.starts_at), reader)


def _look(row: Schedule | None, preview: Preview, after: resolve.Schedule, first: datetime, reader: Person) -> Look:
    window = Window(first.astimezone(zone_of(reader)).date(), reader, now())
    drawn = [("As it would be", "", queries.named(resolve.shifts(after, window.starts_at, window.ends_at)))]
    if row is not None:
        drawn.insert(0, ("As it is", "", queries.shifts_between(row, window.starts_at, window.ends_at)))
    drawn += layer_rows(after, window)
    zones = dict.fromkeys(rotation.time_zone for rotation in after.rotations)
    outcome = [(move.before, move.after) for move in preview.changes]
    away = leaves.clashes(preview.shifts, leaves.away_in([preview.shifts]), now() + AHEAD)[:LISTED]
    return Look(window.draw(drawn, zones), preview, outcome, away, [])


def layer_rows(schedule: resolve.Schedule, window: Window) -> list[tuple[str, str, list[NamedShift]]]:
    """Return what each layer does by itself, the highest first; nothing where there is but one."""
    layers = resolve.layers_of(schedule)
    if len(layers) < 2:
        return []
    ranks = {rotation.layer: rotation.rank for rotation in schedule.rotations}
    ranks |= {work.layer: work.rank for work in schedule.booked}
    rows = []
    for layer in sorted(layers, key=lambda layer: -ranks[layer]):
        name = schedule.layers.get(layer, FIRST_LAYER)
        pieces = resolve.layer_shifts(schedule, layer, window.starts_at, window.ends_at)
        rows.append((f"Layer {name}", "", [shift for shift in queries.named(pieces) if not shift.is_gap]))
    return rows


def edit_initial(row: Schedule, layer: str | None = "") -> dict[str, object]:
    """Return a turn order that moves no shift if saved as it is: whoever is next stands first, from then on.

    Without a layer it is that of a new one, above the others.
    """
    at = now()
    ruling = [pure for pure, begins, ends in resolve.reigns(queries.load(row)) if ends > at]
    rows = {rotation.pk: rotation for rotation in row.rotations.all()}
    if layer is None:
        top = max((pure.rank for pure in ruling), default=-1)
        return {"time_zone": row.time_zone, "rank": top + 1, "starts_on": at.date(), "unit": Rotation.Unit.WEEKS}
    number = queries.layer_number(row, layer)
    rotations = [pure for pure in ruling if pure.layer == number]
    if not rotations:
        return {"time_zone": row.time_zone, "layer": layer}
    return _as_offered(rows[rotations[0].id], rotations[0], at)


def _as_offered(stored: Rotation, pure: resolve.Rotation, at: datetime) -> dict[str, object]:
    turn = max(0, pure.turn_at(max(at, pure.begins())) + (pure.begins() <= at))
    if stored.unit == Rotation.Unit.MONTHS:  # a clamped day would move the anchor
        turn = (
            turn // len(pure.participants) * len(pure.participants)
            if pure.wall(turn).day != stored.starts_on.day
            else turn
        )
    order = [pure.people(turn + n) for n in range(len(pure.participants))]
    people = Person.objects.in_bulk({pk for group in order for pk in group})
    groups = [[people[pk] for pk in group if people[pk].is_active] for group in order]
    return {
        "layer": stored.layer.name if stored.layer else "",
        "rank": stored.rank,
        "participants": names_of([group for group in groups if group]),
        "unit": stored.unit,
        "every": stored.every,
        "handoff_weekday": stored.handoff_weekday if stored.handoff_weekday is not None else 0,
        "weekdays": days_of(stored.weekdays),
        "handoff_time": pure.handoff_time,
        "windows": "\n".join(line_of(window) for window in pure.windows),
        "active_days": stored.active_days,
        "starts_on": pure.wall(turn).date(),
        "time_zone": pure.time_zone,
    }


def cover_initial(row: Schedule, reader: Person, asked: Mapping[str, str]) -> dict[str, object]:
    """Return a cover form as a link asks for it: by default the reader takes the shift that is next."""
    at = now()
    coming = queries.coming(row, at, at + AHEAD)
    shift = coming[1] if len(coming) > 1 else coming[0]
    starts_at = _instant(asked.get("from", "")) or shift.starts_at
    ends_at = _instant(asked.get("until", "")) or min(shift.ends_at, starts_at + timedelta(weeks=1))
    initial: dict[str, object] = {"person": reader.pk, "starts_at": starts_at, "ends_at": ends_at}
    if asked.get("instead_of", "").isdecimal():
        initial |= {"kind": Override.Kind.REPLACE_ONE, "instead_of": asked["instead_of"]}
    return initial


def ask_initial(row: Schedule, reader: Person, asked: Mapping[str, str]) -> dict[str, object]:
    """Return a request as a link asks for it: by default the reader's next shift of this rota."""
    own = [shift for other, shift in queries.shifts_of(reader, now()) if other.pk == row.pk]
    starts_at = _instant(asked.get("from", "")) or (own[0].starts_at if own else None)
    ends_at = _instant(asked.get("until", "")) or (own[0].ends_at if own and own[0].has_end else None)
    return {"starts_at": starts_at, "ends_at": ends_at}


def _instant(word: str) -> datetime | None:
    try:
        value = datetime.fromisoformat(word)
    except ValueError:
        return None
    return value if value.tzinfo is not None and 1971 <= value.year <= 2198 else None

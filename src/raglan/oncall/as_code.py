"""Schedules as code: the one written form of a schedule and its overrides. Pure; it needs no server.

`read` turns a file into a `Document`, `schedule_of` into what the arithmetic reads, `write` turns a document into YAML.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from raglan.oncall import resolve, written
from raglan.oncall.turns import MOST, Window
from raglan.oncall.windows import WEEKDAYS, days_of, line_of, parse_days, parse_line, weekday
from raglan.oncall.written import Part

RANKS = range(-100, 101)
LENGTHS = {"hours": timedelta(hours=1), "days": timedelta(days=1), "weeks": timedelta(weeks=1)}
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./@+-]*(?<! )")
Names = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class LayerText:
    """A turn order as it is written; people by name or mail address, each place as a group."""

    people: Names
    starts: date
    at: time
    unit: str = "weeks"
    every: int = 1
    on: tuple[int, ...] = ()
    time_zone: str = ""
    name: str = ""
    rank: int = 0
    windows: tuple[Window, ...] = ()
    active_days: bool = False
    since: datetime | None = None
    until: datetime | None = None
    part: Part | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class OverrideText:
    """An override as it is written."""

    person: str
    starts_at: datetime
    ends_at: datetime
    kind: str = "replace_everybody"
    instead_of: str = ""
    reason: str = ""
    rank: int = 0
    part: Part | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A schedule as it is written. Without overrides (None) it says nothing about them."""

    slug: str
    name: str
    time_zone: str
    layers: tuple[LayerText, ...]
    team: str = ""
    overrides: tuple[OverrideText, ...] | None = None
    part: Part | None = field(default=None, compare=False)


def read(text: str) -> Document:
    """Read a document. Raises BadInput with field and line."""
    part = written.read(text)
    fields = part.fields("schedule", "name", "team", "time_zone", "layers", "overrides")
    for name in ("schedule", "time_zone", "layers"):
        if name not in fields:
            raise part.wrong(f"{name} is missing")
    slug = fields["schedule"].text(60)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", slug):
        raise fields["schedule"].wrong("write small letters, digits and hyphens")
    zone = fields["time_zone"].zone()
    layers = tuple(_layer(item, zone) for item in fields["layers"].items())
    if not 0 < len(layers) <= 60:
        raise fields["layers"].wrong("write 1 to 60 turn orders")
    overrides = tuple(_override(item, zone) for item in fields["overrides"].items()) if "overrides" in fields else None
    return Document(
        slug=slug,
        name=fields["name"].text(120) if "name" in fields else slug,
        time_zone=zone,
        layers=layers,
        team=fields["team"].text(60) if "team" in fields else "",
        overrides=overrides,
        part=part,
    )


def _layer(part: Part, zone: str) -> LayerText:
    known = ("name", "rank", "people", "turns", "starts", "time_zone", "windows", "active_days", "from", "until")
    fields = part.fields(*known)
    for name in ("people", "starts"):
        if name not in fields:
            raise part.wrong(f"{name} is missing")
    zone = fields["time_zone"].zone() if "time_zone" in fields else zone
    unit, every, on, at = _turns(fields.get("turns"), fields["starts"].day())
    windows = tuple(_window(item) for item in fields["windows"].items()) if "windows" in fields else ()
    layer = LayerText(
        people=tuple(_group(item) for item in fields["people"].items()),
        starts=fields["starts"].day(),
        at=at,
        unit=unit,
        every=every,
        on=on,
        time_zone=zone,
        name=fields["name"].text(60) if "name" in fields else "",
        rank=fields["rank"].number(RANKS) if "rank" in fields else 0,
        windows=windows,
        active_days="active_days" in fields and fields["active_days"].flag(),
        since=fields["from"].instant(zone) if "from" in fields else None,
        until=fields["until"].instant(zone) if "until" in fields else None,
        part=part,
    )
    if not layer.people:
        raise fields["people"].wrong("name at least one person")
    if layer.active_days and not (windows and unit == "days"):
        raise fields["active_days"].wrong("only turns of days in a layer with windows pass on worked days alone")
    return layer


def _turns(part: Part | None, starts: date) -> tuple[str, int, tuple[int, ...], time]:
    if part is None:
        return "weeks", 1, (starts.weekday(),), time(0)
    fields = part.fields("every", "unit", "on", "at")
    unit = fields["unit"].choice(*MOST) if "unit" in fields else "weeks"
    every = fields["every"].number(range(1, MOST[unit] + 1)) if "every" in fields else 1
    at = fields["at"].wall_time() if "at" in fields else time(0)
    if unit not in ("weeks", "weekdays"):
        if "on" in fields:
            raise fields["on"].wrong("only turns of weeks, or by weekdays, change on named days")
        return unit, every, (), at
    days = _days(fields["on"]) if "on" in fields else (starts.weekday(),)
    if unit == "weeks" and len(days) != 1:
        raise fields["on"].wrong("turns of weeks change on one day; for several write unit: weekdays")
    return unit, every, days, at


def _days(part: Part) -> tuple[int, ...]:
    try:
        if isinstance(part.value, list):
            return tuple(sorted({weekday(item.text(20)) for item in part.items()}))
        return parse_days(part.text(80))
    except ValueError as error:
        raise part.wrong(str(error)) from None


def _window(part: Part) -> Window:
    try:
        return parse_line(part.text(120))
    except ValueError as error:
        raise part.wrong(str(error)) from None


def _group(part: Part) -> tuple[str, ...]:
    names = tuple(item.text(254) for item in part.items()) if isinstance(part.value, list) else (part.text(254),)
    if not names or not all(names):
        raise part.wrong("name a person, or a list of people who share the turn")
    return names


def _override(part: Part, zone: str) -> OverrideText:
    fields = part.fields("kind", "person", "instead_of", "from", "until", "reason", "rank")
    for name in ("person", "from", "until"):
        if name not in fields:
            raise part.wrong(f"{name} is missing")
    kind = fields["kind"].choice(*resolve.Kind) if "kind" in fields else resolve.Kind.REPLACE_EVERYBODY.value
    found = OverrideText(
        person=fields["person"].text(254),
        starts_at=fields["from"].instant(zone),
        ends_at=fields["until"].instant(zone),
        kind=kind,
        instead_of=fields["instead_of"].text(254) if "instead_of" in fields else "",
        reason=fields["reason"].text(200) if "reason" in fields else "",
        rank=fields["rank"].number(RANKS) if "rank" in fields else 0,
        part=part,
    )
    if found.ends_at <= found.starts_at:
        raise fields["until"].wrong("must be after from")
    if (found.kind == resolve.Kind.REPLACE_ONE) != bool(found.instead_of):
        raise part.wrong("instead_of belongs to kind: replace_one, and to it alone")
    return found


def names_in(document: Document) -> list[str]:
    """Return each name that a document has, once."""
    layers = (name for layer in document.layers for group in layer.people for name in group)
    taken = (name for item in document.overrides or () for name in (item.person, item.instead_of) if name)
    return list(dict.fromkeys((*layers, *taken)))


def schedule_of(document: Document) -> tuple[resolve.Schedule, list[str]]:
    """Return a document as the arithmetic reads it, with the names that its numbers stand for."""
    numbers: dict[str, int] = {}
    names: list[str] = []
    for name in names_in(document):
        if name.casefold() not in numbers:
            numbers[name.casefold()] = len(names)
            names.append(name)
    layers = list(dict.fromkeys(layer.name for layer in document.layers))
    rotations = [
        _rotation(layer, number, layers.index(layer.name) + 1, numbers) for number, layer in enumerate(document.layers)
    ]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    overrides = [
        resolve.Override(
            number,
            numbers[item.person.casefold()],
            item.starts_at,
            item.ends_at,
            item.reason,
            epoch,
            resolve.Kind(item.kind),
            numbers[item.instead_of.casefold()] if item.instead_of else None,
            item.rank,
        )
        for number, item in enumerate(document.overrides or (), 1)
    ]
    titles = {number: name for number, name in enumerate(layers, 1) if name}
    return resolve.Schedule(tuple(rotations), tuple(overrides), {}, titles), names


def _rotation(layer: LayerText, number: int, layer_id: int, numbers: dict[str, int]) -> resolve.Rotation:
    groups = [tuple(dict.fromkeys(numbers[name.casefold()] for name in group)) for group in layer.people]
    return resolve.Rotation(
        participants=tuple(groups),
        starts_on=layer.starts,
        handoff_time=layer.at,
        time_zone=layer.time_zone,
        handoff_weekday=layer.on[0] if layer.unit == "weeks" else None,
        length=layer.every * LENGTHS.get(layer.unit, timedelta(weeks=1)),
        effective_from=layer.since,
        id=number,
        months=layer.every if layer.unit == "months" else 0,
        weekdays=layer.on if layer.unit == "weekdays" else (),
        windows=layer.windows,
        active_days=layer.active_days,
        ends_at=layer.until,
        layer=layer_id,
        rank=layer.rank,
    )


def write(document: Document) -> str:
    """Return a document as YAML; read again it is the same."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"schedule: {_scalar(document.slug)}"
    yield f"name: {_scalar(document.name)}"
    if document.team:
        yield f"team: {_scalar(document.team)}"
    yield f"time_zone: {_scalar(document.time_zone)}"
    yield "layers:"
    for layer in document.layers:
        yield from _item(_layer_lines(layer, document.time_zone))
    if document.overrides is not None:
        yield "overrides:" if document.overrides else "overrides: []"
        for item in document.overrides:
            yield from _item(_override_lines(item))


def _item(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {'- ' if number == 0 else '  '}{line}"


def _layer_lines(layer: LayerText, zone: str) -> Iterator[str]:
    if layer.name:
        yield f"name: {_scalar(layer.name)}"
    yield f"rank: {layer.rank}"
    if layer.time_zone != zone:
        yield f"time_zone: {_scalar(layer.time_zone)}"
    yield f'starts: "{layer.starts.isoformat()}"'
    on = f", on: {_scalar(WEEKDAYS[layer.on[0]] if layer.unit == 'weeks' else days_of(layer.on))}" if layer.on else ""
    yield f'turns: {{every: {layer.every}, unit: {layer.unit}{on}, at: "{clock_of(layer.at)}"}}'
    yield "people:"
    for group in layer.people:
        names = [_scalar(name) for name in group]
        yield f"  - {names[0]}" if len(names) == 1 else f"  - [{', '.join(names)}]"
    if layer.windows:
        yield "windows:"
        yield from (f"  - {_scalar(line_of(window))}" for window in layer.windows)
    if layer.active_days:
        yield "active_days: true"
    if layer.since:
        yield f'from: "{layer.since.isoformat()}"'
    if layer.until:
        yield f'until: "{layer.until.isoformat()}"'


def clock_of(at: time) -> str:
    """Return a time of day as it is written."""
    return at.isoformat("seconds" if at.second else "minutes")


def _override_lines(item: OverrideText) -> Iterator[str]:
    yield f"kind: {item.kind}"
    yield f"person: {_scalar(item.person)}"
    if item.instead_of:
        yield f"instead_of: {_scalar(item.instead_of)}"
    yield f'from: "{item.starts_at.isoformat()}"'
    yield f'until: "{item.ends_at.isoformat()}"'
    if item.reason:
        yield f"reason: {_scalar(item.reason)}"
    if item.rank:
        yield f"rank: {item.rank}"


def _scalar(text: str) -> str:
    """Return a text as YAML reads it back: plain where nothing could be taken for something else."""
    if PLAIN.fullmatch(text) and text.casefold() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n"):
        return text
    return json.dumps(text, ensure_ascii=False)

"""Schedules as code: the one written form of a schedule and its overrides. Pure; it needs no server.

`read` turns a file into a `Document`, `schedule_of` into what the arithmetic reads; `code_out` writes one as YAML.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from raglan.oncall import resolve, written
from raglan.oncall.turns import MOST, Window
from raglan.oncall.windows import parse_days, parse_line, weekday
from raglan.oncall.written import Part

RANKS = range(-100, 101)
LENGTHS = {"hours": timedelta(hours=1), "days": timedelta(days=1), "weeks": timedelta(weeks=1)}
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
    """A schedule as it is written. Without a name, a team or overrides (None) it says nothing about them."""

    slug: str
    time_zone: str
    layers: tuple[LayerText, ...]
    name: str = ""
    team: str | None = None
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
    _check_order(layers)
    overrides = tuple(_override(item, zone) for item in fields["overrides"].items()) if "overrides" in fields else None
    return Document(
        slug=slug,
        name=fields["name"].text(120) if "name" in fields else "",
        time_zone=zone,
        layers=layers,
        team=fields["team"].text(60) if "team" in fields else None,
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
    if layer.until and layer.since and layer.until <= layer.since:
        raise fields["until"].wrong("must be after from")
    if layer.until and layer.until <= _rotation(layer).begins():
        raise fields["until"].wrong("must be after the first handoff, or the layer never counts")
    return layer


def _check_order(layers: Sequence[LayerText]) -> None:
    """Raise BadInput where two entries of one layer would decide at the same time, and nothing says which follows."""
    entries = sorted((layer.name, _rotation(layer).begins(), number) for number, layer in enumerate(layers))
    for (name, start, first), (same, after, second) in pairwise(entries):
        one, other = layers[first], layers[second]
        is_over = one.until is not None and one.until <= after
        if name != same or is_over or (other.since is not None and start < after):
            continue
        part = layers[max(first, second)].part
        assert part is not None
        which = f"layer {name} stands here twice" if name else "this is a second layer without a name"
        sentence = "give each layer a name of its own, or say with from when one follows the other"
        raise part.wrong(f"{which}, for the same time; {sentence}")


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


def live(document: Document, at: datetime) -> Document:
    """Return a document without what is over at an instant: the past stays as it was, whatever a file says of it.

    A layer is over from its end on, and once another entry of the same name has begun after it.
    """
    begun: dict[str, datetime] = {}
    for layer in document.layers:
        begins = _rotation(layer).begins()
        if begins <= at:
            begun[layer.name] = max(begins, begun.get(layer.name, begins))
    layers = tuple(
        layer
        for layer in document.layers
        if (layer.until is None or layer.until > at) and _rotation(layer).begins() >= begun.get(layer.name, at)
    )
    overrides = document.overrides
    if overrides is not None:
        overrides = tuple(item for item in overrides if item.ends_at > at)
    return replace(document, layers=layers, overrides=overrides)


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
        _rotation(layer, number, layers.index(layer.name) + 1, _groups(layer, numbers))
        for number, layer in enumerate(document.layers)
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


def _groups(layer: LayerText, numbers: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(dict.fromkeys(numbers[name.casefold()] for name in group)) for group in layer.people)


def _rotation(
    layer: LayerText, number: int = 0, layer_id: int = 0, groups: tuple[tuple[int, ...], ...] = ()
) -> resolve.Rotation:
    return resolve.Rotation(
        participants=groups,
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

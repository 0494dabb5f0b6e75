"""A file as somebody wrote it: YAML or JSON, read as plain texts with the line of each value. Pure.

There are no aliases, anchors, merge keys, tags or guessed types: every scalar is a text, and an empty one or `null` is
the same as leaving it out. Limits keep a hostile file cheap.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import yaml

from raglan.core.errors import BadInput
from raglan.oncall.wall import first_instant
from raglan.oncall.windows import parse_time

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 20_000
YEARS = range(1970, 2150)
PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
Value = str | None | list["Value"] | dict[str, "Value"]
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Part:
    """A value in the file, with where it stands."""

    value: Value
    path: str
    lines: Mapping[str, int]

    def wrong(self, sentence: str) -> BadInput:
        """Return the refusal of this value."""
        line = self.lines.get(self.path)
        return BadInput(self.path, f"line {line}: {sentence}" if line else sentence, status=422)

    def fields(self, *known: str) -> dict[str, "Part"]:
        """Return the members that are given. Raises BadInput for one that nobody knows, or when it has none."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"write fields here: {', '.join(known)}")
        found = {name: self._inside(f".{name}" if self.path else name, item) for name, item in self.value.items()}
        for name, part in found.items():
            if name not in known:
                raise part.wrong(f"{name} is not a field here; there are {', '.join(known)}")
        return {name: part for name, part in found.items() if part.value is not None}

    def items(self) -> list["Part"]:
        """Return the members of a list. Raises BadInput when it is none."""
        if not isinstance(self.value, list):
            raise self.wrong("write a list here")
        return [self._inside(f"[{number}]", item) for number, item in enumerate(self.value)]

    def _inside(self, step: str, value: Value) -> "Part":
        return Part(value, self.path + step, self.lines)

    def text(self, most: int = 300) -> str:
        """Return a text. Raises BadInput."""
        if not isinstance(self.value, str):
            raise self.wrong("write a text here")
        if len(self.value) > most:
            raise self.wrong(f"has more than {most} characters")
        return self.value.strip()

    def number(self, allowed: range) -> int:
        """Return a whole number. Raises BadInput."""
        word = self.text(20)
        if not re.fullmatch(r"-?[0-9]{1,9}", word) or int(word) not in allowed:
            raise self.wrong(f"write a whole number from {allowed.start} to {allowed.stop - 1}")
        return int(word)

    def flag(self) -> bool:
        """Return yes or no. Raises BadInput."""
        word = self.text(20)
        if word not in ("true", "false"):
            raise self.wrong("write true or false")
        return word == "true"

    def choice(self, *words: str) -> str:
        """Return one of some words. Raises BadInput."""
        word = self.text(60)
        if word not in words:
            raise self.wrong(f"write one of {', '.join(words)}")
        return word

    def wall_time(self) -> time:
        """Return a time of day. Raises BadInput."""
        try:
            return parse_time(self.text(20))
        except ValueError as error:
            raise self.wrong(str(error)) from None

    def day(self) -> date:
        """Return a date. Raises BadInput."""
        try:
            found = date.fromisoformat(self.text(20))
        except ValueError:
            raise self.wrong("write a date such as 2026-01-05") from None
        if found.year not in YEARS:
            raise self.wrong(f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
        return found

    def instant(self, zone: str) -> datetime:
        """Return a point in time; without an offset it is read on the wall clock of a zone. Raises BadInput."""
        try:
            found = datetime.fromisoformat(self.text(40))
        except ValueError:
            raise self.wrong("write a time such as 2026-01-05 09:00 or 2026-01-05T09:00:00+01:00") from None
        if found.year not in YEARS:
            raise self.wrong(f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
        return found if found.tzinfo else first_instant(found.replace(microsecond=0), ZoneInfo(zone))

    def zone(self) -> str:
        """Return the name of a time zone. Raises BadInput."""
        word = self.text(64)
        try:
            is_known = word == "UTC" or ("/" in word and bool(ZoneInfo(word)))
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError, see below
            is_known = False
        except KeyError:
            is_known = False
        if not is_known:
            raise self.wrong(f"{word[:40]} is not a time zone; write a name such as Europe/Berlin")
        return word


def read(text: str) -> Part:
    """Read a file. Raises BadInput with the line."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise BadInput("", "the file is larger than 1 MiB", status=413)
    reading = _Reading(_as_yaml(text))
    try:
        value = reading.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise BadInput("", f"{where}this is not YAML or JSON: {error.problem or error.context}", status=422) from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput("", f"this is not YAML or JSON: {error}", status=422) from None
    return Part(value, "", reading.lines)


def _as_yaml(text: str) -> str:
    """Return a text that YAML reads alike: JSON may have tabs between values, and pairs of surrogates in texts."""
    if not text.lstrip().startswith("{"):
        return text
    return PAIR.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), text.replace("\t", " "))


@dataclass(slots=True)
class _Reading:
    """Reads events of YAML into values."""

    text: str
    lines: dict[str, int] = field(default_factory=dict)
    count: int = 0
    events: Iterator[yaml.Event] = field(init=False)

    def document(self) -> Value:
        self.events = iter(yaml.parse(BAD_TEXT.sub("\ufffd", self.text), Loader=Loader))
        event = next(self.events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise BadInput("", "the file is empty", status=422)
        value = self._value(event, "", 0)
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._wrong(event, "", "a file has one document")
        return value

    def _value(self, event: yaml.Event, path: str, depth: int) -> Value:
        self.count += 1
        self.lines[path] = _line(event)
        if self.count > MAX_VALUES:
            raise self._wrong(event, path, f"the file has more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise self._wrong(event, path, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._wrong(event, path, "anchors and aliases are not read; write the value again")
        if getattr(event, "tag", None) is not None:
            raise self._wrong(event, path, "tags are not read; write plain values")
        match event:
            case yaml.ScalarEvent():
                return None if event.implicit[0] and event.value in ("", "null", "~") else str(event.value)
            case yaml.SequenceStartEvent():
                return self._list(path, depth)
            case _:
                return self._mapping(path, depth)

    def _list(self, path: str, depth: int) -> Value:
        found: list[Value] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{path}[{len(found)}]", depth + 1))
        return found

    def _mapping(self, path: str, depth: int) -> Value:
        found: dict[str, Value] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = self.lines[path]
            key = self._value(event, path, depth + 1)
            self.lines[path] = line
            if not isinstance(key, str) or key == "<<":
                raise self._wrong(event, path, "the name of a field is a text; merge keys are not read")
            inner = f"{path}.{key[:80]}" if path else key[:80]
            if key in found:
                raise self._wrong(event, inner, f"{key[:80]} stands here twice")
            found[key] = self._value(next(self.events), inner, depth + 1)
        return found

    def _wrong(self, event: yaml.Event, path: str, sentence: str) -> BadInput:
        return BadInput(path, f"line {_line(event)}: {sentence}", status=422)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0

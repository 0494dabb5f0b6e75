"""Reads the YAML that Ruby writes, without making anything of its tags: an object is an object of texts.

Values come from the parser's events, not from a loader: no tag is ever looked up, only true, false and null have a
type of their own, and size, depth and what aliases would unfold to are bounded.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from raglan.core.decode import MAX_DEPTH, clean_text
from raglan.core.errors import BadInput

MAX_BYTES = 5 * 1024 * 1024
MAX_VALUES = 300_000
BINARY = ("!binary", "tag:yaml.org,2002:binary")
PLAIN: dict[str, bool | None] = {"true": True, "false": False, "": None, "~": None, "null": None}
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(body: bytes) -> object:
    """Read one document. Raises BadInput."""
    if len(body) > MAX_BYTES:
        raise BadInput("", "larger than 5 MiB", status=413)
    reading = _Reading(clean_text(body.decode("utf-8", "replace")))
    try:
        return reading.document()
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise BadInput("", f"{where}this is not YAML: {getattr(error, 'problem', None) or error}"[:300]) from None


@dataclass(slots=True)
class _Reading:
    """Makes values of events."""

    text: str
    count: int = 0
    anchors: dict[str, tuple[object, int]] = field(default_factory=dict)
    events: Iterator[yaml.Event] = field(init=False)

    def document(self) -> object:
        self.events = iter(yaml.parse(self.text, Loader=Loader))
        event = next(self.events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise BadInput("", "the body is empty")
        return self._value(event, 0)

    def _value(self, event: yaml.Event, depth: int) -> object:
        if isinstance(event, yaml.AliasEvent):
            return self._again(event.anchor)
        before = self.count
        self._add(1)
        if depth > MAX_DEPTH:
            raise BadInput("", f"nested deeper than {MAX_DEPTH} levels", status=422)
        match event:
            case yaml.ScalarEvent():
                value: object = _scalar(event)
            case yaml.SequenceStartEvent():
                value = self._list(depth)
            case _:
                value = self._mapping(depth)
        if (anchor := getattr(event, "anchor", None)) is not None:
            self.anchors[anchor] = (value, self.count - before)
        return value

    def _again(self, anchor: str | None) -> object:
        """Return what an alias names. It counts as much as it would unfold to, and can not name what it stands in."""
        if anchor is None or anchor not in self.anchors:
            raise BadInput("", f"nothing is called {str(anchor)[:40]} before it is used", status=422)
        value, weight = self.anchors[anchor]
        self._add(weight)
        return value

    def _add(self, many: int) -> None:
        self.count += many
        if self.count > MAX_VALUES:
            raise BadInput("", f"more than {MAX_VALUES:,} values", status=422)

    def _list(self, depth: int) -> list[object]:
        found = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            value = self._value(next(self.events), depth + 1)
            if isinstance(key, str):
                found[key] = value
        return found


def _scalar(event: yaml.ScalarEvent) -> object:
    if event.tag in BINARY:
        try:
            return clean_text(b64decode(event.value).decode("utf-8", "replace"))
        except (NotBase64, ValueError):
            return event.value
    return PLAIN.get(event.value, event.value) if event.implicit[0] else event.value

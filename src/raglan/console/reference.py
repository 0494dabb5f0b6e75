"""Reads the OpenAPI document into what the reference screen shows: types and limits in words, and a line to paste."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from raglan.config import config

Schema = Mapping[str, object]
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 4
SAMPLES: dict[str, object] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "object": {}}
BIG = 2**53
FORMATS = {"date-time": "time, such as 2026-11-18T14:12:00Z", "date": "date, such as 2026-11-18", "time": "time of day"}


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter or one field of a body; `name` is the whole path to it, such as `steps[].wait_s`."""

    name: str
    type: str
    limits: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status and what it carries."""

    status: str
    type: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that REST can do."""

    id: str
    method: str
    path: str
    summary: str
    words: str
    parameters: list[Field]
    body: list[Field]
    answers: list[Answer]
    curl: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that REST can do, as the list of all shows it."""

    id: str
    method: str
    path: str
    summary: str


@dataclass(frozen=True, slots=True)
class Group:
    """What one part of raglan can do; `slug` is its name in addresses."""

    name: str
    slug: str
    entries: list[Entry]


def groups(document: Schema) -> list[Group]:
    """Return all that REST can do by part, in the order of the document."""
    found: dict[str, list[Entry]] = {}
    for path, method, raw in _raw(document):
        entry = Entry(str(raw["operationId"]), method.upper(), path, str(raw.get("summary", "")))
        found.setdefault(_tag(raw), []).append(entry)
    return [Group(tag, _slug(tag), entries) for tag, entries in found.items()]


def operations(document: Schema, slug: str) -> list[Operation]:
    """Return the operations of one part with all that they take and answer; none where there is no such part."""
    reader = _Reader(_mapping(_mapping(document["components"])["schemas"]))
    return [reader.operation(path, method, raw) for path, method, raw in _raw(document) if _slug(_tag(raw)) == slug]


def _raw(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in _mapping(document["paths"]).items():
        for method in METHODS:
            if method in _mapping(methods):
                yield path, method, _mapping(_mapping(methods)[method])


def _tag(raw: Schema) -> str:
    return str(cast("list[str]", raw.get("tags") or ["other"])[0])


def _slug(tag: str) -> str:
    return tag.replace(" ", "-")


def _mapping(value: object) -> Schema:
    return cast("Schema", value or {})


class _Reader:
    """Follows the references of one document."""

    def __init__(self, schemas: Schema) -> None:
        self._schemas = schemas

    def operation(self, path: str, method: str, raw: Schema) -> Operation:
        """Return one operation in words."""
        parameters = [_mapping(item) for item in cast("list[Schema]", raw.get("parameters") or [])]
        body = self._json_of(_mapping(raw.get("requestBody")))
        answers = _mapping(raw.get("responses"))
        return Operation(
            id=str(raw["operationId"]),
            method=method.upper(),
            path=path,
            summary=str(raw.get("summary", "")),
            words=str(raw.get("description", "")),
            parameters=[self._parameter(item) for item in parameters],
            body=list(self._fields(body)) if body else [],
            answers=[self._answer(str(status), _mapping(answer)) for status, answer in answers.items()],
            curl=self._curl(path, method, body),
        )

    def _parameter(self, raw: Schema) -> Field:
        schema = _mapping(raw.get("schema"))
        where = "in the address" if raw.get("in") == "path" else ""
        return Field(
            str(raw["name"]), self.type(schema), limits(schema), bool(raw.get("required")), where or _words(schema)
        )

    def _answer(self, status: str, raw: Schema) -> Answer:
        schema = self._json_of(raw)
        if not schema:
            return Answer(status, "nothing", [])
        inner = self._resolve(_mapping(schema.get("items"))) if schema.get("type") == "array" else self._resolve(schema)
        return Answer(status, self.type(schema), list(self._fields(inner)))

    def _json_of(self, raw: Schema) -> Schema:
        content = _mapping(raw.get("content"))
        return _mapping(_mapping(content.get("application/json")).get("schema"))

    def _resolve(self, schema: Schema) -> Schema:
        ref = schema.get("$ref")
        return _mapping(self._schemas.get(str(ref).rpartition("/")[2])) if ref else schema

    def _fields(self, schema: Schema, prefix: str = "") -> Iterator[Field]:
        found = self._resolve(schema)
        if found.get("type") == "array" and not prefix:
            inner = self._inner(found)
            yield Field("[]", self.type(found), limits(found), required=True, words="")
            yield from self._fields(inner, "[].") if inner else ()
            return
        required = cast("list[str]", found.get("required") or [])
        for name, raw in _mapping(found.get("properties")).items():
            field = _mapping(raw)
            yield Field(prefix + name, self.type(field), limits(field), name in required, _words(field))
            inner = self._inner(field)
            if inner is not None and prefix.count(".") < DEEPEST:
                many = "[]" if "array" in self.type(field) else ""
                yield from self._fields(inner, f"{prefix}{name}{many}.")

    def _inner(self, schema: Schema) -> Schema | None:
        """Return the object that a field holds, or holds a list of; None for plain values."""
        options = [_mapping(item) for item in cast("list[Schema]", schema.get("anyOf") or [schema])]
        for option in options:
            found = self._resolve(_mapping(option.get("items")) if option.get("type") == "array" else option)
            if found.get("properties"):
                return found
        return None

    def type(self, schema: Schema) -> str:
        """Say in words what a value is."""
        if "anyOf" in schema:
            words = [self.type(_mapping(item)) for item in cast("list[Schema]", schema["anyOf"])]
            return " or ".join(dict.fromkeys("null" if word == "null" else word for word in words))
        found = self._resolve(schema)
        if found.get("type") == "array":
            return f"array of {self.type(_mapping(found.get('items')))}"
        if "enum" in found:
            return "one of " + ", ".join(f"“{word}”" for word in cast("list[object]", found["enum"]))
        if "const" in found:
            return f"“{found['const']}”"
        return FORMATS.get(str(found.get("format")), str(found.get("type") or "any JSON"))

    def _curl(self, path: str, method: str, body: Schema) -> str:
        parts = [
            "curl",
            *(["-X", method.upper()] if method not in ("get", "post") or (not body and method == "post") else []),
        ]
        parts += ["-H", "Authorization: Bearer $RAGLAN_TOKEN"]
        if body:
            parts += ["-H", "Content-Type: application/json", "-d", json.dumps(self.sample(body), ensure_ascii=False)]
        words = [f'"{word}"' if "$RAGLAN_TOKEN" in word else shlex.quote(word) for word in parts]
        return " ".join([*words, shlex.quote(config().public_url + path)])

    def sample(self, schema: Schema, depth: int = 0) -> object:
        """Return a value that fits, with required fields only."""
        found = self._resolve(schema)
        if "anyOf" in found:
            return self.sample(_mapping(cast("list[Schema]", found["anyOf"])[0]), depth)
        if "enum" in found:
            return cast("list[object]", found["enum"])[0]
        if found.get("type") == "array":
            return [self.sample(_mapping(found.get("items")), depth + 1)]
        if found.get("properties") and depth < DEEPEST:
            required = cast("list[str]", found.get("required") or [])
            fields = _mapping(found["properties"])
            return {name: self.sample(_mapping(fields[name]), depth + 1) for name in required if name in fields}
        return _plain_sample(found)


def _plain_sample(schema: Schema) -> object:
    match schema.get("format"):
        case "date-time":
            return "2026-11-18T14:12:00Z"
        case "date":
            return "2026-11-18"
        case "time":
            return "09:00:00"
    return SAMPLES.get(str(schema.get("type")), "text")


def _words(schema: Schema) -> str:
    default = schema.get("default")
    said = str(schema.get("description", ""))
    unless = f"{json.dumps(default)} unless given" if default not in (None, "", [], {}) else ""
    return ". ".join(part for part in (said.rstrip("."), unless) if part)


def limits(schema: Schema) -> str:
    """Say in words how large or long a value may be."""
    options = [_mapping(item) for item in cast("list[Schema]", schema.get("anyOf") or [schema])]
    found = next((option for option in options if option.get("type") != "null"), schema)
    return ", ".join(part for part in (*_number_limits(found), *_length_limits(found)) if part)


def _number_limits(schema: Schema) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float):
        yield f"at least {least}"
    if isinstance(most, int | float) and most < BIG:
        yield f"at most {most}"


def _length_limits(schema: Schema) -> Iterator[str]:
    if schema.get("minLength"):
        yield "not empty"
    if "maxLength" in schema:
        yield f"{schema['maxLength']} characters at most"
    if "maxItems" in schema:
        yield f"{schema['maxItems']} at most"
    if "pattern" in schema:
        yield f"matches {schema['pattern']}"

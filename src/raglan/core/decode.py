"""The one decoder at the border: bytes to a value, or a `BadInput` that names the field.

Depth, member count and numbers are bounded before anything walks the value; NUL and lone surrogates become U+FFFD
once, so that both databases accept every text.
"""

import json
import math
import re
from datetime import UTC, datetime

import msgspec

from raglan.core.errors import BadInput

MAX_DEPTH = 32
MAX_MEMBERS = 10_000
MAX_INT = 2**63 - 1
YEARS = range(1970, 2201)

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
_ZERO_TIME = "0001-01-01T00:00:00"


def decode_json(body: bytes, *, max_members: int = MAX_MEMBERS) -> Json:
    """Decode a body. Raises BadInput (400 not JSON, 422 beyond a limit)."""
    if _depth(body) > MAX_DEPTH:
        raise BadInput("", f"nested deeper than {MAX_DEPTH} levels", status=422)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        value = _second_try(body, error)
    counter = [0]
    return _clean(value, "", counter, max_members)


def _second_try(body: bytes, error: Exception) -> object:
    """Read what msgspec refuses but may be kept: lone surrogates and bytes that are not UTF-8."""
    try:
        return json.loads(body.decode("utf-8", "replace"), parse_constant=_no_constant, parse_int=_integer)
    except BadInput:
        raise
    except (ValueError, RecursionError):
        raise BadInput("", f"this is not JSON: {error}") from None


def _no_constant(word: str) -> object:
    raise BadInput("", f"{word} is not a number in JSON", status=422)


def _integer(digits: str) -> int:
    if len(digits) > 20:
        raise BadInput("", "a number has more than 64 bits", status=422)
    return int(digits)


def _depth(body: bytes) -> int:
    """Return the nesting depth by counting brackets outside strings, without decoding."""
    deepest = depth = 0
    for piece in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', body, re.DOTALL):
        mark = piece[0]
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark in (b"]", b"}"):
            depth -= 1
    return deepest


def clean_text(text: str) -> str:
    """Replace NUL and lone surrogates by U+FFFD."""
    return _BAD_TEXT.sub("\ufffd", text) if _BAD_TEXT.search(text) else text


def _clean(value: object, path: str, counter: list[int], most: int) -> Json:
    counter[0] += 1
    if counter[0] > most:
        raise BadInput("", f"more than {most} members", status=422)
    match value:
        case None | bool():
            return value
        case str():
            return clean_text(value)
        case int() | float():
            return _number(value, path)
        case list():
            return [_clean(item, f"{path}[{index}]", counter, most) for index, item in enumerate(value)]
        case dict():
            return {
                clean_text(str(key)): _clean(item, f"{path}.{key}" if path else str(key)[:80], counter, most)
                for key, item in value.items()
            }
        case _:
            raise BadInput(path, "this kind of value is not JSON")


def _number(value: float, path: str) -> float:
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise BadInput(path, "a number has more than 64 bits", status=422)
    if not math.isfinite(value):
        raise BadInput(path, "a number is not finite", status=422)
    return value


def parse_time(text: str, field: str) -> datetime | None:
    """Read an RFC 3339 time; the zero time of Go means "not set" and gives None. Raises BadInput."""
    if not text or text.startswith(_ZERO_TIME):
        return None
    try:
        value = datetime.fromisoformat(_shorten_fraction(text))
    except ValueError:
        raise BadInput(field, "write a time such as 2026-11-23T14:05:00Z", status=422) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    if value.year not in YEARS:
        raise BadInput(field, "the year must be from 1970 to 2200", status=422)
    return value.astimezone(UTC)


def _shorten_fraction(text: str) -> str:
    """Cut nanoseconds, which Go writes, to the microseconds that Python reads."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)

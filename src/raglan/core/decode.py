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
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_ZERO_TIME = "0001-01-01T00:00:00"


def decode_json(body: bytes, *, max_members: int = MAX_MEMBERS) -> Json:
    """Decode a body. Raises BadInput (400 not JSON, 422 beyond a limit)."""
    if _is_too_deep(body):
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


def _is_too_deep(body: bytes) -> bool:
    """Count brackets outside strings, without decoding, as far as is needed to know.

    A string that is not closed reaches to the end of the body; were it tried again at each of its escaped quotes, a
    body of 1 MiB would take hours.
    """
    depth = 0
    for piece in _MARKS.finditer(body):
        mark = piece[0]
        if mark in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif mark in (b"]", b"}"):
            depth -= 1
    return False


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

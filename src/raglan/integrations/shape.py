"""Small readers that all decoders share: a value of the wanted type, or a `BadInput` that names the field."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from raglan.alerts.ports import Answer, Decoded, Outcome, Problem, RawSignal
from raglan.core.decode import YEARS, Json, parse_time
from raglan.core.errors import BadInput

MOST_FIELDS = 50
Reader = Callable[[Json, str], RawSignal]


def mapping(value: Json, field: str) -> dict[str, Json]:
    """Return an object. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput(field, "must be an object")
    return value


def listing(value: Json, field: str) -> list[Json]:
    """Return an array. Raises BadInput."""
    if not isinstance(value, list):
        raise BadInput(field, "must be an array")
    return value


def text(value: Json, field: str) -> str:
    """Return a text; a missing one is empty. Raises BadInput."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(field, "must be a text")
    return value


def words(value: Json, field: str) -> dict[str, str]:
    """Return an object of texts; numbers and booleans are written out. Raises BadInput."""
    if value is None:
        return {}
    return {name: scalar(item, f"{field}.{name}") for name, item in mapping(value, field).items()}


def scalar(value: Json, field: str) -> str:
    """Return a text for a text, number or boolean. Raises BadInput."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise BadInput(field, "must be a text")


def read_each(items: list[Json], read: Reader, *, prefix: str = "") -> Decoded:
    """Read each item by itself, so that one bad one does not harm the others."""
    signals: list[RawSignal] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        field = f"{prefix}[{index}]"
        try:
            signals.append(read(item, field))
        except BadInput as error:
            problems.append(Problem(index, error.field, error.reason, item))
    return Decoded(signals, problems)


def sentence_of(problem: Problem) -> str:
    """Say which one was bad and why."""
    return f"{problem.field}: {problem.sentence}"


def keys(value: Json, field: str, *, most: int = 1_024) -> str:
    """Return a text or number that identifies something, as text. Raises BadInput."""
    found = scalar(value, field)
    if len(found) > most:
        raise BadInput(field, f"has more than {most:,} characters")
    return found


def plain(value: Json) -> str:
    """Return any value as text: nested ones as compact JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else scalar(value, "")


def links(items: Json, *, what: str = "link", address: str = "href", name: str = "text") -> dict[str, str]:
    """Return addresses by what they are called, such as `link: Runbook`; what is none is left to the raw signal."""
    found: dict[str, str] = {}
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and is_web(href := item.get(address)):
            called = f"{what}: {plain(item.get(name)) or urlsplit(str(href)).hostname}"
            found[called if called not in found else f"{called} ({len(found) + 1})"] = str(href)
    return found


def is_web(value: Json) -> bool:
    """Tell whether a value is an http or https address."""
    return isinstance(value, str) and value.lower().startswith(("https://", "http://"))


def web(value: Json) -> str:
    """Return an http or https address, or nothing."""
    return str(value) if is_web(value) else ""


def epoch(value: Json, field: str) -> datetime | None:
    """Read seconds since 1970, as a number or as text; a missing or zero one is None. Raises BadInput."""
    if value in (None, "", 0, "0"):
        return None
    try:
        found = datetime.fromtimestamp(float(scalar(value, field)), UTC)
    except (ValueError, OverflowError, OSError):
        raise BadInput(field, "write seconds since 1970", status=422) from None
    if found.year not in YEARS:
        raise BadInput(field, "the year must be from 1970 to 2200", status=422)
    return found


def query(text: str, *, keeps_empty: bool = False) -> dict[str, list[str]]:
    """Return what stands in the query of an address, or in a form: at most 50 fields. Raises BadInput.

    Fields without a value are left out, except where a format gives them a meaning.
    """
    try:
        return parse_qs(text, keep_blank_values=keeps_empty, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadInput("", f"more than {MOST_FIELDS} fields", status=422) from None


def lenient_time(value: Json) -> datetime | None:
    """Read a time where a wrong one should not cost the alert: it is then of when it came."""
    try:
        return parse_time(text(value, ""), "")
    except BadInput:
        return None


def counted(decoded: Decoded, outcome: Outcome, *, status: int = 200) -> Answer:
    """Say what became of it, or 400 that names each bad one; the good ones were kept either way."""
    if decoded.problems:
        return Answer(400, {"problems": [sentence_of(problem) for problem in decoded.problems]})
    return Answer(status, {"new": outcome.new, "repeated": outcome.repeated, "resolved": outcome.resolved})


def signature(secret: str, signed: bytes) -> str:
    """Return a hex HMAC-SHA256."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def check_signature(secret: str, given: str, signed: bytes, *, header: str) -> None:
    """Compare a hex HMAC-SHA256. Raises BadInput with 401."""
    right = signature(secret, signed)
    if not hmac.compare_digest(given.strip().removeprefix("sha256=").lower().encode(), right.encode()):
        raise BadInput(header, "the signature is missing or not by the secret of this source", status=401)

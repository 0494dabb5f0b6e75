"""Matchers as people and programs write them: checked, stored, read back."""

import re
from collections.abc import Iterable, Mapping, Sequence

import re2

from raglan.alerts.pipeline.route import OPERATORS, Matcher
from raglan.core.errors import BadInput

MAX_PATTERN = 500
MAX_MATCHERS = 20
IN_QUOTES = r"write its value in double quotes, and such a quote in it as \""
QUIET = re2.Options()
QUIET.log_errors = False
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ONE = re.compile(rf'\s*([^\s=!~{{}},"]+|{_QUOTED})\s*(=~|!~|!=|=)\s*(.*?)\s*', re.DOTALL)
_PIECE = re.compile(rf'{_QUOTED}|[^,"]+|.', re.DOTALL)
_PLAIN = re.compile(r"[^\s=!~{},\"]+")
_ESCAPES = {r"\"": '"', r"\\": "\\", r"\n": "\n"}


def check(matcher: Matcher, field: str) -> None:
    """Raise BadInput when a matcher can not be used."""
    if matcher.op not in OPERATORS:
        raise BadInput(f"{field}.op", f"must be one of {', '.join(OPERATORS)}", status=422)
    if not matcher.name:
        raise BadInput(f"{field}.name", "name a label", status=422)
    if len(matcher.name) > 128:
        raise BadInput(f"{field}.name", "a label name has at most 128 characters", status=422)
    if len(matcher.value) > MAX_PATTERN:
        raise BadInput(f"{field}.value", f"a pattern has at most {MAX_PATTERN} characters", status=422)
    if matcher.op in ("=~", "!~"):
        try:
            pattern(matcher.value)
        except re2.error as error:
            why = f"this pattern can not be read: {reason_of(error)}"
            raise BadInput(f"{field}.value", why, status=422) from None


def pattern(text: str) -> "re2._Regexp[str]":
    """Read a pattern; nothing is said of it on standard error. Raises re2.error."""
    return re2.compile(text, QUIET)


def reason_of(error: re2.error) -> str:
    """Return why a pattern can not be read; the library says it in bytes."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def check_all(matchers: Sequence[Matcher], field: str = "matchers") -> None:
    """Check matchers that must not take every alert, as those of a silence. Raises BadInput."""
    if not matchers:
        raise BadInput(field, "say which alerts: give at least one matcher", status=422)
    if len(matchers) > MAX_MATCHERS:
        raise BadInput(field, f"at most {MAX_MATCHERS} matchers", status=422)
    for number, matcher in enumerate(matchers):
        check(matcher, f"{field}[{number}]")
    if all(matcher.matches({}) for matcher in matchers):
        raise BadInput(
            field, "at least one matcher must not match the empty string, or it takes every alert", status=422
        )


def stored(matchers: Iterable[Matcher]) -> list[dict[str, str]]:
    """Return matchers as rows and events keep them."""
    return [{"name": matcher.name, "op": matcher.op, "value": matcher.value} for matcher in matchers]


def read(items: Iterable[Mapping[str, str]]) -> tuple[Matcher, ...]:
    """Return matchers from how they are kept."""
    return tuple(Matcher(item["name"], item["op"], item["value"]) for item in items)


def parse(text: str, field: str = "matchers") -> Matcher:
    """Read one matcher as Prometheus writes it, quoted or not: `severity="critical"`. Raises BadInput."""
    found = _ONE.fullmatch(text)
    if found is None:
        raise BadInput(field, f"write a matcher such as severity=critical instead of {text[:80]}", status=400)
    name, op, value = found.groups()
    if re.fullmatch(_QUOTED, value, re.DOTALL):
        value = _unquoted(value)
    elif '"' in value or value.startswith("=") or (len(value) > 1 and value[0] == value[-1] == "'"):
        raise BadInput(field, f"{text.strip()[:80]} is not one matcher: {IN_QUOTES}", status=400)
    matcher = Matcher(_unquoted(name) if name.startswith('"') else name, op, value)
    check(matcher, field)
    return matcher


def _unquoted(text: str) -> str:
    return re.sub(r'\\["\\n]', lambda mark: _ESCAPES[mark[0]], text[1:-1])


def parse_lines(text: str, field: str = "matchers") -> list[Matcher]:
    """Read one matcher a line, or some with commas between them, in braces or not."""
    return [parse(piece, field) for line in text.splitlines() if line.strip() for piece in _pieces(line.strip())]


def _pieces(line: str) -> list[str]:
    """Return the matchers of a line; where one of them is none, the comma belongs to a value."""
    inner = line[1:-1] if line[0] == "{" and line[-1] == "}" else line
    pieces = [""]
    for part in _PIECE.findall(inner):
        if part == ",":
            pieces.append("")
        else:
            pieces[-1] += part
    named = [piece for piece in pieces if piece.strip()]
    return named if all(map(_ONE.fullmatch, named)) else [inner]


def written(matchers: Iterable[Matcher]) -> str:
    """Return matchers one a line, such that `parse_lines` reads the same."""
    return "\n".join(_written(matcher) for matcher in matchers)


def _written(matcher: Matcher) -> str:
    name = matcher.name if _PLAIN.fullmatch(matcher.name) else _quoted(matcher.name)
    return f"{name}{matcher.op}{_quoted(matcher.value)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

"""Matchers as people and programs write them: checked, stored, read back."""

import re
from collections.abc import Iterable, Mapping, Sequence

import re2

from raglan.alerts.pipeline.route import OPERATORS, Matcher
from raglan.core.errors import BadInput

MAX_PATTERN = 500
MAX_MATCHERS = 20
_ONE = re.compile(r"\s*([^\s=!~{},\"]+)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
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
            re2.compile(matcher.value)
        except re2.error as error:
            raise BadInput(f"{field}.value", f"this pattern can not be read: {error}", status=422) from None


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
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = re.sub(r'\\["\\n]', lambda mark: _ESCAPES[mark[0]], value[1:-1])
    matcher = Matcher(name, op, value)
    check(matcher, field)
    return matcher


def parse_lines(text: str, field: str = "matchers") -> list[Matcher]:
    """Read one matcher a line."""
    return [parse(line, field) for line in text.splitlines() if line.strip()]


def written(matchers: Iterable[Matcher]) -> str:
    """Return matchers one a line, such that `parse_lines` reads the same."""
    return "\n".join(_written(matcher) for matcher in matchers)


def _written(matcher: Matcher) -> str:
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.name}{matcher.op}"{value}"'

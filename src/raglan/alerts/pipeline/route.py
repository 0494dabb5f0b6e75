"""Stage 4, which answers: whom does it page."""

from collections.abc import Sequence
from dataclasses import dataclass

import re2

from raglan.core.decisions import Decision

OPERATORS = ("=", "!=", "=~", "!~")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label, as Prometheus writes it; patterns match the whole value. A missing label is empty."""

    name: str
    op: str
    value: str

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether labels meet this condition."""
        have = labels.get(self.name, "")
        match self.op:
            case "=":
                return have == self.value
            case "!=":
                return have != self.value
            case "=~":
                return re2.fullmatch(self.value, have) is not None
            case _:
                return re2.fullmatch(self.value, have) is None

    def __str__(self) -> str:
        return f'{self.name}{self.op}"{self.value}"'


@dataclass(frozen=True, slots=True)
class RouteRule:
    """A route as the pipeline sees it."""

    id: int
    position: int
    version: int
    policy_id: int
    policy_name: str
    matchers: tuple[Matcher, ...]
    group_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name and version, for the decision."""
        return f"route {self.position}, version {self.version}"


def route(labels: dict[str, str], rules: Sequence[RouteRule]) -> tuple[RouteRule | None, Decision]:
    """Return the first route that matches, or None for the fallback, and why."""
    for rule in rules:
        if all(matcher.matches(labels) for matcher in rule.matchers):
            why = " and ".join(str(matcher) for matcher in rule.matchers) or "it takes every alert"
            return rule, Decision("route", "routed", f"to {rule.policy_name}: {why}", rule.name)
    looked = f"none of {len(rules)} routes matches" if rules else "there is no route yet"
    return None, Decision("route", "fallback", f"to the fallback policy: {looked}", "fallback")

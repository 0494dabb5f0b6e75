"""The stage that answers: whom does it page.

Routes are a tree. Among siblings the order decides; a route takes an alert when all its conditions hold and its hours
are now; then the routes below it are asked, and it stands itself when none of them takes the alert. The first route
that takes an alert ends the search, unless it says that the search goes on behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import re2

from raglan.alerts.pipeline.flap import FlapRule
from raglan.alerts.pipeline.hours import Span, is_within
from raglan.core.clock import now
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
    parent_id: int | None = None
    wait_s: int = 0
    interval_s: int = 300
    goes_on: bool = False
    hours: tuple[Span, ...] = ()
    zone: str = "UTC"
    flapping: FlapRule | None = None
    urgency: str = ""

    @property
    def name(self) -> str:
        """Name and version, for the decision."""
        return f"route {self.position}, version {self.version}"

    def takes(self, labels: dict[str, str], at: datetime) -> bool:
        """Tell whether its own conditions hold, without the routes above it."""
        return all(matcher.matches(labels) for matcher in self.matchers) and is_within(self.hours, self.zone, at)


def matching(labels: dict[str, str], rules: Sequence[RouteRule], at: datetime) -> list[RouteRule]:
    """Return all routes that take an alert, in order: mostly one, more where a route lets the search go on."""
    below: dict[int | None, list[RouteRule]] = {}
    for rule in rules:
        below.setdefault(rule.parent_id, []).append(rule)
    return _search(None, below, labels, at)


def _search(
    parent_id: int | None, below: Mapping[int | None, Sequence[RouteRule]], labels: dict[str, str], at: datetime
) -> list[RouteRule]:
    found: list[RouteRule] = []
    for rule in below.get(parent_id, ()):
        if rule.takes(labels, at):
            found += (_search(rule.id, below, labels, at) if rule.id in below else []) or [rule]
            if not rule.goes_on:
                break
    return found


def route(
    labels: dict[str, str], rules: Sequence[RouteRule], at: datetime | None = None
) -> tuple[RouteRule | None, Decision]:
    """Return the first route that takes an alert, or None for the fallback, and why."""
    found = matching(labels, rules, at or now())
    return (found[0], decision_of(found, rules)) if found else (None, decision_of(found, rules))


def decision_of(found: Sequence[RouteRule], rules: Sequence[RouteRule]) -> Decision:
    """Say where an alert goes, by which routes, and why."""
    if not found:
        looked = f"none of {len(rules)} routes matches" if rules else "there is no route yet"
        return Decision("route", "fallback", f"to the fallback policy: {looked}", "fallback")
    first, by_id = found[0], {rule.id: rule for rule in rules}
    words: list[str] = []
    above: RouteRule | None = first
    while above is not None:
        words[:0] = [str(matcher) for matcher in above.matchers]
        above = by_id.get(above.parent_id) if above.parent_id is not None else None
    why = " and ".join(words) or "it takes every alert"
    also = "".join(f"; also to {other.policy_name} by {other.name}" for other in found[1:])
    return Decision("route", "routed", f"to {first.policy_name}: {why}{also}", first.name)

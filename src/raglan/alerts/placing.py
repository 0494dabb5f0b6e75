"""Where a new alert belongs: the routes that take it and its group. Most that come are like one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.alerts.pipeline import group_key
from raglan.alerts.pipeline.group import DEFAULT_GROUP_BY
from raglan.alerts.pipeline.route import RouteRule, decision_of, matching
from raglan.core.decisions import Decision

MOST = 10_000
NEVER = -1  # no id


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a new alert belongs: the routes that take it, its group, and why."""

    rules: Sequence[RouteRule]
    key: str
    shared: dict[str, str]
    routed: Decision
    grouped: Decision


class Places:
    """Places by one table of routes. Alerts with the same labels of those that routes and groups look at share one."""

    def __init__(self, rules: Sequence[RouteRule] = ()) -> None:
        self._rules = rules
        matched = {matcher.name for rule in rules for matcher in rule.matchers}
        self._names = sorted({*DEFAULT_GROUP_BY, *matched, *(name for rule in rules for name in rule.group_by)})
        self._is_timeless = not any(rule.hours for rule in rules)
        self._known: dict[tuple[int | str | None, ...], Placed] = {}
        self._trails: dict[tuple[Decision, ...], int | None] = {}

    def of(self, labels: dict[str, str], source_id: int, at: datetime, fingerprint: str) -> Placed:
        """Return the place of an alert that opens at a time."""
        like = (source_id, *map(labels.get, self._names))
        placed = self._known.get(like)
        if placed is None:
            placed = place(labels, source_id, self._rules, at, fingerprint)
            # Routes with hours look at the time, too, and an alert that is alone is grouped by what it is.
            if self._is_timeless and not _is_alone(placed):
                self._remember(like, placed)
        return placed

    def trail(self, decided: tuple[Decision, ...]) -> tuple[int | None, bool]:
        """Return the id under which these decisions are stored, and whether they were asked for before.

        What comes once is not worth a row of its own.
        """
        known = self._trails.get(decided, NEVER)
        if known != NEVER:
            return known, True
        if len(self._trails) >= MOST:
            self._trails.clear()
        self._trails[decided] = None
        return None, False

    def learn(self, trails: Mapping[tuple[Decision, ...], int]) -> None:
        """Know trails that are on disk."""
        self._trails.update(trails)

    def _remember(self, like: tuple[int | str | None, ...], placed: Placed) -> None:
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[like] = placed


def _is_alone(placed: Placed) -> bool:
    names = (placed.rules[0].group_by if placed.rules else ()) or DEFAULT_GROUP_BY
    return not any(name in placed.shared for name in names)


def place(labels: dict[str, str], source_id: int, rules: Sequence[RouteRule], at: datetime, fingerprint: str) -> Placed:
    """Route and group a signal that opens an alert."""
    found = matching(labels, rules, at)
    first = found[0] if found else None
    key, shared, grouped = group_key(
        labels,
        route_id=first.id if first else None,
        source_id=source_id,
        group_by=first.group_by if first else (),
        fingerprint=fingerprint,
        also=[rule.id for rule in found[1:]],
    )
    return Placed(found, key, shared, decision_of(found, rules), grouped)

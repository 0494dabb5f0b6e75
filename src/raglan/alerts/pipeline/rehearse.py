"""What a route table would have done with alerts that came: which groups would have opened, and whom they would page.

Pure: alerts in the order of their coming, a table in, pages out. Waits count: a group that is over before its wait is
pages nobody. Intervals and storms are left out, so that a group is one page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from raglan.alerts.pipeline.group import group_key
from raglan.alerts.pipeline.route import RouteRule, matching

FALLBACK = 0


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its coming to its end; `until` is None while it fires."""

    id: int
    title: str
    labels: dict[str, str]
    source_id: int
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a table would have made of one alert: the policies, 0 for the fallback; whether it opens a page."""

    policies: tuple[int, ...]
    opens: bool


@dataclass(slots=True)
class _Group:
    waits_until: datetime
    members: list[Episode] = field(default_factory=list)

    def is_open(self, at: datetime) -> bool:
        return any(member.until is None or member.until > at for member in self.members)


def rehearse(episodes: Iterable[Episode], rules: Sequence[RouteRule]) -> list[Outcome]:
    """Return what a table would have made of each alert, in their order."""
    groups: dict[str, _Group] = {}
    outcomes: list[tuple[tuple[int, ...], _Group | None]] = []
    for episode in episodes:
        found = matching(episode.labels, rules, episode.at)
        first = found[0] if found else None
        key, _, _ = group_key(
            episode.labels,
            route_id=first.id if first else None,
            source_id=episode.source_id,
            group_by=first.group_by if first else (),
            also=[rule.id for rule in found[1:]],
        )
        group = groups.get(key)
        opened = group is None or not group.is_open(episode.at)
        if group is None or opened:
            group = groups[key] = _Group(episode.at + timedelta(seconds=first.wait_s if first else 0))
        group.members.append(episode)
        policies = tuple(dict.fromkeys(rule.policy_id for rule in found)) or (FALLBACK,)
        outcomes.append((policies, group if opened else None))
    return [Outcome(policies, group is not None and _pages(group)) for policies, group in outcomes]


def _pages(group: _Group) -> bool:
    """Tell whether something of a group still fired when its wait was over."""
    at = group.waits_until
    return any(one.at <= at and (one.until is None or one.until >= at) for one in group.members)

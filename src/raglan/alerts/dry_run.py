"""A dry run: who would have been paged in the last 30 days, had the routes been others.

Both tables are rehearsed on the same real alerts, so that they compare like with like. Alerts that something held back
when they came are left out and counted; at most the newest 20,000 are looked at.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from raglan.alerts import queries
from raglan.alerts.matchers import check
from raglan.alerts.models import Alert, Route
from raglan.alerts.pipeline.hours import parse_span
from raglan.alerts.pipeline.rehearse import FALLBACK, Episode, rehearse
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.routing import RouteOptions, check_options
from raglan.core.clock import now
from raglan.paging.models import Policy

DAYS = 30
MOST = 20_000
EXAMPLES = 50
NEW = -1


@dataclass(frozen=True, slots=True)
class Changed:
    """One alert that would have gone elsewhere."""

    alert: int
    title: str
    at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Pages:
    """How many pages one policy had and would have."""

    policy: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a change of the table would have made of the last 30 days."""

    since: datetime
    looked: int
    held: int
    is_all: bool
    pages: list[Pages]
    changed: int
    examples: list[Changed]


def with_route(
    position: int,
    *,
    matchers: Sequence[Matcher],
    group_by: Sequence[str],
    policy: Policy,
    options: RouteOptions,
) -> list[RouteRule]:
    """Return the table as it would be with this route at its position. Raises BadInput, as saving it would."""
    for number, matcher in enumerate(matchers):
        check(matcher, f"matchers[{number}]")
    present = Route.objects.filter(position=position).first()
    check_options(options, present)
    draft = RouteRule(
        id=present.pk if present else NEW,
        position=position,
        version=(present.version if present else 0) + 1,
        policy_id=policy.pk,
        policy_name=policy.name,
        matchers=tuple(matchers),
        group_by=tuple(group_by),
        parent_id=options.parent.pk if options.parent else None,
        wait_s=options.wait_s,
        interval_s=options.interval_s,
        goes_on=options.goes_on,
        hours=tuple(parse_span(text, "hours") for text in options.hours),
        zone=options.zone,
        flapping=options.flapping,
    )
    return sorted([*without_route(position), draft], key=lambda rule: rule.position)


def without_route(position: int) -> list[RouteRule]:
    """Return the table as it would be without the route at a position."""
    return [replace(rule) for rule in queries.routes() if rule.position != position]


def dry_run(rules: Sequence[RouteRule]) -> DryRun:
    """Compare a table with the one that holds, on the alerts of the last 30 days."""
    since = now() - timedelta(days=DAYS)
    columns = ("pk", "title", "labels", "source_id", "received_at", "ends_at", "trail")
    newest = list(Alert.objects.order_by("-pk").values_list(*columns)[: MOST + 1])
    rows = [row for row in newest[:MOST][::-1] if row[4] >= since]
    episodes = [Episode(*row[:6]) for row in rows if not _was_held(row[6])]
    before, after = rehearse(episodes, queries.routes()), rehearse(episodes, rules)
    names = {FALLBACK: "Fallback", **dict(Policy.objects.values_list("pk", "name"))}
    told = [Counter(policy for one in outcomes if one.opens for policy in one.policies) for outcomes in (before, after)]
    changed = [
        Changed(episode.id, episode.title, episode.at, _words(old, names), _words(new, names))
        for episode, old, new in zip(
            episodes, (one.policies for one in before), (one.policies for one in after), strict=True
        )
        if old != new
    ]
    return DryRun(
        since=since,
        looked=len(episodes),
        held=len(rows) - len(episodes),
        is_all=len(newest) <= MOST or len(rows) < MOST,
        pages=[Pages(names[pk], told[0][pk], told[1][pk]) for pk in sorted({*told[0], *told[1]})],
        changed=len(changed),
        examples=changed[::-1][:EXAMPLES],
    )


def _was_held(trail: Sequence[Sequence[str]]) -> bool:
    return any(stage == "page" and outcome == "held_back" for stage, outcome, *_ in trail)


def _words(policies: Sequence[int], names: dict[int, str]) -> str:
    return ", ".join(names[policy] for policy in policies)

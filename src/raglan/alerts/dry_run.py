"""A dry run: who would have been paged in the last 30 days, had a rule been another.

Both sets of rules are rehearsed on the same real alerts, so that they compare like with like. Alerts that a person had
silenced, or whose source was noisy, are left out and counted; at most the newest 20,000 are looked at.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from raglan.alerts import noise_queries, route_queries
from raglan.alerts.flapping import default_rule
from raglan.alerts.inhibiting import check_inhibition
from raglan.alerts.matchers import check
from raglan.alerts.models import Alert, Inhibition, Route
from raglan.alerts.pipeline.flap import FlapRule, check_rule
from raglan.alerts.pipeline.hours import parse_span
from raglan.alerts.pipeline.inhibit import InhibitionRule
from raglan.alerts.pipeline.maintain import MaintenanceRule
from raglan.alerts.pipeline.rehearse import FALLBACK, Episode, Outcome, Rules, rehearse
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.routing import RouteOptions, check_options
from raglan.config import config
from raglan.core.clock import now
from raglan.paging.models import Policy

DAYS = 30
MOST = 20_000
EXAMPLES = 50
NEW = -1
BY_RULES = {"inhibited", "planned", "flapping"}
BY_PEOPLE = {"silenced", "noisy"}


@dataclass(frozen=True, slots=True)
class Changed:
    """One alert that would have fared otherwise."""

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
    """What a change of the rules would have made of the last 30 days.

    `held` alerts are left out, because a person had silenced them or their source was noisy; `held_before` and
    `held_after` are those that rules hold back until they are over.
    """

    since: datetime
    looked: int
    held: int
    held_before: int
    held_after: int
    is_all: bool
    pages: list[Pages]
    changed: int
    examples: list[Changed]


@dataclass(frozen=True, slots=True)
class Change:
    """Rules as they are, and as they would be."""

    before: Rules
    after: Rules


def rules_now() -> Rules:
    """Return the rules as they are now."""
    noise = noise_queries.noise(now())
    return Rules(
        routes=route_queries.routes(),
        inhibitions=noise.inhibitions,
        windows=tuple(noise_queries.maintenance_rule(window) for window in noise_queries.maintenances()),
        flapping=default_rule(),
        flap_rules=noise.flap_rules,
        storm_groups=config().storm_groups,
    )


def with_route(
    position: int,
    *,
    matchers: Sequence[Matcher],
    group_by: Sequence[str],
    policy: Policy,
    options: RouteOptions,
) -> Change:
    """Return the rules with this route at its position. Raises BadInput, as saving it would."""
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
        urgency=options.urgency,
    )
    rules = rules_now()
    others = [rule for rule in rules.routes if rule.position != position]
    return Change(rules, replace(rules, routes=sorted([*others, draft], key=lambda rule: rule.position)))


def without_route(position: int) -> Change:
    """Return the rules without the route at a position."""
    rules = rules_now()
    return Change(rules, replace(rules, routes=[rule for rule in rules.routes if rule.position != position]))


def with_inhibition(
    found: Inhibition | None,
    *,
    name: str,
    source: Sequence[Matcher],
    target: Sequence[Matcher],
    equal: Sequence[str],
    same_source: bool | None = None,
) -> Change:
    """Return the rules with a new or changed inhibition. Raises BadInput, as saving it would."""
    names = check_inhibition(name, source, target, equal)
    rules = rules_now()
    draft = InhibitionRule(
        id=found.pk if found else NEW,
        version=(found.version if found else 0) + 1,
        name=name.strip(),
        source=tuple(source),
        target=tuple(target),
        equal=tuple(names),
        same_source=(found.same_source if found else True) if same_source is None else same_source,
    )
    others = [rule for rule in rules.inhibitions if rule.id != draft.id]
    return Change(rules, replace(rules, inhibitions=[*others, draft]))


def without_inhibition(pk: int) -> Change:
    """Return the rules without an inhibition."""
    rules = rules_now()
    return Change(rules, replace(rules, inhibitions=[rule for rule in rules.inhibitions if rule.id != pk]))


def with_maintenance(draft: MaintenanceRule | None, pk: int | None) -> Change:
    """Return the rules with a new, changed or ended window, as if it had been there each week of the last 30 days.

    A window is planned ahead; what it would hold back can be seen only on the same weekdays of the weeks before.
    """
    rules = rules_now()
    others = [rule for rule in rules.windows if rule.id != pk]
    was = [_into_the_past(rule) for rule in rules.windows if rule.id == pk]
    will = [_into_the_past(draft)] if draft is not None else []
    return Change(replace(rules, windows=[*others, *was]), replace(rules, windows=[*others, *will]))


def _into_the_past(rule: MaintenanceRule) -> MaintenanceRule:
    first = (now() - timedelta(days=DAYS)).astimezone(ZoneInfo(rule.zone)).date() - rule.length
    return replace(rule, first=first, last=None, days=rule.days or frozenset((rule.first.weekday(),)))


def with_noise(
    *, storm_groups: int | None = None, flapping: FlapRule | None = None, source_id: int | None = None
) -> Change:
    """Return the rules with other numbers for storms, or for flapping: of all, or of one source. Raises BadInput."""
    check_rule(flapping)
    rules = after = rules_now()
    if storm_groups is not None:
        after = replace(after, storm_groups=storm_groups)
    if source_id is not None:
        others = {pk: rule for pk, rule in after.flap_rules.items() if pk != source_id}
        after = replace(after, flap_rules=others | ({source_id: flapping} if flapping else {}))
    elif flapping is not None:
        after = replace(after, flapping=flapping)
    return Change(rules, after)


def dry_run(change: Change) -> DryRun:
    """Compare both sides of a change on the alerts of the last 30 days."""
    at = now()
    since = at - timedelta(days=DAYS)
    columns = (
        *("pk", "title", "labels", "source_id", "received_at", "ends_at", "fingerprint", "severity"),
        "trail",
    )
    newest = list(Alert.objects.order_by("-pk").values_list(*columns)[: MOST + 1])
    rows = [row for row in newest[:MOST][::-1] if row[4] >= since]
    episodes = [
        Episode(pk, title, labels, source_id, came, ended or at, fingerprint, severity)
        for pk, title, labels, source_id, came, ended, fingerprint, severity, trail in rows
        if not _was_muted(trail)
    ]
    before, after = rehearse(episodes, change.before), rehearse(episodes, change.after)
    names = {FALLBACK: "Fallback", **dict(Policy.objects.values_list("pk", "name"))}
    told = [Counter(policy for one in outcomes for policy in one.pages) for outcomes in (before, after)]
    changed = [
        Changed(episode.id, episode.title, episode.at, _words(old, names), _words(new, names))
        for episode, old, new in zip(episodes, before, after, strict=True)
        if _fate(old) != _fate(new)
    ]
    return DryRun(
        since=since,
        looked=len(episodes),
        held=len(rows) - len(episodes),
        held_before=sum(one.held in BY_RULES for one in before),
        held_after=sum(one.held in BY_RULES for one in after),
        is_all=len(newest) <= MOST or len(rows) < MOST,
        pages=[Pages(names[pk], told[0][pk], told[1][pk]) for pk in sorted({*told[0], *told[1]})],
        changed=len(changed),
        examples=changed[::-1][:EXAMPLES],
    )


def _was_muted(trail: Sequence[Sequence[str]]) -> bool:
    """Tell whether a person, or nobody to page, held an alert back when it came; what rules hold is tried anew.

    An alert that shares its trail joined a page, and has none of its own.
    """
    if not any(stage == "page" and outcome == "held_back" for stage, outcome, *_ in trail):
        return False
    outcomes = {outcome for _, outcome, *_ in trail}
    return bool(outcomes & BY_PEOPLE) or not outcomes & BY_RULES


def _fate(outcome: Outcome) -> tuple[tuple[int, ...], str]:
    return (() if outcome.held in BY_RULES else outcome.policies), outcome.held


def _words(outcome: Outcome, names: dict[int, str]) -> str:
    if outcome.held in BY_RULES:
        return f"held back, {outcome.held}"
    more = " on the page of a storm" if outcome.held else ""
    return ", ".join(names[policy] for policy in outcome.policies) + more

"""Start pages: one, many in few statements, and by hand."""

from collections.abc import Sequence
from dataclasses import replace

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, bulk
from raglan.core.errors import BadInput
from raglan.paging import events, queries
from raglan.paging.actions.names import ESCALATE, Reason, Words, why_and_page
from raglan.paging.hours import Hours
from raglan.paging.models import Page, Policy
from raglan.paging.plan import Plan, PlannedStep, Target, Urgency, urgency_of
from raglan.people.models import Person, Team


@atomic
def start(
    policy: Policy | None,
    words: Words,
    *,
    reason: Reason,
    actor: timeline.Subject = timeline.SYSTEM,
    plan: Plan | None = None,
    urgency: Urgency | None = None,
) -> Page:
    """Write a page and its first timer in one transaction; delivery is woken by the commit.

    Its urgency is what the caller says, else what the policy makes of the severity. Low urgency waits for daylight.
    """
    plan = plan or (queries.plan_of(policy) if policy else Plan("", 1, 0, ()))
    page = draft(policy, words, reason=reason, plan=plan, key=bulk.take_keys(Page, 1)[0], urgency=urgency)
    start_many([page], actor=actor)
    return page


def draft(
    policy: Policy | None, words: Words, *, reason: Reason, plan: Plan, key: int, urgency: Urgency | None = None
) -> Page:
    """Return a page that `start_many` stores; `key` is its id, so that it can be named before."""
    urgency = urgency or (urgency_of(policy.urgency, words.severity) if policy else Urgency.HIGH)
    if urgency == Urgency.LOW and plan.hours is None:
        plan = replace(plan, hours=Hours("UTC"))
    at = now()
    return bulk.fresh(
        Page,
        {"policy": policy} if policy else None,
        id=key,
        policy_id=policy.pk if policy else None,
        title=words.title[:300],
        text=words.text,
        severity=words.severity[:20],
        reason_type=reason.type,
        reason_id=reason.id,
        link=reason.link[:300],
        plan=plan.as_json(),
        created_at=at,
        next_step_at=plan.at_daylight(at, urgency),
        urgency=urgency,
    )


@atomic
def start_many(pages: Sequence[Page], *, actor: timeline.Subject = timeline.SYSTEM) -> None:
    """Write drafted pages with their first timers and events, in few statements."""
    store(pages)
    timeline.append_records([timeline.record(started(page), why_and_page(page)) for page in pages], actor=actor)


def store(pages: Sequence[Page]) -> None:
    """Write drafted pages with their first timers; whoever calls this tells of them."""
    bulk.insert(pages)
    timers.schedule_many([timers.Plan(ESCALATE, timeline.ref(page), page.next_step_at or now()) for page in pages])


def started(page: Page) -> events.PageStarted:
    """Return the event of a page that was just written."""
    return events.PageStarted(
        page=page.id,
        title=page.title,
        text=page.text,
        severity=page.severity,
        policy=str(page.plan.get("policy", "")),
        policy_id=page.policy_id,
        plan=page.plan,
        reason_type=page.reason_type,
        reason_id=page.reason_id,
        link=page.link,
        started_at=page.created_at,
        step=page.step,
        next_step_at=page.next_step_at,
        is_test=page.is_test,
        urgency=page.urgency,
    )


def page_people(
    people: Sequence[Person],
    words: Words,
    *,
    reason: Reason,
    by: Person | None,
    urgency: Urgency = Urgency.HIGH,
    falls_back: bool = False,
) -> Page:
    """Page named people by hand: all at once, once more after five minutes.

    `falls_back` asks the fallback policy after that, or at once where nobody can be reached. News that only tell
    somebody something have nothing behind them.
    """
    zone = next((person.time_zone for person in (by, *people) if person), "UTC")
    targets = tuple(Target("person", person.pk) for person in people)
    plan = by_hand(targets, zone, falls_back=falls_back)
    return start(None, words, reason=reason, actor=by or timeline.SYSTEM, plan=plan, urgency=urgency)


def check_team(team: Team, field: str = "") -> None:
    """See that somebody is in a team whom a page by hand would ask. Raises BadInput."""
    if not queries.whom((Target("team", team.pk),), now()):
        raise BadInput(field, f"Nobody is in {team.name}. Choose a person, or another team.", status=422)


def page_team(team: Team, words: Words, *, reason: Reason, by: Person | None, urgency: Urgency = Urgency.HIGH) -> Page:
    """Page everybody in a team by hand, then the fallback policy as `page_people` does where it `falls_back`."""
    plan = by_hand((Target("team", team.pk),), by.time_zone if by else "UTC", falls_back=True)
    return start(None, words, reason=reason, actor=by or timeline.SYSTEM, plan=plan, urgency=urgency)


def by_hand(targets: tuple[Target, ...], zone: str, *, falls_back: bool = True) -> Plan:
    """Return the plan of a page that has no policy."""
    return Plan("by hand", 1, 1, (PlannedStep(300, targets),), hours=Hours(zone), falls_back=falls_back)

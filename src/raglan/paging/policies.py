"""Verbs of policies and of people's notification rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from raglan.core import http, timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.paging import chats, events, queries
from raglan.paging.hours import Hours
from raglan.paging.models import NotificationRule, Policy, Step, StepTarget
from raglan.paging.plan import (
    FORGOTTEN_AFTER_S,
    Acknowledge,
    EarlierSteps,
    Plan,
    PlannedStep,
    Target,
    Urgency,
    WhenNobody,
)
from raglan.people.models import ContactMethod, Person, Team

MAX_WAIT_S = 24 * 3600
MAX_FORGOTTEN_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class StepDraft:
    """One step of a policy as somebody wrote it."""

    wait_s: int
    targets: tuple[Target, ...] = field(default_factory=tuple)
    acknowledge: Acknowledge = Acknowledge.ANYONE


@dataclass(frozen=True, slots=True)
class Choices:
    """What a policy decides beside its steps."""

    when_nobody: WhenNobody = WhenNobody.NEXT_STEP
    earlier_steps: EarlierSteps = EarlierSteps.GO_ON
    urgency: str = Urgency.HIGH
    hours: Hours | None = None
    forgotten_after_s: int = FORGOTTEN_AFTER_S


def plan_from(steps: Sequence[StepDraft], *, repeat: int, choices: Choices) -> Plan:
    """Return what a draft would be as a plan, for a preview; nothing is stored."""
    planned = tuple(PlannedStep(step.wait_s, step.targets, step.acknowledge) for step in steps)
    return Plan(
        "", 0, repeat, planned, choices.when_nobody, choices.earlier_steps, choices.hours, choices.forgotten_after_s
    )


@atomic
def save_policy(  # noqa: PLR0913 -- a policy is saved as a whole
    *,
    slug: str,
    name: str,
    team: Team | None,
    repeat: int,
    steps: Sequence[StepDraft],
    actor: timeline.Subject,
    choices: Choices | None = None,
) -> Policy:
    """Make a policy, or a new version of it. Raises BadInput naming the field."""
    choices = choices or Choices()
    _check_steps(steps)
    _check_pause(steps, repeat)
    _check_choices(choices)
    policy, made = Policy.objects.get_or_create(slug=slug, defaults={"name": name, "team": team, "repeat": repeat})
    if not made:
        policy.version += 1
        policy.steps.all().delete()
    policy.name, policy.team, policy.repeat = name, team, repeat
    policy.when_nobody, policy.earlier_steps = choices.when_nobody, choices.earlier_steps
    policy.urgency, policy.forgotten_after_s = choices.urgency, choices.forgotten_after_s
    policy.hours = choices.hours.as_json() if choices.hours else {}
    policy.save()
    for position, draft in enumerate(steps):
        made_step = Step.objects.create(
            policy=policy, position=position, wait_s=draft.wait_s, acknowledge=draft.acknowledge
        )
        StepTarget.objects.bulk_create(_stored(made_step, target) for target in draft.targets)
    timeline.append(_policy_changed(policy), actor=actor, about=[policy])
    return policy


def _stored(step: Step, target: Target) -> StepTarget:
    match target.type:
        case "webhook":
            return StepTarget(step=step, url=target.url)
        case "chat":
            return StepTarget(step=step, chat=target.id, room=target.room)
        case _:
            return StepTarget(step=step, **{f"{target.type}_id": target.id})


def _check_steps(steps: Sequence[StepDraft]) -> None:
    if not steps:
        raise BadInput("steps", "a policy needs at least one step")
    for number, step in enumerate(steps):
        if not step.targets:
            raise BadInput(f"steps[{number}].targets", "say whom this step pages")
        if not 0 <= step.wait_s <= MAX_WAIT_S:
            raise BadInput(f"steps[{number}].wait_s", f"must be from 0 to {MAX_WAIT_S} seconds")
        for place, target in enumerate(step.targets):
            check_told(target, f"steps[{number}].targets[{place}]")
    if all(target.is_nobody for step in steps for target in step.targets):
        raise BadInput(
            "steps", "a policy needs at least one step for people; a webhook or a room in chat alone wakes nobody"
        )


def check_told(target: Target, field: str) -> None:
    """Refuse a program or a room in chat that can not be told. Raises BadInput."""
    match target.type:
        case "webhook":
            http.check_url(target.url, f"{field}.url")
        case "chat":
            chats.check(target.id, target.room, field)


def _check_pause(steps: Sequence[StepDraft], repeat: int) -> None:
    """See that a policy which begins again waits somewhere: else all its rounds ring within seconds."""
    if repeat and not any(step.wait_s for step in steps):
        raise BadInput("repeat", "without any wait all rounds ring at once: give a step a wait, or repeat 0 times")


def _check_choices(choices: Choices) -> None:
    if not 0 <= choices.forgotten_after_s <= MAX_FORGOTTEN_S:
        raise BadInput("forgotten_after_s", f"must be from 0 to {MAX_FORGOTTEN_S} seconds; 0 is never")
    if choices.hours is not None:
        choices.hours.check()
    elif choices.urgency != Urgency.HIGH:
        raise BadInput("hours", "low urgency waits for hours: say which, and in which time zone")


def _policy_changed(policy: Policy) -> events.PolicyChanged:
    plan = queries.plan_of(policy).as_json()
    return events.PolicyChanged(
        policy=policy.pk,
        slug=policy.slug,
        name=policy.name,
        team=policy.team_id,
        version=policy.version,
        repeat=policy.repeat,
        is_fallback=policy.is_fallback,
        steps=cast("list[dict[str, object]]", plan["steps"]),
        when_nobody=policy.when_nobody,
        earlier_steps=policy.earlier_steps,
        urgency=policy.urgency,
        hours=policy.hours,
        forgotten_after_s=policy.forgotten_after_s,
    )


@atomic
def ensure_fallback() -> Policy | None:
    """Return the policy for alerts that no route takes. It pages every administrator; None while nobody exists."""
    if found := Policy.objects.filter(is_fallback=True).first():
        return found
    people = list(Person.objects.filter(is_active=True, role="administrator").order_by("pk")[:20])
    if not people:
        return None
    taken = set(Policy.objects.filter(slug__startswith="fallback").values_list("slug", flat=True))
    slug = next(
        name for number in count(1) if (name := f"fallback-{number}" if number > 1 else "fallback") not in taken
    )
    policy = Policy.objects.create(name="Fallback: administrators", slug=slug, repeat=3, is_fallback=True)
    step = Step.objects.create(policy=policy, position=0, wait_s=300)
    StepTarget.objects.bulk_create(StepTarget(step=step, person=person) for person in people)
    timeline.append(_policy_changed(policy), about=[policy])
    return policy


@atomic
def set_rules(
    person: Person, rules: Sequence[tuple[int, int]], *, by: Person | None, urgency: Urgency = Urgency.HIGH
) -> None:
    """Replace a person's notification rules for pages of an urgency: pairs of contact method id and delay in seconds.

    Raises BadInput.
    """
    own = set(ContactMethod.objects.filter(person=person).values_list("pk", flat=True))
    for number, (contact_id, delay_s) in enumerate(rules):
        if contact_id not in own:
            raise BadInput(f"rules[{number}].contact_method_id", "not one of this person's ways to be reached")
        if not 0 <= delay_s <= MAX_WAIT_S:
            raise BadInput(f"rules[{number}].delay_s", f"must be from 0 to {MAX_WAIT_S} seconds")
    NotificationRule.objects.filter(person=person, urgency=urgency).delete()
    NotificationRule.objects.bulk_create(
        NotificationRule(person=person, contact_id=contact_id, delay_s=delay_s, position=position, urgency=urgency)
        for position, (contact_id, delay_s) in enumerate(rules)
    )
    changed = events.RulesChanged(person=person.pk, rules=list(rules), urgency=urgency)
    timeline.append(changed, actor=by or timeline.SYSTEM, about=[person])

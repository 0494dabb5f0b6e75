"""Verbs of paging: the only writers of its tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from django.db.models import Max

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.paging import events, queries
from raglan.paging.models import (
    Notification,
    NotificationRule,
    Page,
    Policy,
    Reached,
    Step,
    StepTarget,
)
from raglan.paging.plan import Plan, PlannedStep, Target
from raglan.people.models import ContactMethod, Person, Team

ESCALATE = "paging.escalate"
DELIVER = "paging.deliver"
MAX_WAIT_S = 24 * 3600
OPEN = (Page.State.TRIGGERED, Page.State.UNANSWERED)


class Via(StrEnum):
    """By which way an answer came."""

    LINK = "link"
    SCREEN = "screen"
    REST = "rest"
    SOURCE = "source"


class AlreadyTaken(Conflict):
    """Somebody else has the page."""

    code = "already_taken"

    def __init__(self, page: Page) -> None:
        who = page.acknowledged_by.name if page.acknowledged_by else "Somebody else"
        super().__init__(f"{who} has it already. You can join them.")
        self.page = page


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a page is sent, in words that need no knowledge of higher contexts."""

    type: str = "hand"
    id: int | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says."""

    title: str
    text: str = ""
    severity: str = "unknown"


@dataclass(frozen=True, slots=True)
class StepDraft:
    """One step of a policy as somebody wrote it."""

    wait_s: int
    targets: tuple[Target, ...] = field(default_factory=tuple)


@atomic
def start(
    policy: Policy | None,
    words: Words,
    *,
    reason: Reason,
    actor: timeline.Subject = timeline.SYSTEM,
    plan: Plan | None = None,
) -> Page:
    """Write a page and its first timer in one transaction; delivery is woken by the commit."""
    plan = plan or (queries.plan_of(policy) if policy else Plan("", 1, 0, ()))
    at = now()
    page = Page.objects.create(
        title=words.title[:300],
        text=words.text,
        severity=words.severity[:20],
        reason_type=reason.type,
        reason_id=reason.id,
        link=reason.link[:300],
        policy=policy,
        plan=plan.as_json(),
        created_at=at,
        next_step_at=at,
    )
    timers.schedule(ESCALATE, subject=timeline.ref(page), due_at=at)
    timeline.append(started(page), actor=actor, about=[page, *([f"{reason.type}:{reason.id}"] if reason.id else [])])
    return page


def started(page: Page) -> events.PageStarted:
    """Return the event of a page that was just written."""
    return events.PageStarted(
        page=page.pk,
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
    )


def page_people(people: Sequence[Person], words: Words, *, reason: Reason, by: Person | None) -> Page:
    """Page named people by hand: all at once, once more after five minutes."""
    plan = Plan("by hand", 1, 1, (PlannedStep(300, tuple(Target("person", person.pk) for person in people)),))
    return start(None, words, reason=reason, actor=by or timeline.SYSTEM, plan=plan)


def page_team(team: Team, words: Words, *, reason: Reason, by: Person | None) -> Page:
    """Page everybody in a team by hand."""
    plan = Plan("by hand", 1, 1, (PlannedStep(300, (Target("team", team.pk),)),))
    return start(None, words, reason=reason, actor=by or timeline.SYSTEM, plan=plan)


@atomic
def escalate(page_id: int) -> None:
    """Take the next step of an open page; when nothing is left, say that nobody answered."""
    page = Page.objects.select_for_update(no_key=True).filter(pk=page_id, state=Page.State.TRIGGERED).first()
    if page is None or (page.next_step_at is not None and page.next_step_at > now()):
        return  # over, or another worker was faster and has planned what follows
    plan = Plan.from_json(page.plan)
    coming = plan.after(page.round, page.step)
    if coming is None:
        _give_up(page)
        return
    page.round, page.step = coming
    step = plan.steps[page.step]
    reached = [person for item in queries.whom(step.targets, now()) if (person := _reach_out(page, item))]
    wait = timedelta(seconds=step.wait_s)
    if not reached:
        why = "nobody is on call, or nobody there can be reached"
        timeline.append(events.StepFoundNobody(step=page.step, why=why), about=_about(page))
        wait = timedelta(0) if plan.after(page.round, page.step) and page.step + 1 < len(plan.steps) else wait
    plan_next_step(page, wait)


def plan_next_step(page: Page, wait: timedelta) -> None:
    """Store where a page stands, and let its next step follow after a wait."""
    at = now() + wait
    page.next_step_at = at
    page.save(update_fields=["round", "step", "next_step_at"])
    timers.cancel(ESCALATE, subject=timeline.ref(page))
    timers.schedule(ESCALATE, subject=timeline.ref(page), due_at=at)
    planned = events.NextStepPlanned(round=page.round, step=page.step, next_step_at=at)
    timeline.append(planned, about=[page])


def _give_up(page: Page) -> None:
    page.state = Page.State.UNANSWERED
    page.next_step_at = None
    page.save(update_fields=["state", "next_step_at"])
    timeline.append(events.PageUnanswered(rounds=page.round + 1), about=_about(page))


def _about(page: Page) -> list[timeline.Subject]:
    return [page, *([f"{page.reason_type}:{page.reason_id}"] if page.reason_id else []), "now"]


def _reach_out(page: Page, item: queries.Whom) -> Reached | None:
    """Plan the ways to one person; return None when there is no way."""
    if Reached.objects.filter(page=page, person=item.person, answer=Reached.Answer.PASSED_ON).exists():
        return None
    at = now()
    reached = Reached.objects.create(
        page=page, person=item.person, round=page.round, step=page.step, why=item.why[:200], at=at
    )
    planned = [
        _plan_notification(reached, contact, delay_s=delay_s, number=number)
        for number, (contact, delay_s) in enumerate(ways_to(item.person))
    ]
    timeline.append(reached_out(reached, planned), about=[*_about(page), item.person])
    if not planned:
        _unreachable(reached, "no way to reach this person is set up")
        return None
    return reached


def reached_out(reached: Reached, planned: Sequence[Notification]) -> events.PersonReachedOut:
    """Return the event that a person is reached out to by some messages."""
    return events.PersonReachedOut(
        reached=reached.pk,
        person=reached.person_id,
        round=reached.round,
        step=reached.step,
        why=reached.why,
        reached_at=reached.at,
        ways=[
            events.Way(
                notification=item.pk, contact=item.contact_id, channel=item.channel, key=item.key, due_at=item.due_at
            )
            for item in planned
        ],
    )


def ways_to(person: Person) -> list[tuple[ContactMethod, int]]:
    """Return how to reach a person with the wait before each, in seconds: their rules, else all ways at once."""
    rules = list(NotificationRule.objects.select_related("contact").filter(person=person))
    if rules:
        return [(rule.contact, rule.delay_s) for rule in rules]
    return [(contact, 0) for contact in ContactMethod.objects.filter(person=person).order_by("pk")]


def _plan_notification(reached: Reached, contact: ContactMethod, *, delay_s: int, number: int) -> Notification:
    due_at = now() + timedelta(seconds=delay_s)
    notification = Notification.objects.create(
        page_id=reached.page_id,
        person_id=reached.person_id,
        contact=contact,
        reached=reached,
        channel=contact.kind,
        address=contact.address[:500],
        key=f"{reached.page_id}:{reached.round}.{reached.step}:{reached.person_id}:{contact.kind}:{number}",
        due_at=due_at,
    )
    timers.schedule(DELIVER, subject=f"notification:{notification.pk}", due_at=due_at)
    return notification


def _unreachable(reached: Reached, why: str) -> None:
    reached.answer = Reached.Answer.UNREACHABLE
    reached.answered_at = now()
    reached.save(update_fields=["answer", "answered_at"])
    timeline.append(
        events.PersonUnreachable(reached=reached.pk, person=reached.person_id, why=why, found_at=reached.answered_at),
        about=[*_about(reached.page), f"person:{reached.person_id}"],
    )


@atomic
def acknowledge(page: Page, *, by: Person | None, via: Via, actor: timeline.Subject | None = None) -> Page:
    """Take the page: stop its escalation and its waiting messages. Safe to call twice. Raises AlreadyTaken."""
    at = now()
    taken = Page.objects.filter(pk=page.pk, state__in=OPEN).update(
        state=Page.State.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by, next_step_at=None
    )
    page.refresh_from_db()
    if not taken:
        if page.state == Page.State.ACKNOWLEDGED and page.acknowledged_by_id != (by.pk if by else None):
            raise AlreadyTaken(page)
        return page
    _stop(page)
    reached = _answer(page, by, Reached.Answer.HAS_IT, at) if by else None
    timeline.append(
        events.PageAcknowledged(person=by.pk if by else None, via=via, reached=reached, at=at),
        actor=actor or by or timeline.SYSTEM,
        about=_about(page),
    )
    return page


def join(page: Page, *, by: Person, via: Via) -> Page:
    """Join whoever has it. On a page that nobody has taken, a person who is awake and joins also takes it."""
    if page.state in OPEN:
        try:
            return acknowledge(page, by=by, via=via)
        except AlreadyTaken:
            page.refresh_from_db()
    return _join(page, by, via)


@atomic
def _join(page: Page, by: Person, via: Via) -> Page:
    if not _answered(page, by, Reached.Answer.JOINS):
        at = now()
        joined = events.PageJoined(person=by.pk, via=via, reached=_answer(page, by, Reached.Answer.JOINS, at), at=at)
        timeline.append(joined, actor=by, about=_about(page))
    return page


@atomic
def pass_on(page: Page, *, by: Person, via: Via) -> Page:
    """Say that one can not take it now: the next step follows at once."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    if _answered(page, by, Reached.Answer.PASSED_ON) or page.state not in OPEN:
        return page
    at = now()
    reached = _answer(page, by, Reached.Answer.PASSED_ON, at)
    _cancel_notifications(page, person=by)
    passed = events.PagePassedOn(person=by.pk, via=via, reached=reached, at=at)
    timeline.append(passed, actor=by, about=_about(page))
    if not _somebody_left(page):
        hurry(page)
    return page


def _somebody_left(page: Page) -> bool:
    step = Reached.objects.filter(page=page, round=page.round, step=page.step, answer=Reached.Answer.NONE)
    return step.exists()


def hurry(page: Page) -> None:
    """Take the next step now instead of after its wait."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    if page.state == Page.State.TRIGGERED and not page.is_test:
        plan_next_step(page, timedelta(0))


def _answered(page: Page, person: Person, answer: Reached.Answer) -> bool:
    return Reached.objects.filter(page=page, person=person, answer=answer).exists()


def _answer(page: Page, person: Person, answer: Reached.Answer, at: datetime) -> int:
    """Note an answer; return the id of the row that holds it."""
    latest = Reached.objects.filter(page=page, person=person).order_by("-pk").first() or Reached.objects.create(
        page=page, person=person, round=page.round, step=max(0, page.step), why="came by themselves", at=at
    )
    Reached.objects.filter(pk=latest.pk).update(answer=answer, answered_at=at)
    Notification.objects.filter(
        page=page, person=person, handed_over_at__isnull=False, confirmed_at__isnull=True
    ).update(confirmed_at=at)
    return latest.pk


@atomic
def resolve(page: Page, *, why: str, actor: timeline.Subject = timeline.SYSTEM) -> Page:
    """End a page because what it was for is over."""
    at = now()
    done = (
        Page.objects.filter(pk=page.pk)
        .exclude(state=Page.State.RESOLVED)
        .update(state=Page.State.RESOLVED, resolved_at=at, next_step_at=None)
    )
    page.refresh_from_db()
    if done:
        _stop(page)
        timeline.append(events.PageResolved(why=why, at=at), actor=actor, about=_about(page))
    return page


def _stop(page: Page) -> None:
    timers.cancel(ESCALATE, subject=timeline.ref(page))
    _cancel_notifications(page)


def _cancel_notifications(page: Page, *, person: Person | None = None) -> None:
    waiting = Notification.objects.filter(page=page, state=Notification.State.WAITING)
    if person is not None:
        waiting = waiting.filter(person=person)
    for pk in list(waiting.values_list("pk", flat=True)):
        timers.cancel(DELIVER, subject=f"notification:{pk}")
    waiting.update(state=Notification.State.CANCELLED)


@atomic
def save_policy(
    *, slug: str, name: str, team: Team | None, repeat: int, steps: Sequence[StepDraft], actor: timeline.Subject
) -> Policy:
    """Make a policy, or a new version of it. Raises BadInput naming the field."""
    if not steps:
        raise BadInput("steps", "a policy needs at least one step")
    for number, step in enumerate(steps):
        if not step.targets:
            raise BadInput(f"steps[{number}].targets", "say whom this step pages")
        if not 0 <= step.wait_s <= MAX_WAIT_S:
            raise BadInput(f"steps[{number}].wait_s", f"must be from 0 to {MAX_WAIT_S} seconds")
    policy, made = Policy.objects.get_or_create(slug=slug, defaults={"name": name, "team": team, "repeat": repeat})
    if not made:
        policy.name, policy.team, policy.repeat, policy.version = name, team, repeat, policy.version + 1
        policy.save()
        policy.steps.all().delete()
    for position, draft in enumerate(steps):
        made_step = Step.objects.create(policy=policy, position=position, wait_s=draft.wait_s)
        StepTarget.objects.bulk_create(StepTarget(step=made_step, **{f"{t.type}_id": t.id}) for t in draft.targets)
    timeline.append(_policy_changed(policy), actor=actor, about=[policy])
    return policy


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
    )


@atomic
def ensure_fallback() -> Policy | None:
    """Return the policy for alerts that no route takes. It pages every administrator; None while nobody exists."""
    if found := Policy.objects.filter(is_fallback=True).first():
        return found
    people = list(Person.objects.filter(is_active=True, role="administrator").order_by("pk")[:20])
    if not people:
        return None
    policy = Policy.objects.create(name="Fallback: administrators", slug="fallback", repeat=3, is_fallback=True)
    step = Step.objects.create(policy=policy, position=0, wait_s=300)
    StepTarget.objects.bulk_create(StepTarget(step=step, person=person) for person in people)
    timeline.append(_policy_changed(policy), about=[policy])
    return policy


@atomic
def set_rules(person: Person, rules: Sequence[tuple[int, int]], *, by: Person | None) -> None:
    """Replace a person's notification rules: pairs of contact method id and delay in seconds. Raises BadInput."""
    own = set(ContactMethod.objects.filter(person=person).values_list("pk", flat=True))
    for number, (contact_id, delay_s) in enumerate(rules):
        if contact_id not in own:
            raise BadInput(f"rules[{number}].contact_method_id", "not one of this person's ways to be reached")
        if not 0 <= delay_s <= MAX_WAIT_S:
            raise BadInput(f"rules[{number}].delay_s", f"must be from 0 to {MAX_WAIT_S} seconds")
    NotificationRule.objects.filter(person=person).delete()
    NotificationRule.objects.bulk_create(
        NotificationRule(person=person, contact_id=contact_id, delay_s=delay_s, position=position)
        for position, (contact_id, delay_s) in enumerate(rules)
    )
    changed = events.RulesChanged(person=person.pk, rules=list(rules))
    timeline.append(changed, actor=by or timeline.SYSTEM, about=[person])


def newest_round(page: Page) -> int:
    """Return the latest round in which a page reached out."""
    return page.reached.aggregate(latest=Max("round"))["latest"] or 0

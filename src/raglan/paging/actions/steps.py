"""Take the steps of a page: whom each reaches, what follows when nobody is there, and when the next is due."""

from dataclasses import replace
from datetime import timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.paging import events, ports, queries
from raglan.paging.actions.ending import cancel
from raglan.paging.actions.names import ESCALATE, GAP, Reason, Words, about, newest_round
from raglan.paging.actions.reaching import plan_call, plan_chat_call, reach
from raglan.paging.actions.starting import page_people
from raglan.paging.models import Notification, Page, Policy, Reached
from raglan.paging.plan import ROUND_AT_LEAST, EarlierSteps, Plan, PlannedStep, Urgency, WhenNobody, urgency_of
from raglan.paging.policies import ensure_fallback

HELD_AT_MOST = timedelta(hours=1)
LATE = timedelta(seconds=60)
TRY_AGAIN = timedelta(minutes=1)
TRY_AGAIN_AT_MOST = timedelta(minutes=5)


@atomic
def escalate(page_id: int) -> None:
    """Take the next step of an open page; when nothing is left, say that nobody answered."""
    page = Page.objects.select_for_update(no_key=True).filter(queries.GOES_ON, pk=page_id).first()
    if page is None or (page.next_step_at is not None and page.next_step_at > now()):
        return  # over, or another worker was faster and has planned what follows
    plan = Plan.from_json(page.plan)
    coming = plan.after(page.round, page.step)
    if coming is None:
        _end(page, plan)
        return
    page.round, page.step = coming
    step = plan.steps[page.step]
    _note_delay(page)
    if plan.earlier_steps == EarlierSteps.STOP:
        _stop_earlier(page)
    found = queries.whom(step.targets, now())
    reached = [person for item in found if (person := _reach_out(page, item))]
    _tell_others(page, step)
    if reached or all(target.is_nobody for target in step.targets):
        page.held_since = None
        plan_next_step(page, plan.wait_of(page.step))
    else:
        _found_nobody(page, plan, on_call=bool(found))


def _tell_others(page: Page, step: PlannedStep) -> None:
    """Plan what tells programs and rooms in chat."""
    for target in step.targets:
        match target.type:
            case "webhook":
                plan_call(page, target)
            case "chat":
                plan_chat_call(page, target)


def _note_delay(page: Page) -> None:
    """Record when a step comes late, as after an outage: one line, with by how much."""
    late = now() - page.next_step_at if page.next_step_at else timedelta(0)
    if late > LATE:
        told = events.StepLate(round=page.round, step=page.step, delay_s=round(late.total_seconds()))
        timeline.append(told, about=about(page))


def _stop_earlier(page: Page) -> None:
    """Take back what earlier steps still meant to send, as the policy says."""
    waiting = Notification.objects.filter(page=page, state=Notification.State.WAITING, reached__is_added=False)
    ids = list(waiting.values_list("pk", flat=True))
    if ids:
        cancel(ids)
        timeline.append(events.EarlierStopped(step=page.step, notifications=ids), about=[page])


def _found_nobody(page: Page, plan: Plan, *, on_call: bool) -> None:
    """Do what the policy chose for a step without anybody: hold, fall back, or take the next step at once.

    A whole round that asked nobody falls back as well, and without a policy also one in which all have passed it on.
    Where there is nobody to fall back to, it waits as it says.
    A named person who was to come first is no gap in the policy: its own steps follow at once.
    """
    step = plan.steps[page.step]
    tried = page.reached.filter(round=page.round, step=page.step).exists()
    why = "nobody there can be reached" if tried else "nobody is on call"
    if on_call and not tried:
        why = "everybody there has answered already"
    elif page.step >= plan.head and not queries.owner_told(page, GAP):
        tell_owner(page, why)
    timeline.append(events.StepFoundNobody(step=page.step, why=why), about=about(page))
    if page.step < plan.head < len(plan.steps):
        plan_next_step(page, timedelta(0))
        return
    if plan.when_nobody == WhenNobody.HOLD and not on_call:
        _hold(page, step)
        return
    is_last = page.step + 1 >= len(plan.steps)
    waited = _waited(page, plan) if is_last else None
    is_gap = page.policy_id is not None and not (on_call and not tried)
    is_empty = is_last and waited is None and (is_gap or plan.falls_back)
    if (plan.when_nobody == WhenNobody.FALL_BACK or is_empty) and fall_back(page, plan):
        return
    wait = plan.wait_of(page.step) if is_last else timedelta(0)
    plan_next_step(page, wait if waited is None else min(wait, max(timedelta(0), ROUND_AT_LEAST - waited)))


def _waited(page: Page, plan: Plan) -> timedelta | None:
    """Return how long the steps of this round that asked somebody wait for them; None when none asked anybody."""
    asked = page.reached.filter(round=page.round, is_added=False).exclude(answer=Reached.Answer.UNREACHABLE)
    steps = {step for step in asked.values_list("step", flat=True) if step < len(plan.steps)}
    return sum(map(plan.wait_of, steps), timedelta(0)) if steps else None


def _hold(page: Page, step: PlannedStep) -> None:
    """Keep a page where it is; the same step is taken again when somebody comes on call, and looked at each hour."""
    at = now()
    until = queries.next_on_call(step.targets, at)
    page.held_since = page.held_since or at
    held = events.PageHeld(step=page.step, until=until)
    timeline.append(held, about=about(page))
    page.step -= 1  # the same step is taken again
    plan_next_step(page, min(until or at + HELD_AT_MOST, at + HELD_AT_MOST) - at)


def fall_back(page: Page, plan: Plan) -> bool:
    """Go on with the fallback policy. Return False when there is none, or when it is the one that found nobody.

    Also for a page that stays in its room: whoever is paged would come to know of it.
    """
    fallback = None if plan.fell_back or ports.stays_inside(page) else ensure_fallback()
    if fallback is None or fallback.pk == page.policy_id:
        return False
    again = queries.plan_of(fallback).again(newest_round(page) + 1)
    begin_again(page, replace(again, fell_back=True, hours=plan.hours, before=plan))
    timeline.append(events.FellBack(policy=fallback.slug, plan=page.plan, round=page.round), about=about(page))
    plan_next_step(page, timedelta(0))
    return True


def begin_again(page: Page, plan: Plan) -> None:
    """Put a page before the first step of a plan; whoever calls this plans the step and tells of it."""
    page.plan = plan.as_json()
    page.round, page.step, page.held_since = plan.first_round, -1, None
    page.save(update_fields=["plan", "round", "step", "held_since"])


def _end(page: Page, plan: Plan) -> None:
    """All rounds are through. The fallback is still to come where nobody was reached at all, or without a policy."""
    nobody = not page.reached.exclude(answer=Reached.Answer.UNREACHABLE).exists()
    if not ((plan.falls_back or (nobody and page.policy_id)) and fall_back(page, plan)):
        _give_up(page, plan)


def plan_next_step(page: Page, wait: timedelta) -> None:
    """Store where a page stands, and let its next step follow after a wait."""
    at = Plan.from_json(page.plan).at_daylight(now() + wait, page.urgency)
    page.next_step_at = at
    page.save(update_fields=["round", "step", "next_step_at", "held_since"])
    timers.cancel(ESCALATE, subject=timeline.ref(page))
    timers.schedule(ESCALATE, subject=timeline.ref(page), due_at=at)
    planned = events.NextStepPlanned(round=page.round, step=page.step, next_step_at=at, held_since=page.held_since)
    timeline.append(planned, about=[page])


def raise_urgency(page: Page, *, severity: str) -> bool:
    """Let a page that waits for daylight go out now, because what it is for became urgent. Return whether it did.

    A page that is only drafted is changed where it stands.
    """
    if page.urgency != Urgency.LOW or page.state != Page.State.TRIGGERED:
        return False  # nearly always, and a storm asks for each of its alerts: no transaction and no policy for that
    return _raise_urgency(page, page.policy, severity)


@atomic
def _raise_urgency(page: Page, policy: Policy | None, severity: str) -> bool:
    if policy is None:
        return False
    if policy.urgency == Urgency.LOW or urgency_of(policy.urgency, severity) != Urgency.HIGH:
        return False
    page.urgency, page.severity = Urgency.HIGH, severity[:20]
    waiting = Page.objects.filter(pk=page.pk, state=Page.State.TRIGGERED, urgency=Urgency.LOW)
    if waiting.update(urgency=page.urgency, severity=page.severity):
        timeline.append(events.PageRaised(severity=page.severity, urgency=page.urgency), about=about(page))
        hurry(page)
    else:
        page.next_step_at = now()
    return True


def _give_up(page: Page, plan: Plan) -> None:
    """Say that nobody answered. Where no message could be handed over for now, as in an outage, go on trying."""
    tries_on = queries.may_work_later(page, plan)
    if page.state != Page.State.UNANSWERED or not tries_on:
        page.state = Page.State.UNANSWERED
        page.next_step_at = None
        page.save(update_fields=["state", "next_step_at"])
        timeline.append(events.PageUnanswered(rounds=page.round + 1), about=about(page))
    if tries_on:
        following = max(newest_round(page), page.round) + 1
        _try_later(page, plan, following, min(following * TRY_AGAIN, TRY_AGAIN_AT_MOST))


def _try_later(page: Page, plan: Plan, following: int, wait: timedelta) -> None:
    """Go through the plan, not only its fallback, once more after a wait."""
    begin_again(page, replace(plan.before or plan, first_round=following))
    timeline.append(events.PageTriesOn(plan=page.plan, round=page.round), about=[page])
    plan_next_step(page, wait)


def reached_somebody(page: Page) -> None:
    """Let a page that nobody could be reached for be an ordinary one again: a message of it was handed over.

    Where that was one to the fallback, those whom the plan names are asked now too.
    """
    page.state = Page.State.TRIGGERED
    page.save(update_fields=["state"])
    timeline.append(events.PageReachedSomebody(), about=about(page))
    plan = Plan.from_json(page.plan)
    if plan.before is not None:
        _try_later(page, plan, max(newest_round(page), page.round) + 1, TRY_AGAIN)


def _reach_out(page: Page, item: queries.Whom) -> Reached | None:
    """Plan the ways to one person; return None when there is no way."""
    since = _first_round(page)
    spared = Reached.objects.filter(page=page, person=item.person, round__gte=since, answer__in=queries.SPARED)
    if spared.exists():
        return None
    return reach(page, item, step=page.step)


def _first_round(page: Page) -> int:
    """Return the round in which a page began, or began again: what was answered before does not count now."""
    return Plan.from_json(page.plan).first_round


def hurry(page: Page) -> None:
    """Take the next step now instead of after its wait."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    if queries.goes_on(page) and not page.is_test:
        plan_next_step(page, timedelta(0))


def tell_owner(page: Page, why: str) -> None:
    """Tell those who look after a policy that one of its steps had nobody: once for a page, in daylight."""
    policy = page.policy
    if policy is None or page.reason_type == GAP:
        return
    people = queries.owners(policy)
    if people:
        words = Words(f"{policy.name}: {why} at step {page.step + 1}", f"It was about: {page.title}", "info")
        reason = Reason(GAP, page.pk, f"/pages/{page.pk}/")
        page_people(people, words, reason=reason, by=None, urgency=Urgency.LOW)

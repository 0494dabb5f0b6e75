"""Verbs of paging: the only writers of its tables."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Max

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, bulk
from raglan.core.errors import Conflict
from raglan.paging import events, queries
from raglan.paging.hours import Hours
from raglan.paging.models import Notification, Page, Policy, Reached, WebhookCall
from raglan.paging.plan import EarlierSteps, Plan, PlannedStep, Target, Urgency, WhenNobody, urgency_of
from raglan.paging.policies import MAX_WAIT_S, Choices, StepDraft, ensure_fallback, save_policy, set_rules
from raglan.people.actions import confirm_contact
from raglan.people.models import ContactMethod, Person, Team

__all__ = ["MAX_WAIT_S", "Choices", "StepDraft", "ensure_fallback", "save_policy", "set_rules"]

SYSTEM = timeline.SYSTEM
ESCALATE = "paging.escalate"
DELIVER = "paging.deliver"
CALL = "paging.call"
BACK = "paging.back"
HELD_AT_MOST = timedelta(hours=1)
GAP = "gap"
SPARED = (Reached.Answer.PASSED_ON, Reached.Answer.HAS_IT, Reached.Answer.JOINS)
LATE = timedelta(seconds=60)
TRY_AGAIN = timedelta(minutes=1)
TRY_AGAIN_AT_MOST = timedelta(minutes=5)
OPEN = (Page.State.TRIGGERED, Page.State.UNANSWERED)


class Via(StrEnum):
    """By which way an answer came."""

    LINK = "link"
    SCREEN = "screen"
    REST = "rest"
    SOURCE = "source"
    PUSH = "push"
    REPLY = "reply"
    KEYPAD = "keypad"


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
    page = bulk.fresh(
        Page,
        id=key,
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
    page.policy = policy
    return page


@atomic
def start_many(pages: Sequence[Page], *, actor: timeline.Subject = timeline.SYSTEM) -> None:
    """Write drafted pages with their first timers and events, in few statements."""
    bulk.insert(pages)
    timers.schedule_many([timers.Plan(ESCALATE, timeline.ref(page), page.next_step_at or now()) for page in pages])
    timeline.append_records([timeline.record(started(page), _why_and_page(page)) for page in pages], actor=actor)


def _why_and_page(page: Page) -> list[timeline.Subject]:
    return [page, *([f"{page.reason_type}:{page.reason_id}"] if page.reason_id else [])]


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
        urgency=page.urgency,
    )


def page_people(
    people: Sequence[Person],
    words: Words,
    *,
    reason: Reason,
    by: Person | None,
    urgency: Urgency = Urgency.HIGH,
) -> Page:
    """Page named people by hand: all at once, once more after five minutes."""
    zone = next((person.time_zone for person in (by, *people) if person), "UTC")
    targets = tuple(Target("person", person.pk) for person in people)
    return start(None, words, reason=reason, actor=by or SYSTEM, plan=_by_hand(targets, zone), urgency=urgency)


def page_team(team: Team, words: Words, *, reason: Reason, by: Person | None, urgency: Urgency = Urgency.HIGH) -> Page:
    """Page everybody in a team by hand."""
    plan = _by_hand((Target("team", team.pk),), by.time_zone if by else "UTC")
    return start(None, words, reason=reason, actor=by or SYSTEM, plan=plan, urgency=urgency)


def _by_hand(targets: tuple[Target, ...], zone: str) -> Plan:
    return Plan("by hand", 1, 1, (PlannedStep(300, targets),), hours=Hours(zone))


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
    called = [_plan_call(page, target) for target in step.targets if target.type == "webhook"]
    if reached or len(called) == len(step.targets):
        page.held_since = None
        plan_next_step(page, timedelta(seconds=step.wait_s))
    else:
        _found_nobody(page, plan, on_call=bool(found))


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
        _cancel(ids)
        timeline.append(events.EarlierStopped(step=page.step, notifications=ids), about=[page])


def _found_nobody(page: Page, plan: Plan, *, on_call: bool) -> None:
    """Do what the policy chose for a step without anybody: hold, fall back, or take the next step."""
    step = plan.steps[page.step]
    tried = page.reached.filter(round=page.round, step=page.step).exists()
    why = "nobody there can be reached" if tried else "nobody is on call"
    if on_call and not tried:
        why = "everybody there has answered already"
    elif not queries.owner_told(page, GAP):
        tell_owner(page, why)
    timeline.append(events.StepFoundNobody(step=page.step, why=why), about=about(page))
    if plan.when_nobody == WhenNobody.HOLD and not on_call:
        _hold(page, step)
    elif not (plan.when_nobody == WhenNobody.FALL_BACK and fall_back(page, plan)):
        is_last = page.step + 1 >= len(plan.steps)
        plan_next_step(page, timedelta(seconds=step.wait_s if is_last else 0))


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
    """Go on with the fallback policy. Return False when there is none, or when it is the one that found nobody."""
    fallback = None if plan.fell_back else ensure_fallback()
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
    """All rounds are through. Where nobody was reached at all, the fallback is still to come."""
    nobody = not page.reached.exclude(answer=Reached.Answer.UNREACHABLE).exists()
    if not (nobody and page.policy_id and fall_back(page, plan)):
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


def about(page: Page) -> list[timeline.Subject]:
    """Return what events of a page are about."""
    return [*_why_and_page(page), "now"]


def _reach_out(page: Page, item: queries.Whom) -> Reached | None:
    """Plan the ways to one person; return None when there is no way."""
    since = _first_round(page)
    spared = Reached.objects.filter(page=page, person=item.person, round__gte=since, answer__in=SPARED)
    if spared.exists():
        return None
    return reach(page, item, step=page.step)


def _first_round(page: Page) -> int:
    """Return the round in which a page began, or began again: what was answered before does not count now."""
    return Plan.from_json(page.plan).first_round


def reach(page: Page, item: queries.Whom, *, step: int, is_added: bool = False) -> Reached | None:
    """Plan the ways to one person, by their rules; return None when there is no way."""
    reached = Reached.objects.create(
        page=page,
        person=item.person,
        round=page.round,
        step=step,
        why=item.why[:200],
        at=now(),
        is_added=is_added,
    )
    planned = [
        _plan_notification(reached, contact, delay_s=delay_s, number=number)
        for number, (contact, delay_s) in enumerate(ways_to(item.person, page.urgency))
    ]
    timeline.append(reached_out(reached, planned), about=[*about(page), item.person])
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
        is_added=reached.is_added,
        ways=[
            events.Way(
                notification=item.pk, contact=item.contact_id, channel=item.channel, key=item.key, due_at=item.due_at
            )
            for item in planned
        ],
    )


def ways_to(person: Person, urgency: str = Urgency.HIGH) -> list[tuple[ContactMethod, int]]:
    """Return how to reach a person with the wait before each, in seconds: their rules, else all ways at once.

    Somebody without rules for low urgency is reached by those for high.
    """
    for wanted in dict.fromkeys((urgency, Urgency.HIGH)):
        rules = list(person.notification_rules.select_related("contact").filter(urgency=wanted))
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


def _plan_call(page: Page, target: Target) -> WebhookCall:
    """Let a program be told of a step: once, however often a held step is looked at."""
    at = now()
    address = hashlib.sha256(target.url.encode()).hexdigest()[:16]
    call, made = WebhookCall.objects.get_or_create(
        key=f"{page.pk}:{page.round}.{page.step}:call:{address}",
        defaults={"page": page, "round": page.round, "step": page.step, "url": target.url, "planned_at": at},
    )
    if made:
        timers.schedule(CALL, subject=f"webhook_call:{call.pk}", due_at=at)
        planned = events.WebhookPlanned(
            call=call.pk, round=call.round, step=call.step, url=call.url, key=call.key, planned_at=at
        )
        timeline.append(planned, about=[page])
    return call


def _unreachable(reached: Reached, why: str) -> None:
    reached.answer = Reached.Answer.UNREACHABLE
    reached.answered_at = now()
    reached.save(update_fields=["answer", "answered_at"])
    timeline.append(
        events.PersonUnreachable(reached=reached.pk, person=reached.person_id, why=why, found_at=reached.answered_at),
        about=[*about(reached.page), f"person:{reached.person_id}"],
    )


@atomic
def acknowledge(page: Page, *, by: Person | None, via: Via, actor: timeline.Subject | None = None) -> Page:
    """Take the page: stop its escalation and its waiting messages. Safe to call twice. Raises AlreadyTaken.

    Where a step wants each of its people, the page is taken when the last of them says so.
    """
    at = now()
    if by is not None and _waits_for_others(page, by):
        return _confirm(page, by, via, at)
    taken = Page.objects.filter(pk=page.pk, state__in=OPEN).update(
        state=Page.State.ACKNOWLEDGED,
        acknowledged_at=at,
        acknowledged_by=by,
        next_step_at=None,
        held_since=None,
        snoozed_until=None,
    )
    page.refresh_from_db()
    if not taken:
        if page.state == Page.State.ACKNOWLEDGED and page.acknowledged_by_id != (by.pk if by else None):
            raise AlreadyTaken(page)
        return page
    stop(page)
    reached = note_answer(page, by, Reached.Answer.HAS_IT, at, via=via) if by else None
    timeline.append(
        events.PageAcknowledged(person=by.pk if by else None, via=via, reached=reached, at=at),
        actor=actor or by or timeline.SYSTEM,
        about=about(page),
    )
    plan_return(page)
    return page


def plan_return(page: Page) -> None:
    """Let a forgotten acknowledgement be asked about, in daylight."""
    plan = Plan.from_json(page.plan)
    if plan.forgotten_after_s and page.acknowledged_at and not page.is_test:
        due_at = daylight_of(page, plan).opens(page.acknowledged_at + timedelta(seconds=plan.forgotten_after_s))
        timers.schedule(BACK, subject=timeline.ref(page), due_at=due_at)


def daylight_of(page: Page, plan: Plan) -> Hours:
    """Return in which hours a page that somebody has may come back: the policy's, else nine to five where they are."""
    every_day = tuple(range(7))
    return plan.hours or Hours(page.acknowledged_by.time_zone if page.acknowledged_by else "UTC", days=every_day)


def _waits_for_others(page: Page, by: Person) -> bool:
    """Say whether a step that wants each of its people still lacks somebody else."""
    row = Page.objects.select_for_update(no_key=True).filter(pk=page.pk, state__in=OPEN).first()
    return row is not None and any(pk != by.pk for pk in queries.missing(row))


def _confirm(page: Page, by: Person, via: Via, at: datetime) -> Page:
    if not _answered(page, by, Reached.Answer.HAS_IT):
        reached = note_answer(page, by, Reached.Answer.HAS_IT, at, via=via)
        _cancel_notifications(page, person=by)
        confirmed = events.PageConfirmed(person=by.pk, via=via, reached=reached, at=at, missing=queries.missing(page))
        timeline.append(confirmed, actor=by, about=about(page))
    page.refresh_from_db()
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
        joined = events.PageJoined(
            person=by.pk, via=via, reached=note_answer(page, by, Reached.Answer.JOINS, at, via=via), at=at
        )
        timeline.append(joined, actor=by, about=about(page))
        _cancel_notifications(page, person=by)
    return page


@atomic
def pass_on(page: Page, *, by: Person, via: Via) -> Page:
    """Say that one can not take it now: the next step follows at once."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    if _answered(page, by, Reached.Answer.PASSED_ON) or not (page.state in OPEN or queries.is_added(page, by)):
        return page
    at = now()
    reached = note_answer(page, by, Reached.Answer.PASSED_ON, at, via=via)
    _cancel_notifications(page, person=by)
    passed = events.PagePassedOn(person=by.pk, via=via, reached=reached, at=at)
    timeline.append(passed, actor=by, about=about(page))
    if not somebody_left(page):
        hurry(page)
    return page


def somebody_left(page: Page) -> bool:
    """Say whether somebody of the present step may still answer, or a program has yet to be told."""
    unsent = (Notification.State.WAITING, Notification.State.SENDING)
    here = {"round": page.round, "step": page.step}
    return (
        page.reached.filter(**here, answer=Reached.Answer.NONE).exists()
        or page.calls.filter(**here, state__in=unsent).exists()
    )


def hurry(page: Page) -> None:
    """Take the next step now instead of after its wait."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    if queries.goes_on(page) and not page.is_test:
        plan_next_step(page, timedelta(0))


def _answered(page: Page, person: Person, answer: Reached.Answer) -> bool:
    latest = Reached.objects.filter(page=page, person=person).order_by("-pk").first()
    return latest is not None and latest.answer == answer


def note_answer(page: Page, person: Person, answer: Reached.Answer, at: datetime, *, via: Via) -> int:
    """Note an answer; return the id of the row that holds it."""
    latest = Reached.objects.filter(page=page, person=person).order_by("-pk").first() or Reached.objects.create(
        page=page, person=person, round=page.round, step=max(0, page.step), why="came by themselves", at=at
    )
    Reached.objects.filter(pk=latest.pk).update(answer=answer, answered_at=at)
    Notification.objects.filter(
        page=page, person=person, handed_over_at__isnull=False, confirmed_at__isnull=True
    ).update(confirmed_at=at)
    if via == Via.LINK:
        _confirm_way(page, person)
    return latest.pk


def _confirm_way(page: Page, person: Person) -> None:
    """An answer by the link in a message proves the way it came by, where only one way had been used."""
    sent = Notification.objects.filter(page=page, person=person, handed_over_at__isnull=False, contact__isnull=False)
    contacts = {item.contact for item in sent.select_related("contact") if item.contact}
    for contact in contacts if len(contacts) == 1 else ():
        if contact.confirmed_at is None:
            confirm_contact(contact, actor=person)


@atomic
def reword(page: Page, words: Words) -> Page:
    """Say something new on a page that is not over, such as how far it has counted."""
    title, text = words.title[:300], words.text
    if Page.objects.filter(pk=page.pk).exclude(state=Page.State.RESOLVED).update(title=title, text=text):
        timeline.append(events.PageReworded(title=title, text=text), about=[page])
    page.refresh_from_db()
    return page


@atomic
def resolve(page: Page, *, why: str, actor: timeline.Subject = timeline.SYSTEM) -> Page:
    """End a page because what it was for is over."""
    at = now()
    done = (
        Page.objects.filter(pk=page.pk)
        .exclude(state=Page.State.RESOLVED)
        .update(state=Page.State.RESOLVED, resolved_at=at, next_step_at=None, held_since=None, snoozed_until=None)
    )
    page.refresh_from_db()
    if done:
        stop(page)
        timeline.append(events.PageResolved(why=why, at=at), actor=actor, about=about(page))
    return page


def stop(page: Page) -> None:
    """End what a page still means to do."""
    timers.cancel(ESCALATE, BACK, subject=timeline.ref(page))
    _cancel_notifications(page)


def _cancel_notifications(page: Page, *, person: Person | None = None) -> None:
    waiting = Notification.objects.filter(page=page, state=Notification.State.WAITING)
    if person is not None:
        waiting = waiting.filter(person=person)
    _cancel(list(waiting.values_list("pk", flat=True)))


def _cancel(ids: Sequence[int]) -> None:
    for pk in ids:
        timers.cancel(DELIVER, subject=f"notification:{pk}")
    waiting = Notification.objects.filter(pk__in=ids, state=Notification.State.WAITING)
    waiting.update(state=Notification.State.CANCELLED)


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


def newest_round(page: Page) -> int:
    """Return the latest round in which a page reached out."""
    return page.reached.aggregate(latest=Max("round"))["latest"] or 0

"""Reads of paging."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from raglan.core import secrets
from raglan.core.clock import now
from raglan.oncall import queries as oncall
from raglan.paging import ports
from raglan.paging.hours import Hours
from raglan.paging.models import ChatCall, Notification, Page, Policy, Reached, StepTarget, WebhookCall
from raglan.paging.plan import Acknowledge, EarlierSteps, Plan, PlannedStep, Target, WhenNobody
from raglan.people.models import Person

LINK_AGE = timedelta(hours=72)
OLD = timedelta(days=7)
SPARED = (Reached.Answer.PASSED_ON, Reached.Answer.HAS_IT, Reached.Answer.JOINS)
RETRIES = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=40))
GOES_ON = Q(state=Page.State.TRIGGERED) | Q(state=Page.State.UNANSWERED, next_step_at__isnull=False)


@dataclass(frozen=True, slots=True)
class Whom:
    """A person that a step pages, and why this one."""

    person: Person
    why: str


def open_pages() -> QuerySet[Page]:
    """Pages that still want somebody: nobody has answered, or nobody could be reached."""
    waiting = (Page.State.TRIGGERED, Page.State.UNANSWERED)
    return Page.objects.filter(ports.sight(), state__in=waiting, is_test=False).order_by("-pk")


def was_told(page_id: int) -> bool:
    """Tell whether a page has reached out to somebody, to a program or to a room in chat."""
    reached = Reached.objects.filter(page_id=page_id).exclude(answer=Reached.Answer.UNREACHABLE)
    return reached.exists() or any(calls.objects.filter(page_id=page_id).exists() for calls in (WebhookCall, ChatCall))


def last_reached(page: Page, person: Person) -> Reached | None:
    """Return how a page reached a person last.

    There are a few for each page. Asked for the newest only, SQLite reads back through all pages of the person.
    """
    return max(Reached.objects.filter(page=page, person=person), key=lambda reached: reached.pk, default=None)


def live_pages() -> QuerySet[Page]:
    """Pages that are not over."""
    return Page.objects.filter(ports.sight()).exclude(state=Page.State.RESOLVED).order_by("-pk")


def pages() -> QuerySet[Page]:
    """All pages, newest first."""
    return Page.objects.filter(ports.sight()).select_related("acknowledged_by", "policy").order_by("-pk")


def plan_of(policy: Policy) -> Plan:
    """Return a policy as a plan for a page that starts now."""
    return Plan(
        policy=policy.slug,
        version=policy.version,
        repeat=policy.repeat,
        steps=tuple(
            PlannedStep(
                step.wait_s,
                tuple(target_of(target) for target in step.targets.all()),
                Acknowledge(step.acknowledge),
            )
            for step in policy.steps.prefetch_related("targets").order_by("position")
        ),
        when_nobody=WhenNobody(policy.when_nobody),
        earlier_steps=EarlierSteps(policy.earlier_steps),
        hours=Hours.from_json(policy.hours),
        forgotten_after_s=policy.forgotten_after_s,
    )


def target_of(target: StepTarget) -> Target:
    """Return a stored target as the plan writes it."""
    if target.url:
        return Target("webhook", 0, target.url)
    if target.chat:
        return Target("chat", target.chat, room=target.room)
    if target.schedule_id:
        return Target("schedule", target.schedule_id)
    if target.person_id:
        return Target("person", target.person_id)
    return Target("team", target.team_id or 0)


def whom(targets: Sequence[Target], at: datetime) -> list[Whom]:
    """Return whom targets mean at a time; each person once, in order."""
    return whom_until(targets, at)[0]


def whom_until(targets: Sequence[Target], at: datetime) -> tuple[list[Whom], datetime | None]:
    """Return whom targets mean at a time, and when others come on call, where that is known."""
    found: dict[int, Whom] = {}
    ends: list[datetime] = []
    for target in targets:
        people, until = _whom_until(target, at)
        ends += [until] if until is not None else []
        for item in people:
            found.setdefault(item.person.pk, item)
    return list(found.values()), min(ends, default=None)


def _whom_until(target: Target, at: datetime) -> tuple[list[Whom], datetime | None]:
    active = Person.objects.filter(is_active=True)
    match target.type:
        case "schedule":
            on_call, until = oncall.on_call_until(target.id, at)
            return [Whom(person, why) for person, why in on_call], until
        case "team":
            members = active.filter(memberships__team_id=target.id).order_by("memberships__pk")
            return [Whom(person, "member of the team") for person in members], None
        case "webhook" | "chat":
            return [], None
        case _:
            return [Whom(person, "named in the policy") for person in active.filter(pk=target.id)], None


def next_on_call(targets: Sequence[Target], at: datetime) -> datetime | None:
    """Return when somebody comes on call for one of the targets, where that is known."""
    ids = [target.id for target in targets if target.type == "schedule"]
    duties = oncall.duties(oncall.schedules(since=at).filter(pk__in=ids), at)
    return min((duty.next_from for duty in duties if duty.next_from and duty.next_people), default=None)


def missing(page: Page) -> list[int]:
    """Return who of the present step has yet to acknowledge, where the step wants each of those it can reach."""
    steps = Plan.from_json(page.plan).steps
    if not 0 <= page.step < len(steps) or steps[page.step].acknowledge != Acknowledge.EACH:
        return []
    not_waited_for = (Reached.Answer.HAS_IT, Reached.Answer.JOINS, Reached.Answer.UNREACHABLE)
    here = page.reached.filter(round=page.round, step=page.step, is_added=False, person__is_active=True)
    return list(here.exclude(answer__in=not_waited_for).order_by("pk").values_list("person_id", flat=True))


def confirmed_last(page: Page) -> Person | None:
    """Return who said last that they have a page of which the present step wants that of each; None for nobody."""
    plan = Plan.from_json(page.plan)
    if not 0 <= page.step < len(plan.steps) or plan.steps[page.step].acknowledge != Acknowledge.EACH:
        return None
    said = page.reached.filter(round__gte=plan.first_round, step=page.step, is_added=False, person__is_active=True)
    last = said.filter(answer=Reached.Answer.HAS_IT).select_related("person").order_by("answered_at", "pk").last()
    return last.person if last is not None else None


def owners(policy: Policy) -> list[Person]:
    """Return who looks after a policy: the leads of its team, else its members, else the administrators."""
    active = Person.objects.filter(is_active=True)
    members = active.filter(memberships__team_id=policy.team_id or 0)
    for found in (members.filter(memberships__is_lead=True, memberships__team_id=policy.team_id or 0), members):
        if people := list(found.distinct().order_by("pk")[:20]):
            return people
    return administrators()


def administrators() -> list[Person]:
    """Return who looks after raglan itself."""
    return list(Person.objects.filter(is_active=True, role=Person.Role.ADMINISTRATOR).order_by("pk")[:20])


def owner_told(page: Page, reason_type: str) -> bool:
    """Say whether the owners were told already that a page found nobody."""
    return Page.objects.filter(reason_type=reason_type, reason_id=page.pk).exists()


def is_added(page: Page, person: Person) -> bool:
    """Say whether somebody was added to a page by hand and has not answered."""
    return page.reached.filter(person=person, is_added=True, answer=Reached.Answer.NONE).exists()


def long_ago() -> QuerySet[Page]:
    """Pages that somebody acknowledged and that began more than a week ago: for a list in daylight, never a page."""
    return live_pages().filter(state=Page.State.ACKNOWLEDGED, created_at__lt=now() - OLD, is_test=False)


def own_answer(page: Page, reached: Reached | None) -> str:
    """Return what somebody has said since a page began, or began again."""
    counts = reached is not None and reached.round >= Plan.from_json(page.plan).first_round
    return reached.answer if reached is not None and counts else Reached.Answer.NONE


def is_wanted(notification: Notification) -> bool:
    """Say whether a message is still to go out. Somebody added to a page that is taken has a stop of their own."""
    page, reached = notification.page, notification.reached
    if page.is_test or page.state in (Page.State.TRIGGERED, Page.State.UNANSWERED):
        return True
    added = reached is not None and reached.is_added and reached.answer == Reached.Answer.NONE
    return added and page.state == Page.State.ACKNOWLEDGED


def spared(page: Page) -> frozenset[int]:
    """Return who has answered since a page began, or began again, in a way by which no step pages them."""
    answered = page.reached.filter(round__gte=Plan.from_json(page.plan).first_round, answer__in=SPARED)
    return frozenset(answered.values_list("person_id", flat=True))


def link_token(page: Page, person: Person) -> str:
    """Return the token of a person's link to a page; it lets them answer this page only, for 72 hours."""
    return secrets.sign("page", f"{page.pk}:{person.pk}")


def by_token(token: str) -> tuple[Page, Person] | None:
    """Return page and person of a link, or None when it is forged or too old."""
    value = secrets.unsign("page", token, max_age=LINK_AGE)
    if value is None:
        return None
    page_id, _, person_id = value.partition(":")
    page = Page.objects.select_related("acknowledged_by").filter(pk=int(page_id)).first()
    person = Person.objects.filter(pk=int(person_id), is_active=True).first()
    return (page, person) if page and person else None


def history(page: Page) -> list[Reached]:
    """Return whom a page reached out to, with each attempt."""
    return list(page.reached.select_related("person").prefetch_related("notifications").order_by("at", "pk"))


def unsent(reached: Reached) -> QuerySet[Notification]:
    """Attempts to a person that may still lead to something."""
    hopeful = (Notification.State.WAITING, Notification.State.SENDING, Notification.State.HANDED_OVER)
    return reached.notifications.filter(state__in=hopeful)


def goes_on(page: Page) -> bool:
    """Say whether a page takes steps: nobody has answered, or nobody could be reached and raglan goes on trying."""
    return page.state == Page.State.TRIGGERED or (page.state == Page.State.UNANSWERED and page.next_step_at is not None)


def may_work_later(page: Page, plan: Plan) -> bool:
    """Say whether no message of a page was handed over since it began, and one failed only for now or still waits."""
    sent = page.notifications.filter(reached__round__gte=(plan.before or plan).first_round)
    if page.is_test or sent.filter(handed_over_at__isnull=False).exists():
        return False
    for_now = Q(state=Notification.State.FAILED, attempts__gt=len(RETRIES))
    unsent = Q(state__in=(Notification.State.WAITING, Notification.State.SENDING), due_at__lte=now())
    return sent.filter(for_now | unsent).exists()


def late() -> QuerySet[Page]:
    """Open pages whose next step is more than a minute late, the latest first."""
    due = Page.objects.filter(next_step_at__lt=now() - timedelta(minutes=1)).order_by("next_step_at")
    return due.filter(GOES_ON, is_test=False)


def stuck() -> QuerySet[Page]:
    """Open pages whose next step has no time; there should never be one."""
    return Page.objects.filter(state=Page.State.TRIGGERED, is_test=False, next_step_at__isnull=True)

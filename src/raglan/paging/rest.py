"""REST of paging: policies, pages, notification rules."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Status
from pydantic import Field

from raglan.core import http, timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import MAX_ID, Body, Cursor, Id, Limit, Line, ShortText, Slug, Text, When
from raglan.oncall.models import Schedule
from raglan.paging import actions, appointments, foresight, last_resort, promises, queries, readiness, returning
from raglan.paging.busy import busy_with
from raglan.paging.events import MessageOfLastResort
from raglan.paging.hours import Hours
from raglan.paging.models import NotificationRule, Page, Policy
from raglan.paging.plan import FORGOTTEN_AFTER_S, Acknowledge, EarlierSteps, Target, Urgency, WhenNobody
from raglan.paging.policies import MAX_FORGOTTEN_S
from raglan.paging.rooms import page_for, room
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team
from raglan.people.rest.caller import own, responder

router = Router(tags=["paging"])
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class TargetIn(Body):
    """Whom a step pages. Schedules and teams may be named by slug or id; a webhook has an address instead."""

    type: Literal["schedule", "person", "team", "webhook"]
    id: Annotated[int, Field(ge=1, le=MAX_ID)] | Slug | None = None
    url: ShortText = ""


class StepIn(Body):
    """One step; then `wait_s` seconds pass before the next."""

    wait_s: Annotated[int, Field(ge=0, le=actions.MAX_WAIT_S)] = 300
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=20)]
    acknowledge: Acknowledge = Acknowledge.ANYONE


class HoursIn(Body):
    """Business hours on the wall clock of a zone; Monday is 0, and `until` 00:00 is the end of the day."""

    zone: Annotated[str, Field(max_length=64)]
    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)] = [0, 1, 2, 3, 4]
    since: Clock = "09:00"
    until: Clock = "17:00"


class PolicyIn(Body):
    """A policy; the same slug again makes a new version."""

    name: Line
    slug: Slug
    team: Slug | None = None
    repeat: Annotated[int, Field(ge=0, le=20)] = 2
    steps: Annotated[list[StepIn], Field(min_length=1, max_length=20)]
    when_nobody: WhenNobody = WhenNobody.NEXT_STEP
    earlier_steps: EarlierSteps = EarlierSteps.GO_ON
    urgency: Literal["high", "low", "severity"] = "high"
    hours: HoursIn | None = None
    forgotten_after_s: Annotated[int, Field(ge=0, le=MAX_FORGOTTEN_S)] = FORGOTTEN_AFTER_S
    overrule: Annotated[ShortText, Field(description="Why to save it although somebody can not be reached.")] = ""


class PolicyOut(Schema):
    """A policy as it is now, what it does in words, and what in it can never happen."""

    id: int
    name: str
    slug: str
    version: int
    repeat: int
    is_fallback: bool
    steps: list[dict[str, object]]
    when_nobody: str
    earlier_steps: str
    urgency: str
    hours: dict[str, object]
    forgotten_after_s: int


class PolicyDetail(PolicyOut):
    """A policy with what it does in words, and what in it can never happen."""

    words: list[str]
    warnings: list[str]


class VersionOut(Schema):
    """One version of a policy as it was saved. A running page keeps the version it started with."""

    version: int
    at: datetime
    by: str
    name: str
    repeat: int
    steps: list[dict[str, object]]


class NotificationOut(Schema):
    """One attempt. The three facts are kept apart."""

    channel: str
    state: str
    attempts: int
    may_repeat: bool
    error: str
    handed_over_at: datetime | None
    received_at: datetime | None
    confirmed_at: datetime | None


class ReachedOut(Schema):
    """Whom a page reached out to."""

    person_id: int
    person: str
    why: str
    at: datetime
    answer: str
    notifications: list[NotificationOut]


class PageOut(Schema):
    """A page, briefly."""

    id: int
    title: str
    severity: str
    urgency: str
    state: str
    created_at: datetime
    next_step_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    held_since: datetime | None
    link: str


class PageDetail(PageOut):
    """A page with its whole history."""

    text: str
    next_words: str
    reached: list[ReachedOut]
    without_database: list[MessageOfLastResort] = []


class PageIn(Body):
    """A page by hand: by a policy, to a person or to a team. Exactly one of the three.

    Without an urgency it is high; a policy decides by itself.
    """

    title: Line
    text: Text = ""
    policy: Slug | None = None
    person_id: Id | None = None
    team: Slug | None = None
    urgency: Urgency | None = None
    incident_id: Annotated[Id | None, Field(description="An open incident whose room follows the page.")] = None


class BusyOut(Schema):
    """One thing that a person is in now."""

    words: str
    link: str


class MissOut(Schema):
    """One time that a page did not go out within a minute, and why."""

    page: int
    person: int
    at: datetime
    why: str


class PromisesOut(Schema):
    """The two numbers to publish. Intake is counted by this process since it started; pages by the last `days`."""

    days: int
    pages_due: int
    pages_in_time: int
    pages_share: float
    misses: list[MissOut]
    intake_accepted: int
    intake_failed: int
    intake_refused: int
    intake_share: float


class MemberOut(Schema):
    """Somebody who may be paged, and how well they can be reached."""

    person_id: int
    person: str
    is_ready: bool
    is_blocked: bool
    problems: list[str]
    of: list[str]


class AppointmentIn(Body):
    """When: weekly at a time of the person's zone, or some hours before each of their shifts."""

    kind: Literal["weekly", "shift"] = "weekly"
    weekday: Annotated[int, Field(ge=0, le=6)] = 1
    at: Clock = "14:00"
    hours_before: Annotated[int, Field(ge=1, le=168)] = 24


class AppointmentOut(AppointmentIn):
    """An appointment, with how its last test went: `passed` is empty until then."""

    tested_at: datetime | None
    passed: bool | None


class SnoozeIn(Body):
    """Until when."""

    until: When


class HandOnIn(Body):
    """To whom."""

    person_id: Id


class AddIn(Body):
    """Who is asked as well."""

    person_ids: Annotated[list[Id], Field(min_length=1, max_length=20)]


class RuleIn(Body):
    """One way to be tried, after a wait in seconds."""

    contact_method_id: Id
    delay_s: Annotated[int, Field(ge=0, le=actions.MAX_WAIT_S)] = 0


class RulesOut(Schema):
    """The rules as saved."""

    rules: list[RuleIn]


@router.get("/policies", response=list[PolicyOut], operation_id="list_policies", summary="All policies")
def list_policies(request: HttpRequest) -> list[PolicyOut]:
    """Return every policy with its steps."""
    return [_policy_out(policy) for policy in Policy.objects.order_by("name")]


@router.post("/policies", response={201: PolicyDetail}, operation_id="save_policy", summary="Make or change a policy")
def save_policy(request: HttpRequest, data: PolicyIn) -> Status[PolicyDetail]:
    """Make a policy, or a new version of the one with this slug. Running pages keep theirs.

    409 `not_ready` when somebody in it can not be reached; `overrule` with a reason saves it all the same.
    """
    require_scope(request, Scope.CONFIGURE)
    team = _team(data.team, "team") if data.team else None
    steps = [
        actions.StepDraft(
            step.wait_s,
            tuple(_target(t, f"steps[{n}].targets[{m}]") for m, t in enumerate(step.targets)),
            step.acknowledge,
        )
        for n, step in enumerate(data.steps)
    ]
    policy = readiness.save_policy(
        slug=data.slug,
        name=data.name,
        team=team,
        repeat=data.repeat,
        steps=steps,
        actor=principal(request).actor,
        choices=_choices(data),
        overrule=data.overrule,
    )
    return Status(201, _policy_detail(policy))


@router.get("/policies/{slug}", response=PolicyDetail, operation_id="get_policy", summary="One policy, in words too")
def get_policy(request: HttpRequest, slug: Slug) -> PolicyDetail:
    """Return a policy, what it does in words, and what in it can never happen."""
    return _policy_detail(_policy(slug))


@router.get(
    "/policies/{slug}/versions", response=list[VersionOut], operation_id="list_policy_versions", summary="Its versions"
)
def list_policy_versions(request: HttpRequest, slug: Slug, limit: Limit = 100) -> list[VersionOut]:
    """Return every version of a policy as it was saved, newest first."""
    return [
        VersionOut.model_validate({**event.data, "at": event.at, "by": event.actor})
        for event in foresight.versions(_policy(slug))[:limit]
    ]


def _policy(slug: str) -> Policy:
    found = Policy.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such policy.")
    return found


def _choices(data: PolicyIn) -> actions.Choices:
    hours = None
    if data.hours is not None:
        since, until = time.fromisoformat(data.hours.since), time.fromisoformat(data.hours.until)
        hours = Hours(data.hours.zone, tuple(sorted(set(data.hours.days))), since, until)
    return actions.Choices(data.when_nobody, data.earlier_steps, data.urgency, hours, data.forgotten_after_s)


def _policy_out(policy: Policy) -> PolicyOut:
    return PolicyOut.model_validate(_policy_fields(policy))


def _policy_detail(policy: Policy) -> PolicyDetail:
    plan = queries.plan_of(policy)
    words = foresight.words_of(plan, policy.urgency)
    unready = [item.words for item in readiness.of_plan(plan) if not item.is_ready]
    warnings = [*foresight.never_reached(plan, policy.urgency), *unready]
    return PolicyDetail.model_validate(_policy_fields(policy) | {"words": words, "warnings": warnings})


def _policy_fields(policy: Policy) -> dict[str, object]:
    plan = queries.plan_of(policy).as_json()
    of_plan = ("steps", "when_nobody", "earlier_steps", "hours", "forgotten_after_s")
    return {
        "id": policy.pk,
        "name": policy.name,
        "slug": policy.slug,
        "version": policy.version,
        "repeat": policy.repeat,
        "is_fallback": policy.is_fallback,
        "urgency": policy.urgency,
        **{name: plan[name] for name in of_plan},
    }


def _target(target: TargetIn, field: str) -> Target:
    if target.type == "webhook":
        http.check_url(target.url, f"{field}.url")
        return Target("webhook", 0, target.url)
    by_id = {"pk": target.id} if isinstance(target.id, int) else {"slug": target.id}
    found: Schedule | Person | Team | None = None
    match target.type:
        case "schedule":
            found = Schedule.objects.filter(**by_id).first()
        case "team":
            found = Team.objects.filter(**by_id).first()
        case "person":
            found = Person.objects.filter(pk=target.id).first() if isinstance(target.id, int) else None
    if found is None:
        raise BadInput(f"{field}.id", f"there is no such {target.type}", status=422)
    return Target(target.type, found.pk)


def _team(slug: str, field: str) -> Team:
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise BadInput(field, "there is no such team", status=422)
    return team


@router.get("/pages", response=list[PageOut], operation_id="list_pages", summary="Pages, newest first")
def list_pages(
    request: HttpRequest, state: Literal["", "open", "live", "old", "all"] = "", before: Cursor = 0, limit: Limit = 100
) -> list[PageOut]:
    """Return pages: `open` ones want somebody, `live` ones are not over, `old` ones somebody took long ago.

    `before` is the id to go on from.
    """
    kinds = {"open": queries.open_pages, "live": queries.live_pages, "old": queries.long_ago}
    found = kinds.get(state, queries.pages)()
    found = found.select_related("acknowledged_by").filter(is_test=False)
    return [_page_out(page) for page in (found.filter(pk__lt=before) if before else found)[:limit]]


@router.post("/pages", response={201: PageOut}, operation_id="page", summary="Page somebody by hand")
def page(request: HttpRequest, data: PageIn) -> Status[PageOut]:
    """Page by a policy, a person, or a whole team; the room of an incident, if one is named, follows the page."""
    require_scope(request, Scope.PAGE)
    by = principal(request).person
    words = actions.Words(data.title, data.text)
    if [data.policy, data.person_id, data.team].count(None) != 2:
        raise BadInput("policy", "name exactly one of policy, person_id or team", status=422)
    wanted = room(data.incident_id) if data.incident_id is not None else None
    return Status(201, _page_out(page_for(wanted, _by_hand(data, words, by), by=by)))


def _by_hand(data: PageIn, words: actions.Words, by: Person | None) -> Callable[[actions.Reason], Page]:
    """Return what pages whom a caller named, for a reason. Raises BadInput."""
    urgency = data.urgency or Urgency.HIGH
    if data.person_id is not None:
        person = Person.objects.filter(pk=data.person_id, is_active=True).first()
        if person is None:
            raise BadInput("person_id", "there is no such person", status=422)
        return lambda reason: actions.page_people([person], words, reason=reason, by=by, urgency=urgency)
    if data.team is not None:
        team = _team(data.team, "team")
        return lambda reason: actions.page_team(team, words, reason=reason, by=by, urgency=urgency)
    policy = Policy.objects.filter(slug=data.policy).first()
    if policy is None:
        raise BadInput("policy", "there is no such policy", status=422)
    actor = by or timeline.SYSTEM
    return lambda reason: actions.start(policy, words, reason=reason, actor=actor, urgency=data.urgency)


@router.get("/pages/{page_id}", response=PageDetail, operation_id="get_page", summary="One page with its history")
def get_page(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Return whom it reached, how, and what they said."""
    return _detail(_page(page_id))


@router.post("/pages/{page_id}/acknowledge", response=PageDetail, operation_id="acknowledge", summary="I have it")
def acknowledge(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Take a page. Safe to repeat; 409 when somebody else has it."""
    return _detail(actions.acknowledge(_page(page_id), by=responder(request), via=actions.Via.REST))


@router.post("/pages/{page_id}/join", response=PageDetail, operation_id="join_page", summary="They have it, I join")
def join(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Join whoever has it."""
    return _detail(actions.join(_page(page_id), by=responder(request), via=actions.Via.REST))


@router.post(
    "/pages/{page_id}/pass-on", response=PageDetail, operation_id="pass_page_on", summary="I can not, pass it on"
)
def pass_on(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Let the next person be tried at once."""
    return _detail(actions.pass_on(_page(page_id), by=responder(request), via=actions.Via.REST))


@router.get("/promises", response=PromisesOut, operation_id="promises", summary="The two numbers to publish")
def show_promises(request: HttpRequest, days: Annotated[int, Query(ge=1, le=366)] = 30) -> PromisesOut:
    """Return the share of intake accepted, and of due pages handed over within a minute; each miss with why."""
    at = now()
    found, intake = promises.paged(at - timedelta(days=days), at), promises.accepted()
    return PromisesOut(
        days=days,
        pages_due=found.due,
        pages_in_time=found.kept,
        pages_share=found.share,
        misses=[MissOut.model_validate(miss, from_attributes=True) for miss in found.misses],
        intake_accepted=intake.accepted,
        intake_failed=intake.failed,
        intake_refused=intake.refused,
        intake_share=intake.share,
    )


@router.get("/readiness", response=list[MemberOut], operation_id="list_readiness", summary="Who can be reached")
def list_readiness(request: HttpRequest) -> list[MemberOut]:
    """Return everybody whom a policy or a rota may page, those who can not be reached first."""
    return [
        MemberOut(
            person_id=member.readiness.person.pk,
            person=member.readiness.person.name,
            is_ready=member.readiness.is_ready,
            is_blocked=member.readiness.is_blocked,
            problems=[problem.words for problem in member.readiness.problems],
            of=list(member.of),
        )
        for member in readiness.overview()
    ]


@router.put(
    "/people/{person_id}/test-appointment",
    response=AppointmentOut,
    operation_id="agree_test",
    summary="Test a person by appointment",
)
def agree_test(request: HttpRequest, person_id: Cursor, data: AppointmentIn) -> AppointmentOut:
    """Set when each of a person's ways is tested: one's own, or anybody's with the configure scope."""
    person, by = _own_or_configured(request, person_id)
    found = appointments.agree(
        person,
        kind=data.kind,
        weekday=data.weekday,
        at=time.fromisoformat(data.at),
        hours_before=data.hours_before,
        by=by,
    )
    return AppointmentOut.model_validate({**data.model_dump(), "tested_at": found.tested_at, "passed": found.passed})


@router.delete(
    "/people/{person_id}/test-appointment", response={204: None}, operation_id="call_test_off", summary="No more tests"
)
def call_test_off(request: HttpRequest, person_id: Cursor) -> Status[None]:
    """End a person's tests by appointment."""
    person, by = _own_or_configured(request, person_id)
    appointments.call_off(person, by=by)
    return Status(204, None)


def _own_or_configured(request: HttpRequest, person_id: int) -> tuple[Person, Person | None]:
    who = principal(request)
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    own = who.person is not None and who.person.pk == person.pk
    require_scope(request, Scope.RESPOND if own else Scope.CONFIGURE)
    return person, who.person


@router.get(
    "/people/{person_id}/busy", response=list[BusyOut], operation_id="busy_with", summary="What a person is in now"
)
def busy(request: HttpRequest, person_id: Cursor) -> list[BusyOut]:
    """Return the pages that a person has and the open rooms that they are in: look before you page them."""
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    return [BusyOut(words=item.words, link=item.link) for item in busy_with([person])[person.pk]]


@router.get(
    "/people/{person_id}/notification-rules",
    response=RulesOut,
    operation_id="list_rules",
    summary="The rules by which a person is reached",
)
def list_rules(request: HttpRequest, person_id: Cursor, urgency: Urgency = Urgency.HIGH) -> RulesOut:
    """Return the rules for an urgency, in order: one's own, or anybody's with the configure scope."""
    rules = NotificationRule.objects.filter(person=own(request, person_id), urgency=urgency).order_by("position", "pk")
    return RulesOut(rules=[RuleIn(contact_method_id=rule.contact_id, delay_s=rule.delay_s) for rule in rules])


@router.put(
    "/people/{person_id}/notification-rules",
    response=RulesOut,
    operation_id="set_rules",
    summary="How a person is reached",
)
def set_rules(request: HttpRequest, person_id: Cursor, data: list[RuleIn], urgency: Urgency = Urgency.HIGH) -> RulesOut:
    """Replace a person's rules for an urgency: one's own, or anybody's with the configure scope."""
    who = principal(request)
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    if who.person is None or who.person.pk != person.pk:
        require_scope(request, Scope.CONFIGURE)
        _shield_administrator(who.person, person)
    else:
        require_scope(request, Scope.RESPOND)
    rules = [(rule.contact_method_id, rule.delay_s) for rule in data[:50]]
    actions.set_rules(person, rules, by=who.person, urgency=urgency)
    return RulesOut(rules=data[:50])


@router.post("/pages/{page_id}/snooze", response=PageDetail, operation_id="snooze_page", summary="I have it, later")
def snooze(request: HttpRequest, page_id: Cursor, data: SnoozeIn) -> PageDetail:
    """Take a page and let it come back at a time, to you first."""
    by = responder(request)
    return _detail(returning.snooze(_page(page_id), until=data.until, by=by, via=actions.Via.REST))


@router.post("/pages/{page_id}/give-back", response=PageDetail, operation_id="give_page_back", summary="Take it back")
def give_back(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Take an acknowledgement back: the page begins again at once."""
    return _detail(returning.give_back(_page(page_id), by=responder(request)))


@router.post("/pages/{page_id}/hand-on", response=PageDetail, operation_id="hand_page_on", summary="Hand it on")
def hand_on(request: HttpRequest, page_id: Cursor, data: HandOnIn) -> PageDetail:
    """Hand a page on to a named person; they are asked at once."""
    person = _person(data.person_id, "person_id")
    return _detail(returning.hand_on(_page(page_id), to=person, by=responder(request)))


@router.post("/pages/{page_id}/people", response=PageDetail, operation_id="add_people_to_page", summary="Ask more")
def add_people(request: HttpRequest, page_id: Cursor, data: AddIn) -> PageDetail:
    """Ask more people to a page, whoever has it already."""
    by = responder(request)
    people = [_person(pk, f"person_ids[{number}]") for number, pk in enumerate(data.person_ids)]
    found = _page(page_id)
    returning.add_people(found, people, by=by)
    return _detail(found)


def _person(pk: int, field: str) -> Person:
    found = Person.objects.filter(pk=pk, is_active=True).first()
    if found is None:
        raise BadInput(field, "there is no such person", status=422)
    return found


def _shield_administrator(caller: Person | None, person: Person) -> None:
    """Let only an administrator decide how another one is reached; else a manager could keep them asleep."""
    if person.role == Person.Role.ADMINISTRATOR and (caller is None or caller.role != Person.Role.ADMINISTRATOR):
        raise NotAllowed("Only an administrator can change this for an administrator.", who="Administrators")


def _page(page_id: int) -> Page:
    found = queries.pages().filter(pk=page_id).first()
    if found is None:
        raise NotFound("There is no such page.")
    return found


def _page_out(page: Page) -> PageOut:
    return PageOut.model_validate(_fields(page))


def _fields(page: Page) -> dict[str, object]:
    return {
        "id": page.pk,
        "title": page.title,
        "severity": page.severity,
        "urgency": page.urgency,
        "state": page.state,
        "created_at": page.created_at,
        "next_step_at": page.next_step_at,
        "acknowledged_at": page.acknowledged_at,
        "acknowledged_by": page.acknowledged_by.name if page.acknowledged_by else None,
        "snoozed_until": page.snoozed_until,
        "held_since": page.held_since,
        "link": page.link,
    }


def _detail(page: Page) -> PageDetail:
    page.refresh_from_db()
    reached = [
        ReachedOut(
            person_id=item.person_id,
            person=item.person.name,
            why=item.why,
            at=item.at,
            answer=item.answer,
            notifications=[
                NotificationOut.model_validate(one, from_attributes=True) for one in item.notifications.all()
            ],
        )
        for item in queries.history(page)
    ]
    without = [item.model_dump() for item in last_resort.messages(page)]
    more: dict[str, object] = {"text": page.text, "next_words": queries.next_words(page), "reached": reached}
    more["without_database"] = without
    return PageDetail.model_validate(_fields(page) | more)

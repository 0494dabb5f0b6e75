"""REST of whom raglan can reach, and how: readiness, tests by appointment, rules, what somebody is in, promises."""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Status
from pydantic import Field

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Clock, Cursor, Id
from raglan.paging import actions, appointments, promises, readiness
from raglan.paging.busy import busy_with
from raglan.paging.models import NotificationRule
from raglan.paging.plan import Urgency
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person
from raglan.people.rest.caller import own, shield_administrator

router = Router(tags=["paging"])
MOST_RULES = 50


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


class RuleIn(Body):
    """One way to be tried, after a wait in seconds."""

    contact_method_id: Id
    delay_s: Annotated[int, Field(ge=0, le=actions.MAX_WAIT_S)] = 0


class RulesOut(Schema):
    """The rules as saved."""

    rules: list[RuleIn]


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
        shield_administrator(who.person, person)
    else:
        require_scope(request, Scope.RESPOND)
    if len(data) > MOST_RULES:
        raise BadInput("rules", f"at most {MOST_RULES} rules", status=422)
    rules = [(rule.contact_method_id, rule.delay_s) for rule in data]
    actions.set_rules(person, rules, by=who.person, urgency=urgency)
    return RulesOut(rules=data)

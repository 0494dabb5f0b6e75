"""REST of policies: who is asked when, in steps and versions."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import MAX_ID, Body, Clock, Limit, Line, ShortText, Slug
from raglan.oncall.models import Schedule
from raglan.paging import actions, foresight, queries, readiness
from raglan.paging.hours import Hours
from raglan.paging.models import Policy
from raglan.paging.plan import FORGOTTEN_AFTER_S, ONLY_TOLD, Acknowledge, EarlierSteps, Target, WhenNobody
from raglan.paging.policies import MAX_FORGOTTEN_S, check_told
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team
from raglan.people.queries import named_team

router = Router(tags=["paging"])


class TargetIn(Body):
    """Whom a step pages. Schedules and teams may be named by slug or id; a webhook has an address instead.

    A chat has the id of its connection, and the name of a room as it is written there, such as `#operations`.
    """

    type: Literal["schedule", "person", "team", "webhook", "chat"]
    id: Annotated[int, Field(ge=1, le=MAX_ID)] | Slug | None = None
    url: ShortText = ""
    room: ShortText = ""


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
    team = named_team(data.team)
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
        VersionOut.model_validate({**event.data, "steps": _steps_out(event.data), "at": event.at, "by": event.actor})
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
    warnings = [*foresight.warnings(plan, policy.urgency), *unready]
    return PolicyDetail.model_validate(_policy_fields(policy) | {"words": words, "warnings": warnings})


def _policy_fields(policy: Policy) -> dict[str, object]:
    plan = queries.plan_of(policy).as_json()
    of_plan = ("when_nobody", "earlier_steps", "hours", "forgotten_after_s")
    return {
        "id": policy.pk,
        "name": policy.name,
        "slug": policy.slug,
        "version": policy.version,
        "repeat": policy.repeat,
        "is_fallback": policy.is_fallback,
        "urgency": policy.urgency,
        **{name: plan[name] for name in of_plan},
        "steps": _steps_out(plan),
    }


def _steps_out(plan: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the steps of what is stored as they are given: a chat has the id of its connection."""
    steps = plan["steps"]
    return [
        {**step, "targets": [_target_out(target) for target in step["targets"]]}
        for step in (steps if isinstance(steps, list) else [])
    ]


def _target_out(stored: Mapping[str, object]) -> dict[str, object]:
    number = stored.get("chat") or stored["id"]
    return {**{name: value for name, value in stored.items() if name != "chat"}, "id": number}


def _target(target: TargetIn, field: str) -> Target:
    if target.type in ONLY_TOLD:
        number = target.id if isinstance(target.id, int) else 0
        told = {"webhook": Target("webhook", 0, target.url), "chat": Target("chat", number, room=target.room.strip())}
        check_told(told[target.type], field)
        return told[target.type]
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

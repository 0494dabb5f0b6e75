"""REST of schedules as code: export, plan and import."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from pydantic import Field

from raglan.core.clock import now
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, ShortText, Slug
from raglan.oncall import as_code, code_out, importing, queries, written
from raglan.oncall.rest_shapes import MAX_DAYS, OnCallPersonOut, people_out
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person

router = Router(tags=["on call"])


class CodeIn(Body):
    """A schedule in its written form, YAML or JSON."""

    text: Annotated[str, Field(max_length=written.MAX_BYTES)]


class PlanIn(CodeIn):
    """A written schedule, and how many days ahead to look."""

    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 56


class ImportIn(CodeIn):
    """A written schedule that is to count; `overrule` says why, although somebody in it can not be reached."""

    overrule: ShortText = ""


class CodeOut(Schema):
    """A schedule in its written form."""

    text: str


class MoveOut(Schema):
    """A time at which somebody else would be on call."""

    starts_at: datetime
    ends_at: datetime
    before: list[OnCallPersonOut]
    after: list[OnCallPersonOut]


class StepsOut(Schema):
    """What a file changed, step by step."""

    schedule: str
    steps: list[str]


class PlanOut(StepsOut):
    """What a file would change, which shifts would move, and who in it can not be reached."""

    moves: list[MoveOut]
    unready: list[str]


@router.get("/schedules/{slug}/code", response=CodeOut, operation_id="export_schedule", summary="A schedule as a file")
def export_schedule(request: HttpRequest, slug: Slug) -> CodeOut:
    """Return a schedule in its written form, with the turn orders and overrides that are not over.

    Who may configure gets people by mail address, anybody else by name.
    """
    may_configure = Scope.CONFIGURE in principal(request).scopes
    document = importing.document_of(queries.schedule(slug, since=now()), with_addresses=may_configure)
    return CodeOut(text=code_out.write(document))


@router.post("/on-call/plan", response=PlanOut, operation_id="plan_schedule", summary="What a file would change")
def plan_schedule(request: HttpRequest, data: PlanIn) -> PlanOut:
    """Return what an import would do and which shifts would move; nothing is saved."""
    require_scope(request, Scope.CONFIGURE)
    asks = principal(request)
    outcome = importing.plan(as_code.read(data.text), by=asks.person, actor=asks.actor, days=data.days)
    people = Person.objects.in_bulk({pk for move in outcome.moves for pk in (*move.before, *move.after)})
    moves = [
        MoveOut(
            starts_at=move.starts_at,
            ends_at=move.ends_at,
            before=people_out(tuple(people[pk] for pk in move.before)),
            after=people_out(tuple(people[pk] for pk in move.after)),
        )
        for move in outcome.moves
    ]
    return PlanOut(
        schedule=outcome.slug, steps=outcome.steps, moves=moves, unready=[item.words for item in outcome.unready]
    )


@router.post("/on-call/import", response=StepsOut, operation_id="import_schedule", summary="Let a file count")
def import_schedule(request: HttpRequest, data: ImportIn) -> StepsOut:
    """Let a schedule be as a file says, from now on; what was stays as it was. Safe to send twice.

    409 `not_ready` when somebody in a new turn order can not be reached; `overrule` with a reason saves it.
    """
    require_scope(request, Scope.CONFIGURE)
    asks = principal(request)
    outcome = importing.take_over(as_code.read(data.text), by=asks.person, actor=asks.actor, overrule=data.overrule)
    return StepsOut(schedule=outcome.slug, steps=outcome.steps)

"""REST of processes: write them, note a step that was not taken, read the tally."""

from datetime import date, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, Field, StringConstraints

from raglan.config import config
from raglan.core.decode import clean_text
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit, Line, ShortText, Slug, Text
from raglan.people.access import Scope, principal, require_scope
from raglan.people.queries import named_team
from raglan.processes import actions, queries, skipping, steps
from raglan.processes.interview_rest import router as talks
from raglan.processes.models import Process
from raglan.processes.trying_rest import router as trying

router = Router(tags=["processes"])
router.add_router("", trying)
router.add_router("", talks)
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(clean_text)
]
Minutes = Annotated[int, Field(ge=0, le=steps.MOST_MINUTES)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Why = Literal["too_slow", "blocked", "not_applicable", "did_not_know", "tool_broken", "not_worth_it", "other"]


class ProcessStepIn(Body):
    """One step, with the minutes that it takes as somebody guesses."""

    title: Title
    minutes: Minutes | None = None


class ProcessIn(Body):
    """A process as somebody wrote it; the steps are all of them."""

    title: Title
    outcome: Annotated[Text, Field(min_length=1, max_length=actions.MAX_OUTCOME)]
    steps: Annotated[list[ProcessStepIn], Field(min_length=1, max_length=steps.MOST)]
    team: Slug | None = None


class ProcessChange(ProcessIn):
    """A process as it is to be, and the version that it was changed from."""

    version: Number


class RethoughtIn(Body):
    """What came of asking again what a process is for."""

    words: Line


class SkipNoteIn(Body):
    """Which step was not taken, and why. There is no field for who."""

    step: Number
    why: Why
    minutes: Minutes | None = None
    words: Annotated[ShortText, Field(max_length=skipping.MOST_WORDS)] = ""


class SkippedOut(Schema):
    """That a note is kept. It has no number: nothing leads back to it."""

    kept: bool
    message: str


class ProcessOut(Schema):
    """A process, briefly."""

    slug: str
    title: str
    outcome: str
    team: str | None
    version: int
    rethought_on: date | None
    updated_at: datetime
    is_removed: bool
    url: str


class SkipReasonOut(Schema):
    """A reason, and a multiple of five that at least so many notes gave."""

    reason: str
    at_least: int


class StepTallyOut(Schema):
    """A step with its tally. Below five notes the tally is null: too few to show."""

    number: int
    title: str
    minutes: int | None
    notes: int | None
    reasons: list[SkipReasonOut]
    minutes_told: int | None
    words: list[str]
    notes_earlier: int | None


class ProcessDetail(ProcessOut):
    """A process with its steps and their tallies."""

    steps: list[StepTallyOut]


class ProcessVersionOut(Schema):
    """A process as it was."""

    version: int
    title: str
    outcome: str
    steps: list[dict[str, str | int | None]]
    at: datetime
    by: str


@router.get("/processes", response=list[ProcessOut], operation_id="list_processes", summary="Processes")
def list_processes(
    request: HttpRequest, q: ShortText = "", removed: bool = False, after: Cursor = 0, limit: Limit = 100
) -> list[ProcessOut]:
    """Return processes by title, found by words; `after` is how many to pass over."""
    found = queries.search(q, removed=removed)
    return [ProcessOut.model_validate(_brief(one)) for one in found[after : after + limit]]


@router.post("/processes", response={201: ProcessDetail}, operation_id="write_process", summary="Write a process")
def write_process(request: HttpRequest, data: ProcessIn) -> Status[ProcessDetail]:
    """Write a new process."""
    made = actions.write_new(_draft(data), writer=_writer(request))
    return Status(201, _detail(queries.process(made.slug)))


@router.get("/processes/{slug}", response=ProcessDetail, operation_id="get_process", summary="One process")
def get_process(request: HttpRequest, slug: Slug) -> ProcessDetail:
    """Return a process with what may be shown of the notes on its steps."""
    return _detail(queries.process(slug))


@router.put("/processes/{slug}", response=ProcessDetail, operation_id="change_process", summary="Change a process")
def change_process(request: HttpRequest, slug: Slug, data: ProcessChange) -> ProcessDetail:
    """Write a process anew; the earlier text stays readable."""
    writer = _writer(request)
    actions.rewrite(queries.process(slug), _draft(data), seen_version=data.version, writer=writer)
    return _detail(queries.process(slug))


@router.delete("/processes/{slug}", response=ProcessOut, operation_id="remove_process", summary="Remove a process")
def remove_process(request: HttpRequest, slug: Slug) -> ProcessOut:
    """Take a process out of use; it can be brought back."""
    actions.remove(queries.process(slug), writer=_writer(request))
    return ProcessOut.model_validate(_brief(queries.process(slug)))


@router.post(
    "/processes/{slug}/bring-back", response=ProcessOut, operation_id="bring_process_back", summary="Bring it back"
)
def bring_process_back(request: HttpRequest, slug: Slug) -> ProcessOut:
    """Put a removed process into use again."""
    actions.bring_back(queries.process(slug), writer=_writer(request))
    return ProcessOut.model_validate(_brief(queries.process(slug)))


@router.post(
    "/processes/{slug}/rethought", response=ProcessDetail, operation_id="rethink_process", summary="It was rethought"
)
def rethink_process(request: HttpRequest, slug: Slug, data: RethoughtIn) -> ProcessDetail:
    """Keep that people asked again what a process is for; its tally begins anew."""
    actions.rethink(queries.process(slug), data.words, writer=_writer(request))
    return _detail(queries.process(slug))


@router.get(
    "/processes/{slug}/versions",
    response=list[ProcessVersionOut],
    operation_id="list_process_versions",
    summary="All versions of a process",
)
def list_process_versions(
    request: HttpRequest, slug: Slug, before: Cursor = 0, limit: Limit = 20
) -> list[ProcessVersionOut]:
    """Return versions, newest first; `before` is the version to go on from."""
    found = queries.versions(queries.process(slug))
    return [
        ProcessVersionOut(
            version=one.version,
            title=one.title,
            outcome=one.outcome,
            steps=one.steps,
            at=one.at,
            by=one.by.name if one.by else "",
        )
        for one in (found.filter(version__lt=before) if before else found)[:limit]
    ]


@router.post(
    "/processes/{slug}/skip-notes",
    response={202: SkippedOut},
    operation_id="skip_step",
    summary="Note a step that was not taken",
)
def skip_step(request: HttpRequest, slug: Slug, data: SkipNoteIn) -> Status[SkippedOut]:
    """Keep an unsigned note. Whose token it was is not read, and not kept."""
    step = queries.step(queries.process(slug), data.step)
    skipping.note(step, skipping.Skipped(data.why, data.minutes, data.words))
    told = "Kept, unsigned. Notes are counted at night, once five or more wait on one step; then they show together."
    return Status(202, SkippedOut(kept=True, message=told))


def _writer(request: HttpRequest) -> actions.Writer:
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    return actions.Writer(who.actor, who.person)


def _draft(data: ProcessIn) -> actions.Draft:
    team = named_team(data.team)
    drafts = [steps.StepDraft(one.title, one.minutes) for one in data.steps]
    return actions.Draft(data.title, data.outcome.replace("\r\n", "\n"), drafts, team)


def _brief(one: Process) -> dict[str, object]:
    return {
        "slug": one.slug,
        "title": one.title,
        "outcome": one.outcome,
        "team": one.team.slug if one.team else None,
        "version": one.version,
        "rethought_on": one.rethought_on,
        "updated_at": one.updated_at,
        "is_removed": one.removed_at is not None,
        "url": f"{config().public_url}/processes/{one.slug}/",
    }


def _detail(one: Process) -> ProcessDetail:
    return ProcessDetail.model_validate({**_brief(one), "steps": [_step(tally) for tally in skipping.tallies(one)]})


def _step(tally: skipping.Tally) -> dict[str, object]:
    return {
        "number": tally.step.place,
        "title": tally.step.title,
        "minutes": tally.step.minutes,
        "notes": tally.notes or None,
        "reasons": [{"reason": one.words, "at_least": one.at_least} for one in tally.reasons],
        "minutes_told": tally.minutes,
        "words": list(tally.words),
        "notes_earlier": tally.earlier or None,
    }

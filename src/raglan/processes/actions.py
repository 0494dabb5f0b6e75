"""Verbs of processes: write, remove, bring back, rethink. All ways in (screen, REST) call these."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.core.slugs import free_slug
from raglan.people.models import Person, Team
from raglan.processes import events, steps
from raglan.processes.models import Process, ProcessStep, ProcessVersion, SkipNote
from raglan.processes.steps import StepDraft

MAX_TITLE = 200
MAX_OUTCOME = 2_000
MAX_WORDS = 300
TAKEN = frozenset(("new", "kitchen", "interviews", "experiments"))  # screens beside those of processes


@dataclass(frozen=True, slots=True)
class Draft:
    """A process as somebody wrote it; the steps are all of them."""

    title: str
    outcome: str
    steps: Sequence[StepDraft]
    team: Team | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: an actor for the record, and the person where there is one."""

    actor: timeline.Subject
    person: Person | None = None


def by(person: Person) -> Writer:
    """Return a person as the one who writes."""
    return Writer(person, person)


@atomic
def write_new(draft: Draft, *, writer: Writer) -> Process:
    """Write a new process. Raises BadInput naming the field."""
    _check(draft)
    slug = free_slug(Process.objects.all(), draft.title, otherwise="process", reserved=TAKEN)
    process = Process.objects.create(
        slug=slug,
        title="",
        outcome="",
        updated_at=now(),
    )
    return _write(process, draft, writer)


@atomic
def rewrite(process: Process, draft: Draft, *, seen_version: int, writer: Writer) -> Process:
    """Write a process anew; the earlier text stays readable. The same again changes nothing.

    Raises BadInput, and Conflict when somebody else was faster.
    """
    _check(draft)
    process = locked(process)
    if process.removed_at is not None:
        raise Conflict("This process was removed. Bring it back to change it.")
    if process.version != seen_version:
        raise Conflict("Somebody changed this process meanwhile.")
    return process if _is_same(process, draft) else _write(process, draft, writer)


def locked(process: Process) -> Process:
    """Return a process as it is now, held until the end of the transaction."""
    return Process.objects.select_for_update(no_key=True).get(pk=process.pk)


def standing(process: Process) -> list[ProcessStep]:
    """Return the steps that a process has now, in order."""
    return list(ProcessStep.objects.filter(process=process, removed_at__isnull=True).order_by("place", "pk"))


def _check(draft: Draft) -> None:
    if not draft.title.strip():
        raise BadInput("title", "give it a title that says what is done", status=422)
    if len(draft.title.strip()) > MAX_TITLE:
        raise BadInput("title", f"at most {MAX_TITLE} characters", status=422)
    if not draft.outcome.strip():
        raise BadInput("outcome", "say what it is for: what is better when it is done this way", status=422)
    if len(draft.outcome.strip()) > MAX_OUTCOME:
        raise BadInput("outcome", f"at most {MAX_OUTCOME} characters", status=422)
    steps.check(draft.steps)


def _is_same(process: Process, draft: Draft) -> bool:
    return (process.title, process.outcome, process.team_id) == (
        draft.title.strip(),
        draft.outcome.strip(),
        draft.team.pk if draft.team else None,
    ) and [(one.title, one.minutes) for one in standing(process)] == [
        (one.title.strip(), one.minutes) for one in draft.steps
    ]


def _write(process: Process, draft: Draft, writer: Writer) -> Process:
    at = now()
    process.title, process.outcome, process.team = draft.title.strip(), draft.outcome.strip(), draft.team
    process.version += 1
    process.updated_at, process.updated_by = at, writer.person
    process.save()
    kept, gone = _write_steps(process, draft.steps)
    ProcessVersion.objects.create(
        process=process,
        version=process.version,
        title=process.title,
        outcome=process.outcome,
        steps=[{"title": step.title, "minutes": step.minutes} for step in kept],
        at=at,
        by=writer.person,
    )
    written = events.ProcessWritten(
        process=process.pk,
        slug=process.slug,
        title=process.title,
        outcome=process.outcome,
        team=process.team_id,
        version=process.version,
        steps=[{"step": one.pk, "place": one.place, "title": one.title, "minutes": one.minutes} for one in kept],
        gone=gone,
        person=writer.person.pk if writer.person else None,
        written_at=at,
    )
    timeline.append(written, actor=writer.actor, about=[process, "processes"])
    return process


def _write_steps(process: Process, drafts: Sequence[StepDraft]) -> tuple[list[ProcessStep], list[int]]:
    """Give a process its steps; return them, and the keys of those that it has no more."""
    old, before = standing(process), _gone(process)
    goes_on = steps.matched([step.title for step in old], [draft.title.strip() for draft in drafts])
    kept: list[ProcessStep] = []
    for place, (draft, at) in enumerate(zip(drafts, goes_on, strict=True), 1):
        title = draft.title.strip()
        step = before.get(title.casefold(), ProcessStep(process=process)) if at is None else old[at]
        step.place, step.title, step.minutes, step.removed_at = place, title, draft.minutes, None
        step.save()
        kept.append(step)
    gone = sorted({step.pk for step in old} - {step.pk for step in kept})
    ProcessStep.objects.filter(pk__in=gone).update(removed_at=process.updated_at)
    return kept, gone


def _gone(process: Process) -> dict[str, ProcessStep]:
    """Return steps that a process had once, by their words: one that comes back has its notes again."""
    gone = ProcessStep.objects.filter(process=process, removed_at__isnull=False).order_by("removed_at", "pk")
    return {step.title.casefold(): step for step in gone}


@atomic
def remove(process: Process, *, writer: Writer) -> Process:
    """Take a process out of use. It can be brought back. Safe to call twice."""
    at = now()
    if Process.objects.filter(pk=process.pk, removed_at__isnull=True).update(removed_at=at):
        timeline.append(events.ProcessRemoved(removed_at=at), actor=writer.actor, about=[process, "processes"])
    process.refresh_from_db()
    return process


@atomic
def bring_back(process: Process, *, writer: Writer) -> Process:
    """Put a removed process into use again. Safe to call twice."""
    if Process.objects.filter(pk=process.pk, removed_at__isnull=False).update(removed_at=None):
        timeline.append(events.ProcessBroughtBack(), actor=writer.actor, about=[process, "processes"])
    process.refresh_from_db()
    return process


@atomic
def rethink(process: Process, words: str, *, writer: Writer) -> Process:
    """Keep that people asked anew what a process is for, and what came of it; its tally begins anew."""
    words = words.strip()
    if not words:
        raise BadInput("words", "say in a line what came of it; “stays as it is” is an answer", status=422)
    process = locked(process)
    process.rethought_on = now().date()
    process.save(update_fields=["rethought_on"])
    counted = SkipNote.objects.filter(step__process=process, state=SkipNote.State.COUNTED)
    counted.update(state=SkipNote.State.EARLIER)
    said = events.ProcessRethought(process=process.pk, words=words[:MAX_WORDS], rethought_on=process.rethought_on)
    timeline.append(said, actor=writer.actor, about=[process, "processes"])
    return process

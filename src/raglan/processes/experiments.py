"""Experiments: try another way of a process for some weeks, and say what came of it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.processes import events
from raglan.processes.actions import Writer
from raglan.processes.models import Experiment, Process

MAX_TEXT = 2_000
MOST_WEEKS = 26
ENDS = (Experiment.State.KEEP, Experiment.State.CHANGE, Experiment.State.DROP)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to become of another way: how it was used, what it caught or let through, and the reason."""

    state: str
    used: str
    caught: str
    reason: str


@atomic
def begin(process: Process, variant: str, *, weeks: int, writer: Writer) -> Experiment:
    """Try another way of a process. Raises BadInput, Conflict."""
    variant = variant.strip()
    if not variant or len(variant) > MAX_TEXT:
        raise BadInput("variant", f"say what is done differently, in at most {MAX_TEXT} characters", status=422)
    if not 1 <= weeks <= MOST_WEEKS:
        raise BadInput("weeks", f"from 1 to {MOST_WEEKS}", status=422)
    if process.removed_at is not None:
        raise Conflict("This process was removed. Bring it back to try another way of it.")
    today = now().date()
    made = Experiment.objects.create(
        process=process,
        variant=variant,
        weeks=weeks,
        began_on=today,
        due_on=today + timedelta(weeks=weeks),
        begun_by=writer.person,
    )
    begun = events.ExperimentBegun(
        experiment=made.pk,
        process=process.pk,
        variant=variant,
        weeks=weeks,
        began_on=made.began_on,
        due_on=made.due_on,
        person=writer.person.pk if writer.person else None,
    )
    timeline.append(begun, actor=writer.actor, about=[made, process, "processes"])
    return made


@atomic
def end(experiment: Experiment, judged: Judgement, *, writer: Writer) -> Experiment:
    """Say what came of another way, at its end or before. Raises BadInput, and Conflict when that is said already."""
    _check(judged)
    today, going = now().date(), Experiment.objects.filter(pk=experiment.pk, state=Experiment.State.GOING)
    said = {"used": judged.used.strip(), "caught": judged.caught.strip(), "reason": judged.reason.strip()}
    if not going.update(state=judged.state, ended_on=today, ended_by=writer.person, **said):
        raise Conflict("Somebody said already what came of it.")
    ended = events.ExperimentEnded(
        experiment=experiment.pk,
        state=judged.state,
        ended_on=today,
        person=writer.person.pk if writer.person else None,
        **said,
    )
    timeline.append(ended, actor=writer.actor, about=[experiment, f"process:{experiment.process_id}", "processes"])
    experiment.refresh_from_db()
    return experiment


def _check(judged: Judgement) -> None:
    if judged.state not in ENDS:
        raise BadInput("state", "keep, change or drop", status=422)
    if not judged.reason.strip():
        raise BadInput("reason", "say why in a line or two", status=422)
    for field, text in (("used", judged.used), ("caught", judged.caught), ("reason", judged.reason)):
        if len(text.strip()) > MAX_TEXT:
            raise BadInput(field, f"at most {MAX_TEXT} characters", status=422)


def of(process: Process) -> QuerySet[Experiment]:
    """All experiments with a process, the newest first."""
    return process.experiments.select_related("begun_by", "ended_by").order_by("-pk")


def due() -> QuerySet[Experiment]:
    """Experiments whose weeks are over and of which nobody said yet what came, the oldest first."""
    going = Experiment.objects.filter(state=Experiment.State.GOING, due_on__lte=now().date())
    return going.filter(process__removed_at__isnull=True).select_related("process").order_by("due_on", "pk")


def one(process: Process, pk: int) -> Experiment:
    """Return an experiment with a process. Raises NotFound."""
    found = of(process).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such experiment with this process.")
    return found

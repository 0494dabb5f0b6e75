"""A task that is due: whoever has it hears of it once, by mail; while the room is open, its timeline says so too."""

from datetime import UTC

from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents import events, privacy
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, Task
from raglan.people import mail
from raglan.people.models import Person

TASK_DUE = "incidents.task_due"


def plan_reminder(task: Task) -> None:
    """Remind of an open task when it is due; not of one whose time has passed when it is set."""
    subject = timeline.ref(task)
    timers.cancel(TASK_DUE, subject=subject)
    if task.state == Task.State.OPEN and task.due_at is not None and task.due_at > now():
        timers.schedule(TASK_DUE, subject=subject, due_at=task.due_at)


@atomic
def remind_of_task(task_id: int) -> None:
    """Remind whoever has an open task that is due, else whoever wrote it down. Once for each time that is set.

    Whoever may not know of the incident hears nothing; then it is the lead who does.
    """
    found = Task.objects.select_related("incident", "owner", "made_by").filter(pk=task_id)
    if not found:
        return
    incident = hold_room(found[0].incident)
    task = found.get()
    if task.state != Task.State.OPEN or task.due_at is None or task.due_at > now() or _is_told(task):
        return
    who = next((one for one in (_first(task), incident.lead) if one and privacy.may_know(one, incident)), None)
    due = events.TaskDue(task=task.pk, due_at=task.due_at, person=who.pk if who else None)
    timeline.append(due, about=room_and_now(incident, task))
    if who is not None:
        _write(task, incident, who)
    if incident.state == Incident.State.OPEN:
        words = f"Due since {task.due_at.astimezone(UTC):%H:%M} UTC: “{task.text}”. {_has(task, incident)}"
        said = Said(Entry.Kind.MACHINE, words, author_words="Tasks", link=f"/tasks/{task.pk}/")
        post(incident, said, by=None)


def _first(task: Task) -> Person:
    return task.owner or task.made_by


def _write(task: Task, incident: Incident, who: Person) -> None:
    """Write a mail to whoever is reminded."""
    has = "You have it." if task.owner else "You wrote it down, and nobody has it yet."
    has = has if who == _first(task) else f"{_has(task, incident)} You lead."
    link = f"{config().public_url}/tasks/{task.pk}/"
    text = f"This was to be done by now: {task.text}\n\n{has} It belongs to incident {incident.pk}, {incident.title}.\n"
    mail.write(who.email, subject="A task is due", text=f"{text}Done, dropped or later: {link}\n", about=incident)


def _has(task: Task, incident: Incident) -> str:
    """Say who has it."""
    if task.owner is None:
        return "Nobody has it."
    off = "" if privacy.may_know(task.owner, incident) else ", who may not see this incident"
    return f"{task.owner.name} has it{off}."


def _is_told(task: Task) -> bool:
    told = (happened.payload() for happened in timeline.about(task))
    return any(isinstance(fact, events.TaskDue) and fact.due_at == task.due_at for fact in told)

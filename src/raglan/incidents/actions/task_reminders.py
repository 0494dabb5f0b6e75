"""A task that is due: whoever has it hears of it once, by mail; while the room is open, its timeline says so too."""

from datetime import UTC

from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, Task
from raglan.people import mail

TASK_DUE = "incidents.task_due"


def plan_reminder(task: Task) -> None:
    """Remind of an open task when it is due; not of one whose time has passed when it is set."""
    subject = timeline.ref(task)
    timers.cancel(TASK_DUE, subject=subject)
    if task.state == Task.State.OPEN and task.due_at is not None and task.due_at > now():
        timers.schedule(TASK_DUE, subject=subject, due_at=task.due_at)


@atomic
def remind_of_task(task_id: int) -> None:
    """Remind whoever has an open task that is due, else whoever wrote it down. Once for each time that is set."""
    found = Task.objects.select_related("incident", "owner", "made_by").filter(pk=task_id)
    if not found:
        return
    incident = hold_room(found[0].incident)
    task = found.get()
    if task.state != Task.State.OPEN or task.due_at is None or task.due_at > now() or _is_told(task):
        return
    who = task.owner or task.made_by
    timeline.append(events.TaskDue(task=task.pk, due_at=task.due_at, person=who.pk), about=room_and_now(incident, task))
    has = "You have it." if task.owner else "You wrote it down, and nobody has it yet."
    link = f"{config().public_url}/tasks/{task.pk}/"
    text = f"This was to be done by now: {task.text}\n\n{has} It belongs to incident {incident.pk}, {incident.title}.\n"
    mail.write(who.email, subject="A task is due", text=f"{text}Done, dropped or later: {link}\n", about=incident)
    if incident.state == Incident.State.OPEN:
        due = task.due_at.astimezone(UTC)
        words = f"Due since {due:%H:%M} UTC: “{task.text}”. {task.owner.name if task.owner else 'Nobody'} has it."
        said = Said(Entry.Kind.MACHINE, words, author_words="Tasks", link=f"/tasks/{task.pk}/")
        post(incident, said, by=None)


def _is_told(task: Task) -> bool:
    told = (happened.payload() for happened in timeline.about(task))
    return any(isinstance(fact, events.TaskDue) and fact.due_at == task.due_at for fact in told)

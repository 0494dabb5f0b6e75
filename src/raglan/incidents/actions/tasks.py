"""Tasks of a room: written down, taken, given back or handed on, done or dropped, opened again.

A task says who has it, so that nobody has to ask. It is counted for nobody.
"""

from dataclasses import dataclass
from datetime import datetime

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.core.keys import key_of
from raglan.core.models import Event
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room, open_room
from raglan.incidents.actions.listing import Because, let_in
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.actions.task_reminders import plan_reminder
from raglan.incidents.models import Entry, Incident, Listed, Task
from raglan.people.models import Person

MAX_TEXT = 500
MAX_WORDS = 2_000
State = Task.State


@dataclass(frozen=True, slots=True)
class ToDo:
    """What is to be done. The same key is written down once."""

    text: str
    owner: Person | None = None
    due_at: datetime | None = None
    key: str = ""


@atomic
def add_task(incident: Incident, wanted: ToDo, *, by: Person) -> Task:
    """Write down something to do. The same key returns what is there. Raises BadInput, Conflict."""
    key = key_of(wanted.key)
    if found := Task.objects.filter(incident=incident, key=key).first():
        return found
    text = _checked(wanted.text)
    _to_come(wanted.due_at)
    incident = open_room(incident)
    given = {"text": text, "owner": wanted.owner, "due_at": wanted.due_at, "made_by": by, "made_at": now()}
    task, is_new = Task.objects.get_or_create(incident=incident, key=key, defaults=given)
    if is_new:
        be_here(incident, by=by)
        _let_owner_in(task, by)
        plan_reminder(task)
        added = events.TaskAdded(
            task=task.pk,
            incident=incident.pk,
            key=key,
            text=text,
            owner=task.owner_id,
            due_at=task.due_at,
            made_by=by.pk,
            made_at=task.made_at,
        )
        _tell(task, added, f"{by.name} wrote down: “{text}”. {_has(wanted.owner)}", by)
    return task


@atomic
def take_task(task: Task, *, by: Person) -> Task:
    """Take a task that nobody has. Of two who take it at once one has it, the other is told. Raises Conflict."""
    task = _open(task)
    if task.owner_id == by.pk:
        return task
    if task.owner is not None:
        raise Conflict(f"{task.owner.name} has it already. Ask them, or have it handed to you.")
    return _own(task, by, f"{by.name} took: “{task.text}”.", by)


@atomic
def hand_task(task: Task, person: Person | None, *, by: Person) -> Task:
    """Hand a task to somebody, or give it back: then nobody has it. Safe to call twice. Raises Conflict."""
    task = _open(task)
    if task.owner_id == (person.pk if person else None):
        return task
    if person is None:
        return _own(task, None, f"{by.name} gave back: “{task.text}”. Nobody has it.", by)
    words = f"{by.name} took: “{task.text}”." if person.pk == by.pk else f"{by.name} gave {person.name}: “{task.text}”."
    return _own(task, person, words, by)


@atomic
def change_task(task: Task, text: str, *, due_at: datetime | None, by: Person) -> Task:
    """Say better what is to be done, or until when; the timeline keeps the earlier words. Raises BadInput, Conflict."""
    text = _checked(text)
    task = _open(task)
    if (task.text, task.due_at) == (text, due_at):
        return task
    if due_at != task.due_at:
        _to_come(due_at)
    before, task.text, task.due_at = task.text, text, due_at
    task.save(update_fields=["text", "due_at"])
    plan_reminder(task)
    words = f"{by.name} changed a task: “{text}”." + (f" It was: “{before}”." if before != text else "")
    _tell(task, events.TaskChanged(task=task.pk, text=text, due_at=due_at), words, by)
    return task


@atomic
def end_task(task: Task, state: str, *, by: Person, words: str = "") -> Task:
    """Say that a task is done, whoever had it, or drop it with the reason. Safe to call twice.

    Raises BadInput, and Conflict when somebody ended it before, unless in the same words or with none.
    """
    words = words.strip()
    if state not in (State.DONE, State.DROPPED):
        raise BadInput("state", f"must be {State.DONE} or {State.DROPPED}", status=422)
    if state == State.DROPPED and not words:
        raise BadInput("words", "say in a few words why it is not needed", status=422)
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"are longer than {MAX_WORDS} characters", status=422)
    hold_room(task.incident)
    task.refresh_from_db()
    if task.state == state and words in ("", task.words):
        return task
    task = _still_open(task)
    task.state, task.words, task.ended_by, task.ended_at = state, words, by, now()
    task.save(update_fields=["state", "words", "ended_by", "ended_at"])
    plan_reminder(task)
    ended = events.TaskEnded(task=task.pk, state=state, words=words, person=by.pk, ended_at=task.ended_at)
    does = "did" if state == State.DONE else "dropped"
    _tell(task, ended, f"{by.name} {does}: “{task.text}”." + (f" {words}" if words else ""), by)
    return task


@atomic
def reopen_task(task: Task, *, by: Person) -> Task:
    """Open a task again; whoever had it still has it. Safe to call twice."""
    hold_room(task.incident)
    task.refresh_from_db()
    if task.state == State.OPEN:
        return task
    task.state, task.words, task.ended_by, task.ended_at = State.OPEN, "", None, None
    task.save(update_fields=["state", "words", "ended_by", "ended_at"])
    plan_reminder(task)
    words = f"{by.name} opened again: “{task.text}”. {_has(task.owner)}"
    _tell(task, events.TaskReopened(task=task.pk), words, by)
    return task


def _own(task: Task, owner: Person | None, words: str, by: Person) -> Task:
    task.owner = owner
    task.save(update_fields=["owner"])
    _let_owner_in(task, by)
    _tell(task, events.TaskOwned(task=task.pk, owner=owner.pk if owner else None), words, by)
    return task


def _let_owner_in(task: Task, by: Person) -> None:
    """Let whoever has a task of a private incident see it."""
    if task.owner is not None:
        let_in(task.incident, task.owner, Because(Listed.How.ROOM, "", by))


def _open(task: Task) -> Task:
    """Return a task as it is now, held with its room until the end of the transaction. Raises Conflict."""
    hold_room(task.incident)
    return _still_open(Task.objects.select_related("incident", "owner", "ended_by").get(pk=task.pk))


def _still_open(task: Task) -> Task:
    if task.state != State.OPEN:
        who = task.ended_by.name if task.ended_by else "raglan"
        raise Conflict(f"{who} said that this task is {task.get_state_display().lower()}. Open it again to go on.")
    return task


def _tell(task: Task, fact: timeline.EventPayload, words: str, by: Person) -> Event:
    """Record what happened to a task; while the room is open, its timeline says so."""
    event = timeline.append(fact, actor=by, about=room_and_now(task.incident, task))
    if hold_room(task.incident).state == Incident.State.OPEN:
        be_here(task.incident, by=by)
        link = f"/tasks/{task.pk}/"
        said = Said(Entry.Kind.MACHINE, words, key=f"task-{event.pk}", author_words="Tasks", link=link)
        post(task.incident, said, by=None)
    return event


def _checked(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise BadInput("text", "say in a few words what is to be done", status=422)
    if len(text) > MAX_TEXT:
        raise BadInput("text", f"is longer than {MAX_TEXT} characters", status=422)
    return text


def _to_come(due_at: datetime | None) -> None:
    """Refuse a time of which nobody could be reminded. Raises BadInput."""
    if due_at is not None and due_at <= now():
        raise BadInput("due_at", "has passed already; name a time that is still to come, or none", status=422)


def _has(owner: Person | None) -> str:
    return f"{owner.name} has it." if owner else "Nobody has it yet."

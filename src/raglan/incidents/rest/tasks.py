"""REST of tasks."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field, StringConstraints

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Instant, Limit, Text
from raglan.incidents import actions, queries, task_queries
from raglan.incidents.models import Task
from raglan.incidents.rest.shapes import person_by_id
from raglan.people.rest.caller import responder

router = Router()


class TaskIn(Body):
    """What is to be done. The same key writes it down once."""

    key: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""
    text: Text
    owner_id: Id | None = None
    due_at: Instant | None = None


class ChangedIn(Body):
    """Other words or another time; what is left out stays, a time of null is none."""

    text: Text | None = None
    due_at: Instant | None = None


class OwnerIn(Body):
    """Who has it from now on; null: nobody."""

    person_id: Id | None


class TaskEndIn(Body):
    """What became of it. Whoever drops a task says why."""

    state: Literal["done", "dropped"] = "done"
    words: Annotated[Text, Field(max_length=2000)] = ""


class TaskOut(Schema):
    """A task of a room."""

    id: int
    incident_id: int
    key: str
    text: str
    state: str
    owner_id: int | None
    owner: str | None
    due_at: datetime | None
    made_by: str
    made_at: datetime
    words: str
    ended_by: str | None
    ended_at: datetime | None


def task_out(task: Task) -> TaskOut:
    """Return a task as it is told."""
    return TaskOut(
        id=task.pk,
        incident_id=task.incident_id,
        key=task.key,
        text=task.text,
        state=task.state,
        owner_id=task.owner_id,
        owner=task.owner.name if task.owner else None,
        due_at=task.due_at,
        made_by=task.made_by.name,
        made_at=task.made_at,
        words=task.words,
        ended_by=task.ended_by.name if task.ended_by else None,
        ended_at=task.ended_at,
    )


def _now(task: Task) -> TaskOut:
    return task_out(task_queries.task(task.pk))


@router.get("/incidents/{incident_id}/tasks", response=list[TaskOut], operation_id="list_tasks", summary="Tasks")
def list_tasks(
    request: HttpRequest,
    incident_id: Cursor,
    state: Literal["", "open", "done", "dropped"] = "",
    after: Cursor = 0,
    limit: Limit = 100,
) -> list[TaskOut]:
    """Return the tasks of a room, oldest first; `after` is the id to go on from."""
    found = task_queries.tasks(queries.incident(incident_id), state=state).filter(pk__gt=after)
    return [task_out(task) for task in found[:limit]]


@router.post(
    "/incidents/{incident_id}/tasks", response={201: TaskOut}, operation_id="add_task", summary="Something to do"
)
def add_task(request: HttpRequest, incident_id: Cursor, data: TaskIn) -> Status[TaskOut]:
    """Write down something to do; sending the same key again returns what is there."""
    by, owner = responder(request), person_by_id(data.owner_id, "owner_id")
    wanted = actions.ToDo(data.text, owner=owner, due_at=data.due_at, key=data.key)
    return Status(201, _now(actions.add_task(queries.incident(incident_id), wanted, by=by)))


@router.get("/tasks/{task_id}", response=TaskOut, operation_id="get_task", summary="One task")
def get_task(request: HttpRequest, task_id: Cursor) -> TaskOut:
    """Return a task."""
    return task_out(task_queries.task(task_id))


@router.patch("/tasks/{task_id}", response=TaskOut, operation_id="change_task", summary="Other words for a task")
def change_task(request: HttpRequest, task_id: Cursor, data: ChangedIn) -> TaskOut:
    """Change what is to be done, or until when; the timeline keeps the earlier words."""
    by, task = responder(request), task_queries.task(task_id)
    due_at = data.due_at if "due_at" in data.model_fields_set else task.due_at
    text = task.text if data.text is None else data.text
    return _now(actions.change_task(task, text, due_at=due_at, by=by))


@router.post("/tasks/{task_id}/take", response=TaskOut, operation_id="take_task", summary="I take it")
def take_task(request: HttpRequest, task_id: Cursor) -> TaskOut:
    """Take a task that nobody has; 409 when somebody was faster."""
    return _now(actions.take_task(task_queries.task(task_id), by=responder(request)))


@router.post("/tasks/{task_id}/hand", response=TaskOut, operation_id="hand_task", summary="Who has it")
def hand_task(request: HttpRequest, task_id: Cursor, data: OwnerIn) -> TaskOut:
    """Hand a task to somebody, or give it back."""
    by, person = responder(request), person_by_id(data.person_id, "person_id")
    return _now(actions.hand_task(task_queries.task(task_id), person, by=by))


@router.post("/tasks/{task_id}/end", response=TaskOut, operation_id="end_task", summary="Done, or dropped")
def end_task(request: HttpRequest, task_id: Cursor, data: TaskEndIn) -> TaskOut:
    """Say that a task is done, whoever had it, or drop it with the reason."""
    by = responder(request)
    return _now(actions.end_task(task_queries.task(task_id), data.state, by=by, words=data.words))


@router.post("/tasks/{task_id}/reopen", response=TaskOut, operation_id="reopen_task", summary="Open it again")
def reopen_task(request: HttpRequest, task_id: Cursor) -> TaskOut:
    """Open a task again that was ended."""
    return _now(actions.reopen_task(task_queries.task(task_id), by=responder(request)))

"""Tasks as one line of chat: `check the mail queue` writes one down, `done 12 it was empty` ends one."""

from collections.abc import Callable

from raglan.core.errors import NotFound
from raglan.incidents import actions, task_queries
from raglan.incidents.models import Incident, Task
from raglan.people.models import Person

SHOWN = 20
ACTS: dict[str, Callable[[Task, Person, str], Task]] = {
    "take": lambda task, by, _: actions.take_task(task, by=by),
    "back": lambda task, by, _: actions.hand_task(task, None, by=by),
    "done": lambda task, by, words: actions.end_task(task, Task.State.DONE, by=by, words=words),
    "drop": lambda task, by, words: actions.end_task(task, Task.State.DROPPED, by=by, words=words),
    "reopen": lambda task, by, _: actions.reopen_task(task, by=by),
}


def run(incident: Incident, line: str, *, by: Person, key: str) -> str:
    """Do what a line says about the tasks of a room; return what is to be answered. Raises RaglanError."""
    line = line.strip()
    if not line:
        return _listed(incident)
    verb, _, rest = line.partition(" ")
    number, _, words = rest.strip().partition(" ")
    number = number.strip("#:")
    if verb.casefold() in ACTS and number.isdecimal() and len(number) < 19:
        ACTS[verb.casefold()](_of(incident, int(number)), by, words.strip())
        return ""
    task = actions.add_task(incident, actions.ToDo(line, key=key), by=by)
    return f"Task {task.pk}. !task take {task.pk} takes it, !task done {task.pk} ends it."


def _of(incident: Incident, pk: int) -> Task:
    task = task_queries.tasks(incident).filter(pk=pk).first()
    if task is None:
        raise NotFound(f"There is no task {pk} in this room.")
    return task


def _listed(incident: Incident) -> str:
    found = list(task_queries.open_tasks(incident)[: SHOWN + 1])
    lines = [f"{task.pk}: {task.text} – {task.owner.name if task.owner else 'nobody yet'}" for task in found[:SHOWN]]
    more = ["… and more, in the room."] if len(found) > SHOWN else []
    return "\n".join(lines + more) or "No task is open. !task WHAT TO DO writes one down."

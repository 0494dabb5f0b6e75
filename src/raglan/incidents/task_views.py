"""Screens of tasks: all of a room, one of them, and what one tap does with it."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.incidents import actions, queries, room, task_queries
from raglan.incidents.forms import IN_A_WHILE, EndTaskForm, TaskForm
from raglan.incidents.models import Incident, Task
from raglan.people.access import Scope, reader, require
from raglan.people.models import Person
from raglan.ui import typed

form_methods = require_http_methods(["GET", "HEAD", "POST"])
VERBS: dict[str, Callable[[Task, Person, str], object]] = {
    "take": lambda task, by, _: actions.take_task(task, by=by),
    "give-back": lambda task, by, _: actions.hand_task(task, None, by=by),
    "done": lambda task, by, words: actions.end_task(task, Task.State.DONE, by=by, words=words),
    "drop": lambda task, by, words: actions.end_task(task, Task.State.DROPPED, by=by, words=words),
    "reopen": lambda task, by, _: actions.reopen_task(task, by=by),
}


def form_for(incident: Incident, person: Person, task: Task | None = None, *, data: object = None) -> TaskForm:
    """Return the form of a task: it offers who is in the room, oneself, and whoever has it."""
    initial: dict[str, object] = {"entry_key": secrets.token_hex(16)}
    if task is not None:
        initial = {"text": task.text, "owner": task.owner_id}
    form = TaskForm(data, initial=initial, auto_id="task_%s")  # type: ignore[arg-type]  # a POST, or nothing
    own = [pk for pk in (person.pk, task.owner_id if task else None) if pk]
    here = queries.people_here(incident).values("pk")
    people = Person.objects.filter(Q(pk__in=here) | Q(pk__in=own), is_active=True).order_by("name")
    form.fields["owner"].queryset = people  # type: ignore[attr-defined]  # a ModelChoiceField
    if task is not None and task.due_at is not None:
        kept = [("", "as it is"), ("0", "no time"), *IN_A_WHILE[1:]]
        form.fields["due"].choices = kept  # type: ignore[attr-defined]  # a TypedChoiceField
    return form


@form_methods
def tasks(request: HttpRequest, pk: int) -> HttpResponse:
    """All tasks of a room, and one more."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    incident = queries.incident(pk)
    asked = request.GET.get("skip", "")
    skip = int(asked) if asked.isdecimal() and len(asked) < 7 else 0
    form = form_for(incident, person, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        wanted = actions.ToDo(data["text"], owner=data["owner"], due_at=_due(form, None), key=data["entry_key"])
        if form.attempt(lambda: actions.add_task(incident, wanted, by=person)) is not None:
            return redirect(f"/incidents/{pk}/#h-tasks")
    context = {
        "incident": incident,
        "task_form": form,
        "topic": room.topic(incident),
        "live_topics": room.topic(incident),
        "tasks": task_queries.in_room(incident, now(), skip),
        "skip": skip,
    }
    return render(request, "incidents/tasks.html", context, status=422 if form.errors else 200)


@form_methods
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """One task: its words, who has it, until when, and what became of it."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    found = task_queries.task(pk)
    form = form_for(found.incident, person, found, data=request.POST or None)
    is_good = request.method == "POST" and form.is_valid()
    if is_good and form.attempt(lambda: _change(found, form, person)) is not None:
        return redirect(f"/incidents/{found.incident_id}/#task-{pk}")
    context = {"task": found, "incident": found.incident, "form": form, "end_form": _end_form(request, pk), "at": now()}
    return render(request, "incidents/task.html", context, status=422 if form.errors else 200)


def _end_form(request: HttpRequest, pk: int) -> EndTaskForm:
    """Return the form of an end, with what was typed and not taken."""
    before = typed.take(request, f"task-{pk}")
    form = EndTaskForm(dict(before.words) if before else None)
    if before:
        form.add_error("words", before.why)
    return form


@atomic
def _change(found: Task, form: TaskForm, person: Person) -> Task:
    changed = actions.change_task(found, form.cleaned_data["text"], due_at=_due(form, found.due_at), by=person)
    return actions.hand_task(changed, form.cleaned_data["owner"], by=person)


def _due(form: TaskForm, before: datetime | None) -> datetime | None:
    """Return until when a task is wanted: as it was, no time, or so many minutes from now."""
    minutes = form.cleaned_data["due"]
    if minutes is None:
        return before
    return now() + timedelta(minutes=minutes) if minutes else None


@require_POST
def act_on_task(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """One tap on a task. Whoever comes too late is told so in the room."""
    person = reader(request)
    require(person, Scope.RESPOND)
    found = task_queries.task(pk)
    if verb not in VERBS:
        raise NotFound("There is nothing like that to do with a task.")
    try:
        VERBS[verb](found, person, clean_text(request.POST.get("words", "")))
    except (BadInput, Conflict) as error:
        is_open = task_queries.task(pk).state == Task.State.OPEN
        if isinstance(error, BadInput) or (is_open and request.POST.get("words", "").strip()):
            return typed.refuse(request, f"task-{pk}", error, reverse("incidents:task", args=[pk]), at="words")
        return typed.repeat(request, error, f"/incidents/{found.incident_id}/#task-{pk}")
    return redirect(f"/incidents/{found.incident_id}/#task-{pk}")

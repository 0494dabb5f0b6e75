"""Screens that bring rooms together and apart: merge, take out again, split."""

import secrets

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.core.errors import Conflict
from raglan.incidents import actions, queries
from raglan.incidents.merge_forms import MOST_SHOWN, MergeForm, SplitForm
from raglan.incidents.models import Incident, Move
from raglan.people.access import Scope, needs, reader

form_methods = require_http_methods(["GET", "HEAD", "POST"])
OFFERED = 100


@form_methods
@needs(Scope.RESPOND)
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an incident go on in another one, or take out what was merged into it."""
    incident, by = queries.incident(pk), reader(request)
    if "undo" in request.POST:
        return _take_out(request, incident)
    others = queries.open_incidents().exclude(pk=pk)
    has_private = incident.is_private or any(one.is_private for one in others[:OFFERED])
    form = MergeForm(request.POST if request.method == "POST" else None, others=others, has_private=has_private)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        there = form.attempt(lambda: actions.merge(incident, data["into"], by=by, outcome=data.get("outcome", "")))
        if there is not None:
            messages.success(request, f"Incident {pk} goes on here. What was said there stands here in its place.")
            return redirect("incidents:room", there.pk)
    context = {"incident": incident, "form": form, "others": list(others[:OFFERED]), "merged": _merged_into(incident)}
    return render(request, "incidents/merge.html", context, status=422 if form.errors else 200)


def _merged_into(incident: Incident) -> list[tuple[Incident, str]]:
    """Return what was merged into an incident, each with what stands against taking it out."""
    moves = Move.objects.filter(target=incident, kind=Move.Kind.MERGE, undone_at__isnull=True).select_related("source")
    seen = {one.pk for one in queries.incidents().filter(pk__in=moves.values("source"))}
    return [(move.source, actions.why_not(move, move.source, incident)) for move in moves if move.source_id in seen]


def _take_out(request: HttpRequest, incident: Incident) -> HttpResponse:
    word = request.POST["undo"]
    source = queries.incident(int(word) if word.isdecimal() and len(word) < 19 else 0)
    try:
        actions.undo_merge(source, by=reader(request))
    except Conflict as error:
        messages.error(request, error.sentence)
        return redirect("incidents:merge", incident.pk)
    return redirect("incidents:room", source.pk)


@form_methods
@needs(Scope.RESPOND)
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """Let some of a room go on in a new one."""
    incident, by = queries.incident(pk), reader(request)
    asked = {name: request.GET.get(f"{name}_before", "") for name in MOST_SHOWN}
    before = {name: int(word) for name, word in asked.items() if word.isdecimal() and len(word) < 19}
    sent = request.POST if request.method == "POST" else None
    form = SplitForm(sent, of=incident, key=secrets.token_hex(16), before=before)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        chosen = actions.Chosen(
            title=data["title"],
            entries=[one.pk for one in data.get("entries", ())],
            groups=[one.pk for one in data.get("groups", ())],
            tasks=[one.pk for one in data.get("tasks", ())],
            services=list(data.get("services", ())),
            key=data["key"],
        )
        made = form.attempt(lambda: actions.split(incident, chosen, by=by))
        if made is not None:
            return redirect("incidents:room", made.pk)
    context = {"incident": incident, "form": form}
    return render(request, "incidents/split.html", context, status=422 if form.errors else 200)

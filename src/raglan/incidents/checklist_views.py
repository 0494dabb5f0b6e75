"""Screens of checklists: those of a room, and what stands on them here."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, NotFound
from raglan.incidents import actions, checklists, queries, room
from raglan.incidents.forms import ChecklistForm
from raglan.people.access import Scope, needs, reader, require

PLACES = {"room": "", "outside": "outside/"}  # where a list stands beside other things
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def show_checklists(request: HttpRequest) -> HttpResponse:
    """What each role looks after, to read in quiet times."""
    return render(request, "incidents/checklists.html", {"lists": checklists.shelf()})


@form_methods
@needs(Scope.CONFIGURE)
def checklist(request: HttpRequest, role: str) -> HttpResponse:
    """Adapt what a role looks after."""
    if role not in checklists.OWN:
        raise NotFound("There is no such role.")
    (found,), person = checklists.shelf([role]), reader(request)
    form = ChecklistForm(request.POST or None, initial={"items": "\n".join(item.text for item in found.items)})
    if request.method == "POST" and form.is_valid():
        items = form.cleaned_data["items"].splitlines()
        if form.attempt(lambda: actions.change_checklist(role, items, by=person) or True) is not None:
            messages.success(request, "The list is saved. What was ticked in rooms stays ticked.")
            return redirect("incidents:checklists")
    context = {"list": found, "form": form}
    return render(request, "incidents/checklist.html", context, status=422 if form.errors else 200)


@form_methods
def in_room(request: HttpRequest, pk: int) -> HttpResponse:
    """The lists of all roles in a room; one tap ticks one thing, or takes the tick back."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    incident = queries.incident(pk)
    if request.method == "POST":
        role, item = (clean_text(request.POST.get(name, "")) for name in ("role", "item"))
        act = actions.untick if request.POST.get("do") == "untick" else actions.tick
        try:
            act(incident, role, item, by=person)
        except BadInput as error:
            messages.error(request, f"“{item[:80]}” {error.reason}.")
        place = PLACES.get(request.POST.get("back", ""), "checklists/")
        return redirect(f"/incidents/{pk}/{place}#h-list-{role}")
    context = {"incident": incident, "lists": checklists.in_room(incident), "topic": room.topic(incident)}
    return render(request, "incidents/room_checklists.html", context)

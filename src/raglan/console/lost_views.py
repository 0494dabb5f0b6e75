"""Tools that are not reachable, told from the page of a change: into a room that is open, or into one of its own."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from raglan.changes import queries
from raglan.changes.models import Change
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions
from raglan.incidents import queries as incidents
from raglan.incidents.models import Incident, LostTool
from raglan.people.access import Scope, reader, require
from raglan.people.models import Person
from raglan.ui import typed

ROOMS = 10
MOST_NAME = 120


def context(request: HttpRequest, change: Change) -> dict[str, object]:
    """Return what the panel shows: what is missed in open rooms, names to choose from, and the rooms.

    A new room is chosen beforehand, or the one that is about this change; never one about something else.
    """
    if change.state != Change.State.UNDER_WAY:
        return {}
    rooms = list(incidents.open_incidents()[:ROOMS])
    before = typed.take(request, f"lost-{change.pk}")
    own = next((str(room.pk) for room in rooms if room.title == change.title), "")
    return {
        "lost": lost(),
        "tool_names": incidents.tool_names(),
        "rooms": [(str(room.pk), room.title) for room in rooms],
        "lost_typed": before,
        "chosen_room": before.words.get("room", own),
    }


def lost() -> QuerySet[LostTool]:
    """Return what people miss in all rooms that are open."""
    return incidents.lost_tools()


@require_POST
def lose_tool(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a tool is not reachable for oneself; what can not be said stands in the form again."""
    person = reader(request)
    require(person, Scope.RESPOND)
    change, name = queries.change(pk), clean_text(request.POST.get("name", "")).strip()[:MOST_NAME]
    try:
        room = _say(change, name, request.POST.get("room", ""), person)
    except (BadInput, Conflict) as error:
        at = "name" if isinstance(error, BadInput) else "room"
        return typed.refuse(request, f"lost-{pk}", error, f"/changes/{pk}/#lost", at=at)
    messages.success(request, f"{name} stands on the list of the room “{room.title}”.")
    return redirect(f"/changes/{pk}/#lost")


@atomic
def _say(change: Change, name: str, room: str, person: Person) -> Incident:
    if not name:
        raise BadInput("name", "Say what is not reachable.", status=422)
    if room.isascii() and room.isdigit() and len(room) < 19:
        incident = incidents.incident(int(room))
    else:
        incident = actions.declare(change.title, by=person)
    actions.lose_tool(incident, name, by=person)
    return incident

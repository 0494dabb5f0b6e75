"""Tools that people miss: not reachable for one, for others too, and back."""

from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room, open_room
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.models import Entry, Incident, LostTool, Missed
from raglan.people.models import Person

MAX_NAME = 120


@atomic
def lose_tool(
    incident: Incident, name: str, *, by: Person, service: Service | None = None, words: str = ""
) -> LostTool:
    """Say that a tool is not reachable for oneself. One that is on the list already is confirmed.

    Raises BadInput, Conflict.
    """
    name = " ".join((name or (service.name if service else "")).split())[:MAX_NAME]
    if not name:
        raise BadInput("name", "say what is not reachable", status=422)
    incident = open_room(incident)
    service = service or Service.objects.filter(name__iexact=name).first()
    found = LostTool.objects.filter(incident=incident, name_key=name.casefold(), back_at__isnull=True).first()
    if found is not None:
        return confirm_lost(found, by=by)
    tool = LostTool.objects.create(
        incident=incident, name=name, name_key=name.casefold(), service=service, lost_by=by, lost_at=now()
    )
    lost = events.ToolLost(
        tool=tool.pk,
        incident=incident.pk,
        name=name,
        service=service.pk if service else None,
        person=by.pk,
        lost_at=tool.lost_at,
    )
    timeline.append(lost, actor=by, about=room_and_now(incident, tool))
    text = words.strip() or f"{name} is not reachable for me."
    post(incident, Said(Entry.Kind.FOUND, text, key=f"lost-{tool.pk}"), by=by)
    return tool


@atomic
def confirm_lost(tool: LostTool, *, by: Person) -> LostTool:
    """Say that a tool is not reachable for oneself either. Safe to call twice."""
    if tool.lost_by_id == by.pk or tool.back_at is not None:
        return tool
    missed, is_new = Missed.objects.get_or_create(tool=tool, person=by, defaults={"at": now()})
    if is_new:
        confirmed = events.ToolMissed(tool=tool.pk, person=by.pk, missed_at=missed.at)
        timeline.append(confirmed, actor=by, about=room_and_now(tool.incident, tool))
        if tool.incident.state == Incident.State.OPEN:
            be_here(tool.incident, by=by)
    return tool


@atomic
def tool_back(tool: LostTool, *, by: Person) -> LostTool:
    """Say that a tool answers again. Safe to call twice."""
    at = now()
    if LostTool.objects.filter(pk=tool.pk, back_at__isnull=True).update(back_at=at, back_by=by):
        back = events.ToolBack(tool=tool.pk, person=by.pk, back_at=at)
        timeline.append(back, actor=by, about=room_and_now(tool.incident, tool))
        if hold_room(tool.incident).state == Incident.State.OPEN:
            said = Said(Entry.Kind.FOUND, f"{tool.name} answers again.", key=f"back-{tool.pk}")
            post(tool.incident, said, by=by)
    tool.refresh_from_db()
    return tool

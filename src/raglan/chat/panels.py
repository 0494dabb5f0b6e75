"""What chat adds to rooms here, and to what people see of themselves."""

from raglan.chat import queries
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.people import ports as people
from raglan.people.models import Person
from raglan.ui.templatetags.raglan_ui import clock


def room_panel(incident: Incident, reader: Person) -> dict[str, object]:
    """Return the rooms of an incident in chat, and what has none yet."""
    more = list(queries.without_room(incident)) if incident.state == Incident.State.OPEN else []
    rooms = vars(incident).get("shown_rooms")  # what is said above a room has read them
    return {"rooms": list(queries.rooms_of(incident)) if rooms is None else rooms, "more": more}


def away(incident: Incident) -> list[str]:
    """Say which chat of a room is away, and since when: nobody has to wonder why it is quiet there."""
    found = vars(incident)["shown_rooms"] = list(queries.rooms_of(incident))
    return [
        f"{room.workspace.name} is away since {clock(room.workspace.away_since)}. Everything goes on here, and is told "
        "there when it is back."
        for room in found
        if room.workspace.away_since is not None
    ]


def own_panel(person: Person) -> dict[str, object]:
    """Return under which names a person is known in chat."""
    return {"chat_names": queries.handles_of(person)}


ports.register_panel("chat/part_room.html", room_panel)
ports.register_notice(away)
people.register_panel("chat/you_panel.html", own_panel)

"""What a room says of holds: those that are on, and, where much is broken and none stops it, one to raise."""

from collections.abc import Sequence
from urllib.parse import urlencode

from raglan.changes import hold_queries
from raglan.changes.gate import TOUCHED, Reach
from raglan.changes.hearing import GATE
from raglan.changes.hold_models import Hold
from raglan.changes.hold_views import Row
from raglan.console.room_changes import concern_of
from raglan.fleet.concern import Concern, places_of
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.people.models import Person

SEVERE = (Incident.Severity.SEV1, Incident.Severity.SEV2)
SHOWN = 5


def in_room(incident: Incident, reader: Person) -> dict[str, object]:
    """Return the holds that are on while a room is open, and where one is raised; it is suggested, never raised."""
    if incident.state != Incident.State.OPEN:
        return {"holds": [], "suggests": False, "address": ""}
    holds = list(hold_queries.on_now())
    on = [Row(hold, "on", hold_queries.tally(hold)) for hold in holds[:SHOWN]]
    may = incident.severity in SEVERE and reader.may_respond
    suggests = may and not _is_stopped(holds, concern_of(incident))
    said = {"name": f"incident {incident.pk}", "link": f"incident:{incident.pk}"}
    return {"holds": on, "suggests": suggests, "address": f"/changes/holds/new/?{urlencode(said)}"}


def _is_stopped(holds: Sequence[Hold], concern: Concern) -> bool:
    """Whether what an incident is about is stopped already: a drill stops nothing for long, nor one for elsewhere."""
    reaches = [hold.reach for hold in holds if not hold.is_drill]
    if any(reach.is_everything for reach in reaches):
        return True
    near = [reach for reach in reaches if not any(getattr(reach, kind) for kind in ("tags", *TOUCHED))]
    return bool(near) and any(_is_for(reach, place) for place in places_of(concern) for reach in near)


def _is_for(reach: Reach, place: tuple[str, str, str]) -> bool:
    """Whether a hold is for a cluster, role and environment."""
    wanted = (reach.clusters, reach.roles, reach.environments)
    return all(
        not names or said.casefold() in {name.casefold() for name in names}
        for names, said in zip(wanted, place, strict=True)
    )


ports.register_panel("changes/part_room.html", in_room, name="holds", live=f"holds {GATE}")

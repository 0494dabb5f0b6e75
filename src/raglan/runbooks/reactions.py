"""How runbooks follow news of lower contexts, and what they add to a room."""

from raglan.core import timeline
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.runbooks import following, queries

SHOWN = 5


@timeline.reaction("incident.stood_down")
def stop_what_is_followed(event: timeline.Happened) -> None:
    """What is being followed in a room stops when people stand down."""
    number = next(subject for subject in event.subjects if subject.startswith("incident:")).removeprefix("incident:")
    following.stop_all(Incident.objects.get(pk=int(number)))


def panel(incident: Incident, reader: Person) -> dict[str, object]:
    """Return what is or was followed in a room."""
    found = list(queries.followings(incident).prefetch_related("results")[:SHOWN])
    return {"followings": [(one, len(one.results.all())) for one in found]}


ports.register_panel("runbooks/part_room.html", panel)

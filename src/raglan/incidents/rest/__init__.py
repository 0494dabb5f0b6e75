"""REST of incidents: heads-up, the room, asks, verifications, where it stands."""

from raglan.core.rest import Router
from raglan.incidents.rest import (
    checklists,
    entries,
    hand,
    heads_ups,
    joining,
    merging,
    people,
    privacy,
    related,
    rooms,
    settings,
    tasks,
    tools,
)

router = Router(tags=["incidents"])
_PARTS = (
    heads_ups,
    rooms,
    joining,
    merging,
    privacy,
    entries,
    tools,
    people,
    tasks,
    settings,
    related,
    checklists,
    hand,
)
for _part in _PARTS:
    router.add_router("", _part.router)

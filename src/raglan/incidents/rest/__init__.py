"""REST of incidents: heads-up, the room, asks, verifications, where it stands."""

from raglan.core.rest import Router
from raglan.incidents.rest import (
    checklists,
    entries,
    hand,
    heads_ups,
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
for _part in (heads_ups, rooms, merging, privacy, entries, tools, people, tasks, settings, related, checklists, hand):
    router.add_router("", _part.router)

"""Checklists of roles: adapted for the house, ticked in a room, and un-ticked."""

from collections.abc import Sequence

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotFound
from raglan.incidents import checklists, events
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Checklist, Incident, Tick
from raglan.people.models import Person

MAX_ITEMS = 12
MAX_ITEM = 200


@atomic
def change_checklist(role: str, items: Sequence[str], *, by: timeline.Subject) -> None:
    """Say what whoever has a role looks after here; nothing brings back raglan's own list. Safe to call twice.

    Raises NotFound, BadInput.
    """
    _check(role)
    said = [" ".join(item.split()) for item in items]
    kept = list(dict.fromkeys(item for item in said if item))
    if len(kept) > MAX_ITEMS:
        raise BadInput("items", f"are more than {MAX_ITEMS}: a list that is read in a hurry is short", status=422)
    if any(len(item) > MAX_ITEM for item in kept):
        raise BadInput("items", f"one is longer than {MAX_ITEM} characters", status=422)
    kept = [] if kept == list(checklists.OWN[role]) else kept
    before = Checklist.objects.select_for_update().filter(role=role).first()
    if kept == (before.items if before else []):
        return
    if kept:
        Checklist.objects.update_or_create(role=role, defaults={"items": kept})
    else:
        Checklist.objects.filter(role=role).delete()
    timeline.append(events.ChecklistChanged(role=role, items=kept), actor=by, about=["checklists"])


@atomic
def tick(incident: Incident, role: str, item: str, *, by: Person) -> None:
    """Tick one thing of a role's list in a room. Whoever was first stays named. Raises NotFound, BadInput."""
    _check(role)
    if item not in {one.text for one in checklists.shelf([role])[0].items}:
        raise BadInput("item", "stands on no list; it may have been changed meanwhile", status=422)
    ticked, is_new = Tick.objects.get_or_create(
        incident=incident, role=role, item=item, defaults={"by": by, "at": now()}
    )
    if is_new:
        fact = events.ItemTicked(role=role, item=item, person=by.pk, ticked_at=ticked.at)
        timeline.append(fact, actor=by, about=room_and_now(incident))


@atomic
def untick(incident: Incident, role: str, item: str, *, by: Person) -> None:
    """Take a tick back. Safe to call twice. Raises NotFound."""
    _check(role)
    if Tick.objects.filter(incident=incident, role=role, item=item).delete()[0]:
        timeline.append(events.ItemUnticked(role=role, item=item), actor=by, about=room_and_now(incident))


def _check(role: str) -> None:
    if role not in checklists.OWN:
        raise NotFound("There is no such role.")

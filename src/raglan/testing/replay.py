"""Shows that events are enough: told to an older copy of the state, they give the stored one."""

from collections.abc import Callable, Sequence

from django.db.models import Model

from raglan.core import timeline
from raglan.core.models import Event

Row = dict[str, object]
Table = dict[object, Row]
State = dict[str, Table]
Teller = Callable[[State, timeline.Happened, timeline.EventPayload], None]


def rows(model: type[Model], fields: Sequence[str]) -> Table:
    """Return some columns of a table, by primary key."""
    return {row["pk"]: row for row in model._default_manager.values("pk", *fields)}


def fresh(model: type[Model], fields: Sequence[str]) -> Row:
    """Return what a new row holds in these columns when nothing is said about them."""
    own = {field.attname: field.get_default() for field in model._meta.concrete_fields}
    return {name: own[name] for name in fields}


def events_after(event_id: int) -> list[timeline.Happened]:
    """Return all events after one, oldest first."""
    newer = Event.objects.filter(pk__gt=event_id).order_by("pk").values_list("pk", flat=True)
    return [timeline.happened(pk) for pk in newer]


def differences(read: Callable[[], State], tell: Teller, act: Callable[[], object]) -> dict[str, object]:
    """Copy the state, act, tell the copy of what happened; return where it differs from the stored state."""
    copy, newest = read(), timeline.newest_id()
    act()
    for event in events_after(newest):
        tell(copy, event, event.payload())
    stored = read()
    return {
        f"{table} {key}": (copy[table].get(key), row)
        for table in stored
        for key, row in {**copy[table], **stored[table]}.items()
        if copy[table].get(key) != stored[table].get(key)
    }

"""Drift radar: pinned versions against mirrors. A pin that no mirror has fails the first run of a fresh host."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.fleet import events, owners
from raglan.fleet.mirror_models import Pin
from raglan.fleet.pin_lines import parse
from raglan.fleet.way_back import Door, WayBack, ways_back

__all__ = ["Held", "held", "look_again", "lost", "parse", "pins", "set_pins"]
MOST = 5_000
LOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Held:
    """A pin and whether a fresh host could fetch it."""

    pin: Pin
    way: WayBack

    @property
    def is_lost(self) -> bool:
        """Whether a fresh host would fail its first run."""
        return self.way.door is Door.ONE_WAY

    @property
    def told_at(self) -> datetime | None:
        """When those who own it were told that it is lost."""
        return owners.told_at(self.pin.lost_since, self.pin.lost_told_at)


def pins() -> QuerySet[Pin]:
    """All pins, by role and name."""
    return Pin.objects.order_by("role", "name", "pk")


def lost() -> tuple[list[Pin], int]:
    """Return pins that no mirror has any more, as of the last look: the first, and how many others there are."""
    found = pins().filter(lost_since__isnull=False)
    some = list(found[:LOST_SHOWN])
    return some, found.order_by().count() - len(some) if len(some) == LOST_SHOWN else 0


def held(role: str | None = None) -> list[Held]:
    """Return pins with their ways back; those that are lost come first."""
    rows = list(pins() if role is None else pins().filter(role=role))
    ways = ways_back((pin.name, pin.version) for pin in rows)
    found = [Held(pin, ways[pin.name, pin.version]) for pin in rows]
    return sorted(found, key=lambda one: (not one.is_lost, one.pin.role, one.pin.name))


@atomic
def set_pins(role: str, wanted: dict[str, str], *, actor: timeline.Subject) -> list[Held]:
    """Let these be all pins of a role; an empty list ends them. Raises BadInput."""
    role, at = clean_text(role).strip(), now()
    if len(role) > 120:
        raise BadInput("role", "is too long", status=422)
    others = Pin.objects.exclude(role=role).count()
    if others + len(wanted) > MOST:
        raise BadInput("pins", f"{MOST:,} pins are enough", status=422)
    known = {pin.name: pin for pin in Pin.objects.filter(role=role)}
    changed = {name: version for name, version in wanted.items() if name not in known or known[name].version != version}
    gone = sorted(known.keys() - wanted.keys())
    if changed or gone:
        Pin.objects.filter(role=role, name__in=gone).delete()
        Pin.objects.bulk_create(
            [Pin(role=role, name=name, version=version, set_at=at) for name, version in sorted(changed.items())],
            update_conflicts=True,
            unique_fields=["role", "name"],
            update_fields=["version", "set_at", "lost_since", "lost_told_at"],
        )
        timeline.append(events.PinsSet(role=role, pins=wanted, set_at=at), actor=actor, about=["mirrors"])
        look_again(at)
    return held(role)


@atomic
def look_again(at: datetime) -> None:
    """Note which pins have been lost by the mirrors, and which can be fetched again."""
    every = held()
    lost = [one.pin for one in every if one.is_lost and one.pin.lost_since is None]
    found = [one.pin for one in every if not one.is_lost and one.pin.lost_since is not None]
    Pin.objects.filter(pk__in=[pin.pk for pin in lost]).update(lost_since=at)
    Pin.objects.filter(pk__in=[pin.pk for pin in found]).update(lost_since=None)
    if lost:
        timeline.append(events.PinsLost(pins=_named(lost), at=at), about=["mirrors"])
        owners.look_later()
    if found:
        timeline.append(events.PinsFound(pins=_named(found), at=at), about=["mirrors"])


def _named(some: Sequence[Pin]) -> list[str]:
    return [f"{pin.name} {pin.version}" + (f" of {pin.role}" if pin.role else "") for pin in some[:100]]

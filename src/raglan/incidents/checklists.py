"""What whoever holds a role looks after: short lists in raglan's own words, or in those of the house."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.incidents import ports
from raglan.incidents.models import Checklist, Incident, Role, Tick
from raglan.people.models import Person

OUTSIDE = "outside"
TITLES: dict[str, str] = {str(Role.LEAD): "Lead", str(Role.SCRIBE): "Scribe", OUTSIDE: "Outside"}
OWN: dict[str, tuple[str, ...]] = {
    str(Role.LEAD): (
        "Say that you lead, and ask who is here and on what.",
        "Write where it stands, and promise the next update.",
        "Ask what could get worse while we look, and what could stop it.",
        "Ask other teams early; say what is wanted.",
        "Have risky acts said before they are done, and somebody look over them.",
        "See that somebody writes, and somebody speaks to those outside.",
        "Hand over before you are tired; ask the others too.",
        "Before closing: somebody has checked from outside.",
    ),
    str(Role.SCRIBE): (
        "Write down what is said aloud and on calls, with who said it.",
        "Write down what people expected, not only what they saw.",
        "Ask what came of each act, and hang it under it.",
        "Keep graphs and logs before they are gone.",
        "Write down which tools do not answer.",
        "Write down what helped and what surprised; the review will ask.",
    ),
    OUTSIDE: (
        "Find out who waits: users, support, partners, colleagues.",
        "Say what is known in plain words; say fine only when it is known.",
        "Promise the next word, and keep it also when nothing is new.",
        "Take questions yourself; those who repair see none of them.",
        "Say when it is over, and where more will be told.",
    ),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look after in a room, and who ticked it when."""

    text: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ForRole:
    """The list of one role: in general, or as it stands in a room."""

    role: str
    title: str
    items: Sequence[Item]
    is_own: bool

    @property
    def ticked(self) -> int:
        """How many are ticked."""
        return sum(1 for item in self.items if item.at is not None)


def shelf(roles: Sequence[str] = tuple(OWN)) -> list[ForRole]:
    """Return the lists of some roles, or of all, as they are here."""
    adapted = {row.role: tuple(row.items) for row in Checklist.objects.filter(role__in=roles)}
    return [
        ForRole(role, TITLES[role], [Item(text) for text in adapted.get(role, OWN[role])], role not in adapted)
        for role in roles
    ]


def in_room(incident: Incident, roles: Sequence[str] = tuple(OWN)) -> list[ForRole]:
    """Return the lists of some roles with what is ticked; what was ticked stays, though the list is another by now."""
    if not roles:
        return []
    ticks = Tick.objects.filter(incident=incident, role__in=roles).select_related("by").order_by("pk")
    by_role: dict[str, dict[str, Item]] = {role: {} for role in roles}
    for tick in ticks:
        by_role[tick.role][tick.item] = Item(tick.item, tick.by.name, tick.at)
    return [
        ForRole(
            one.role,
            one.title,
            list(({item.text: item for item in one.items} | by_role[one.role]).values()),
            one.is_own,
        )
        for one in shelf(roles)
    ]


def roles_of(incident: Incident, reader: Person) -> list[str]:
    """Return the roles that somebody has in a room."""
    held = {str(Role.LEAD): incident.lead_id == reader.pk, str(Role.SCRIBE): incident.scribe_id == reader.pk}
    held[OUTSIDE] = ports.holds_outside(incident, reader)
    return [role for role in OWN if held[role]]

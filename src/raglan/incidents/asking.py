"""How an open ask is told: to whom it went, who is on it, and what happens if nobody answers."""

from dataclasses import dataclass

from django.utils import timezone

from raglan.incidents.models import Entry
from raglan.ui.wording import clock


@dataclass(frozen=True, slots=True)
class Ask:
    """An open ask or verification with the words that stand beside it."""

    entry: Entry
    tally: str

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for help and nobody has taken it."""
        return self.entry.kind != Entry.Kind.VERIFY and self.entry.ask_state == Entry.AskState.WAITING

    @property
    def to(self) -> str:
        """To whom it went and about what, as it stands behind the asker's name."""
        return to_words(self.entry)

    @property
    def otherwise(self) -> str:
        """What happens if nobody answers, or what has happened since nobody did."""
        return otherwise_words(self.entry)


def to_words(entry: Entry) -> str:
    """Say to whom an ask went and about what; nothing when it went to everyone."""
    whom = entry.to_person.name if entry.to_person else entry.to_team.name if entry.to_team else ""
    parts = (f"to {whom}" if whom else "", f"about {entry.to_topic}" if entry.to_topic else "")
    return " ".join(part for part in parts if part)


def otherwise_words(entry: Entry) -> str:
    """Say what happens when nobody takes an ask."""
    person, team = entry.ping_person, entry.ping_team or entry.to_team
    whom = person.name if person else f"{team.name}’s on-call" if team else ""
    zone = timezone.get_current_timezone()
    if entry.ping_at and whom:
        return f"{whom} is paged at {clock(entry.ping_at, zone)}"
    if entry.pinged_at and whom:
        return f"{whom} was paged at {clock(entry.pinged_at, zone)}"
    return ""

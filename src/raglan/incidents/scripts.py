"""Social scripts: short wordings for recurring moments, to take as they are or to adapt."""

from collections.abc import Iterable
from dataclasses import dataclass

from raglan.incidents.models import Script

OWN: dict[str, tuple[str, str]] = {
    "broke": (
        "I think I broke something",
        "I may have broken something. I did …, I see …, it may reach …. I am in the room and tell all I know.",
    ),
    "first-reply": ("First reply to somebody who did", "Thank you for saying so at once. What do you need?"),
    "joining": (
        "Joining late",
        "I have read what the log says. I can take …, unless somebody has it. Where else am I useful?",
    ),
    "handing-over": (
        "Handing over",
        "The lead is yours, if you take it. Under way: …. Promised: …. I stay until … and answer questions.",
    ),
    "stop": ("Saying stop", "Please hold for a moment: I see …, and I do not understand it yet. Can we wait for …?"),
    "disagreeing": ("Disagreeing", "I read it another way: …. What would show us which it is?"),
    "stuck": ("Being stuck", "I am out of ideas with …. I tried … and saw …. Not sure that this is the right place."),
    "closing": (
        "Closing",
        "It serves again, and … checked from outside. Still open, for the review: …. Thank you all.",
    ),
    "thanking": ("Thanking", "Thank you, …. That you … made my part easier."),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What can be said at a moment."""

    moment: str
    title: str
    words: str
    is_own: bool


def shelf(moments: Iterable[str] = tuple(OWN)) -> list[Wording]:
    """Return the wordings of some moments, or of all; those that were adapted here as they are said here."""
    adapted = dict(Script.objects.values_list("moment", "words"))
    return [
        Wording(moment, OWN[moment][0], adapted.get(moment, OWN[moment][1]), moment not in adapted)
        for moment in moments
    ]

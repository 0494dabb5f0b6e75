"""Social scripts: short wordings for recurring moments, to take as they are or to adapt."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from raglan.incidents.models import Script
from raglan.people.models import Person, Team

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
PLACES: dict[str, tuple[str, ...]] = {
    Script.Place.ROOM: ("first-reply", "stuck", "stop", "disagreeing", "joining"),
    Script.Place.HEADS_UP: ("broke",),
    Script.Place.JOINING: ("joining",),
    Script.Place.HANDING_OVER: ("handing-over",),
    Script.Place.CLOSING: ("closing", "thanking"),
    Script.Place.SHELF: (),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What can be said at a moment; `team` is whose words they are, where a team has its own.

    `place` is where a moment stands that a team added; raglan's own have theirs, some of them two.
    """

    moment: str
    title: str
    words: str
    is_own: bool
    team: str = ""
    place: str = ""


def beside(place: Script.Place, reader: Person) -> list[Wording]:
    """Return the wordings that stand at a place: raglan's own, then those that the reader's teams added there."""
    return [one for one in shelf(reader=reader) if one.moment in PLACES[place] or one.place == place]


def shelf(
    moments: Iterable[str] | None = None, *, reader: Person | None = None, team: Team | None = None
) -> list[Wording]:
    """Return the wordings of some moments, or of all: as the reader's team says them, else as they are said here.

    With a team they are as that team says them. The first of several teams by its name goes before the others. Moments
    that a team added stand last.
    """
    said: dict[str, Script] = {}
    for one in _said(reader, team):
        if one.moment not in said or said[one.moment].team_id is None:
            said[one.moment] = one
    chosen = list(moments) if moments is not None else [*OWN, *(moment for moment in said if moment not in OWN)]
    return [_wording(moment, said.get(moment)) for moment in chosen]


def _said(reader: Person | None, team: Team | None) -> QuerySet[Script]:
    """Return what is said here and in the teams that count: everybody's words first, then teams by their names."""
    whose = Q(team__isnull=True)
    if team is not None:
        whose |= Q(team=team)
    elif reader is not None:
        whose |= Q(team__in=Team.objects.filter(memberships__person=reader))
    found = Script.objects.filter(whose).select_related("team")
    return found.order_by(F("team__name").asc(nulls_first=True), "title", "pk")


def _wording(moment: str, said: Script | None) -> Wording:
    title, words = OWN.get(moment, ("", ""))
    if said is None:
        return Wording(moment, title, words, is_own=True)
    place = "" if moment in OWN else said.place
    team = said.team.name if said.team else ""
    return Wording(moment, title or said.title, said.words, is_own=False, team=team, place=place)

"""The fields in which people write to a room: what they say, and what they ask."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypedDict, cast

from django.http import HttpRequest

from raglan.core.decode import clean_text
from raglan.incidents import actions
from raglan.incidents.entry_views import uploads
from raglan.incidents.models import Entry
from raglan.incidents.queries import Askable
from raglan.people.models import Person, Team

USUALLY: Mapping[str, str] = {"to": "", "to_topic": "", "otherwise": "same", "after": "5"}
OTHERWISE = (("same", "page whom I ask"), ("nothing", "nothing more happens"))
MINUTES = ("5", "2", "10", "20")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose, and whether it is chosen."""

    value: str
    label: str
    is_chosen: bool


def text(request: HttpRequest, name: str) -> str:
    """Return a field that no form has looked at, as both databases take it."""
    return clean_text(request.POST.get(name, ""))


def asked(request: HttpRequest) -> dict[str, str]:
    """Return what the fields of an ask hold, for the same fields again."""
    return {name: said for name in USUALLY if (said := text(request, name))}


def choices(shown: Mapping[str, object], reader: Person, chosen: Mapping[str, str]) -> dict[str, object]:
    """Return what the fields of an ask offer in a room as it is shown, with what was chosen before."""
    askable = cast("Askable | None", shown.get("askable"))
    now = {**USUALLY, **chosen}
    teams = [(f"team:{team.slug}", team.name) for team in askable.teams] if askable else []
    people = [(f"person:{one.pk}", one.name) for one in askable.people if one.pk != reader.pk] if askable else []
    return {
        "ask_to": [("Teams", _marked(teams, now["to"])), ("People", _marked(people, now["to"]))],
        "ask_topic": now["to_topic"],
        "ask_otherwise": [
            ("", _marked(OTHERWISE, now["otherwise"])),
            ("Page who is on call in", _marked(teams, now["otherwise"])),
            ("Page", _marked(people, now["otherwise"])),
        ],
        "ask_after": _marked([(minutes, f"{minutes} minutes") for minutes in MINUTES], now["after"]),
    }


def _marked(offered: Iterable[tuple[str, str]], chosen: str) -> list[Choice]:
    return [Choice(value, label, value == chosen) for value, label in offered]


def said(request: HttpRequest, kind: Entry.Kind) -> actions.Said:
    """Return what a form says. A text that is too long for an entry becomes a file. Raises BadInput."""
    found = actions.Said(
        kind=kind,
        text=text(request, "text"),
        key=text(request, "entry_key")[:64],
        files=uploads(request),
        **(_asked(request) if kind in actions.PINGED else Asked()),
    )
    return actions.whole(found)


def beside(said: actions.Said) -> actions.Said:
    """Return what is said under a key of its own, made of the one that other words stand under, of these, and to whom.

    So does whoever changes what was sent already (its answer got lost, or they went a page back) lose neither of both.
    """
    words = f"{said.key} {said.kind} {said.text}"
    if said.kind in actions.PINGED:
        nobody = said.if_nobody or actions.IfNobody()
        whom = (said.to_team, said.to_person, nobody.team, nobody.person)
        words += f" {[one and one.pk for one in whom]} {said.to_topic} {nobody.after}"
    return replace(said, key=hashlib.sha256(words.encode()).hexdigest())


class Asked(TypedDict, total=False):
    """To whom an ask goes, and what happens if nobody answers."""

    to_team: Team | None
    to_person: Person | None
    to_topic: str
    if_nobody: actions.IfNobody | None


def _asked(request: HttpRequest) -> Asked:
    """Read the fields of an ask; words that name nobody mean everyone."""
    person, team = _whom(request, "to")
    old = Team.objects.filter(slug=text(request, "to_team")).first()
    minutes, otherwise = text(request, "after"), text(request, "otherwise")
    after = timedelta(minutes=int(minutes)) if re.fullmatch("[0-9]{1,4}", minutes) else actions.PING_AFTER
    by_choice = _whom(request, "otherwise") if otherwise != "same" else (person, None if person else team or old)
    return {
        "to_team": team or old,
        "to_person": person,
        "to_topic": text(request, "to_topic"),
        "if_nobody": actions.IfNobody(after, *by_choice) if otherwise else None,
    }


def _whom(request: HttpRequest, name: str) -> tuple[Person | None, Team | None]:
    """Return the person or the team that a choice names, as `person:7` or `team:web`."""
    kind, _, key = text(request, name).partition(":")
    if kind == "person" and re.fullmatch("[0-9]{1,18}", key):
        return Person.objects.filter(pk=int(key), is_active=True).first(), None
    return None, Team.objects.filter(slug=key).first() if kind == "team" else None

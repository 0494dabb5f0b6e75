"""What happened to the privacy of an incident: who came on its list, went off it, looked by exception; when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from raglan.core import timeline
from raglan.core.models import Event
from raglan.incidents import events
from raglan.incidents.models import Incident, Listed
from raglan.people.models import Person, Team

KINDS = (events.MadePrivate, events.OpenedUp, events.PutOnList, events.TakenOffList)
MOST = 500


@dataclass(frozen=True, slots=True)
class Trace:
    """One thing that happened: what, to whom if to anybody, by whom, when and why."""

    at: datetime
    what: str
    whom: str
    by: str
    why: str
    is_exception: bool


def traces(incident: Incident) -> list[Trace]:
    """Return what happened, newest first. It comes from events, which are never changed."""
    about = Event.objects.filter(subjects__subject=timeline.ref(incident), kind__in=[kind.kind for kind in KINDS])
    found = list(about.order_by("-pk")[:MOST])
    people = {int(str(event.data[name])) for event in found for name in ("person", "by") if event.data.get(name)}
    people |= {int(event.actor.removeprefix("person:")) for event in found if event.actor.startswith("person:")}
    names = dict(Person.objects.filter(pk__in=people).values_list("pk", "name"))
    teams = {int(str(event.data["team"])) for event in found if event.data.get("team")}
    team_names = dict(Team.objects.filter(pk__in=teams).values_list("pk", "name"))
    return [_trace(event, names, team_names) for event in found]


def _trace(event: Event, names: Mapping[int, str], teams: Mapping[int, str]) -> Trace:
    data = event.data
    whom = names.get(data.get("person") or 0) or teams.get(data.get("team") or 0) or ""
    actor = event.actor.removeprefix("person:")
    by = names.get(int(actor), "") if actor.isdecimal() else "raglan"
    is_exception = data.get("how") == Listed.How.EXCEPTION
    return Trace(event.at, _what(event), whom, by, str(data.get("why", "")), is_exception)


def _what(event: Event) -> str:
    match event.kind:
        case events.MadePrivate.kind:
            return "Made private"
        case events.OpenedUp.kind:
            return "Opened up"
        case events.TakenOffList.kind:
            return "Taken off the list"
        case _:
            return Listed.How(event.data["how"]).label

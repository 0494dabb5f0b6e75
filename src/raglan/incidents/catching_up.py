"""The card for whoever comes late, made from the log: nobody has to stop and brief them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from raglan.incidents import queries, task_queries
from raglan.incidents.asking import Ask
from raglan.incidents.models import Entry, Incident, LostTool, Responder, Task
from raglan.people.models import Person
from raglan.ui.wording import listed

Kind = Entry.Kind
FIRST, SOME, MANY, MOST_TOLD = 3, 5, 8, 60
# In the order in which they are asked for: an act whose outcome is told meanwhile is in both parts sooner than in none.
MOST = {"under_way": MANY, "tried": MOST_TOLD, "ruled_out": MOST_TOLD, "decided": FIRST, "found": SOME}
FIRST_SHOWED, RISKY, THREADS = "How it first showed", "Risky now", "Who is on what"
UNDER_WAY, TOOLS, KNOWN, DECIDED = "Under way", "Not reachable", "Known", "Decided"
TRIED, RULED_OUT = "Tried, and what it did", "Ruled out"
LENGTH = 220
ENOUGH = 6


@dataclass(frozen=True, slots=True)
class Told:
    """One thing out of the log: who, when, what, and what it did if it was an act."""

    who: str
    text: str
    at: datetime | None = None
    entry: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What somebody who comes late wants to know."""

    first: Sequence[Told]
    known: Sequence[Told]
    tried: Sequence[Told]
    ruled_out: Sequence[Told]
    decided: Sequence[Told]
    risks: Sequence[Told]  # what people marked
    under_way: Sequence[Told]  # what people are doing
    tools: Sequence[Told]
    threads: Sequence[Told]
    wanted: Sequence[Ask]
    tasks: Sequence[Task] = ()
    tried_in_all: int = 0
    ruled_out_in_all: int = 0

    @property
    def parts(self) -> list[tuple[str, Sequence[Told]]]:
        """The parts that hold something, each under its heading, in the order in which people ask."""
        named = (
            (FIRST_SHOWED, self.first),
            (RISKY, self.risks),
            (THREADS, self.threads),
            (UNDER_WAY, self.under_way),
            (TOOLS, self.tools),
            (KNOWN, self.known),
            (DECIDED, self.decided),
            (TRIED, self.tried),
            (RULED_OUT, self.ruled_out),
        )
        return [(name, told) for name, told in named if told]


def card(incident: Incident) -> Card:
    """Return the card of a room."""
    log = _log(incident)
    told = {name: _newest(log[name], most) for name, most in MOST.items()}
    here = queries.here(incident).responders
    tasks = list(task_queries.open_tasks(incident)[: task_queries.MOST])
    return Card(
        first=_first(incident),
        known=[*_written(incident), *told["found"]],
        tried=told["tried"],
        ruled_out=told["ruled_out"],
        decided=told["decided"],
        risks=_risks(incident),
        under_way=told["under_way"],
        tools=[Told(_missed_by(tool), tool.name, tool.lost_at) for tool in queries.lost_tools(incident)[:MANY]],
        threads=[*_threads(incident, here), *_with_somebody(tasks)],
        wanted=[Ask(entry, "") for entry in queries.open_asks(incident)[:MANY]],
        tasks=[task for task in tasks if task.owner_id is None][:MANY],
        tried_in_all=_in_all(log["tried"], told["tried"]),
        ruled_out_in_all=_in_all(log["ruled_out"], told["ruled_out"]),
    )


def is_new(incident: Incident, reader: Person) -> bool:
    """Whether somebody comes to a room in which things were said before them: the card then stands open on top."""
    if incident.state != Incident.State.OPEN or reader.pk in (incident.lead_id, incident.declared_by_id):
        return False
    own = Responder.objects.filter(incident=incident, person=reader).first()
    said = Entry.objects.filter(incident=incident, kind__in=queries.PEOPLE)
    if own is None:
        return said.count() >= ENOUGH
    is_silent = not said.filter(author=reader).exists()
    return is_silent and not own.doing and said.filter(at__lt=own.joined_at).count() >= ENOUGH


def _log(incident: Incident) -> dict[str, QuerySet[Entry]]:
    """Return which entries belong to which part, of a long day, too, all of them."""
    since = incident.standing_at or incident.declared_at
    found = Q(kind=Kind.FOUND) & ~Q(key__in=_of_tools(incident))  # tools have a part of their own
    found &= Q(at__gt=since) if incident.know else Q()
    parts = {
        "tried": queries.TRIED,
        "ruled_out": Q(kind=Kind.RULED_OUT),
        "decided": Q(kind=Kind.DECIDED),
        "under_way": Q(kind=Kind.DOING, outcome="", ask_state=Entry.AskState.WAITING, risky_at__isnull=True),
        "found": found,
    }
    entries = Entry.objects.filter(incident=incident).select_related("author")
    return {name: entries.filter(which) for name, which in parts.items()}


def _newest(found: QuerySet[Entry], most: int) -> list[Told]:
    """Return the newest entries of a part as they are told, oldest first."""
    return [_told(entry) for entry in reversed(found.order_by("-at", "-pk")[:most])]


def _in_all(found: QuerySet[Entry], told: list[Told]) -> int:
    """Return how many there are, counted only where not all are told."""
    return found.count() if len(told) == MOST_TOLD else len(told)


def _risks(incident: Incident) -> list[Told]:
    """Return what people marked as risky now, the newest mark last."""
    found = Entry.objects.filter(incident=incident, risky_at__isnull=False).select_related("author")
    return [_told(entry) for entry in reversed(found.order_by("-risky_at", "-pk")[:MANY])]


def _missed_by(tool: LostTool) -> str:
    return listed([tool.lost_by.name, *(item.person.name for item in tool.missed.all())])


def _of_tools(incident: Incident) -> set[str]:
    """Return the keys of lines that tell of tools: those have a part of their own."""
    lost = LostTool.objects.filter(incident=incident).values_list("pk", flat=True)
    return {f"{word}-{pk}" for pk in lost for word in ("lost", "back")}


def _told(entry: Entry) -> Told:
    result = entry.get_result_display() if entry.result else ""
    words = entry.outcome if entry.outcome and entry.outcome != result else ""
    outcome = ": ".join(part for part in (result, words) if part)
    return Told(entry.who, _short(entry.text), entry.at, entry.pk, _short(outcome))


def _short(text: str) -> str:
    """Return the first line, cut after a word where it is long; a word of its own length is cut inside."""
    first = text.strip().partition("\n")[0]
    if len(first) <= LENGTH:
        return first
    words = first[: LENGTH + 1].rpartition(" ")[0].rstrip()
    return (words or first[:LENGTH]) + " …"


def _first(incident: Incident) -> list[Told]:
    """Return how it first showed: who declared it with which words, the alert, the heads-up."""
    alert = queries.groups_of(incident).order_by("opened_at", "pk").first()
    alerts = [Told("Alert", alert.title, alert.opened_at)] if alert is not None else []
    heads_ups = Entry.objects.filter(incident=incident, kind=Kind.HEADS_UP).select_related("author")
    warned = [_told(entry) for entry in heads_ups.order_by("at", "pk")[:1]]
    opener = incident.declared_by.name if incident.declared_by else "raglan"
    opened = [] if warned else [Told(opener, incident.title, incident.declared_at)]
    found = sorted([*opened, *alerts, *warned], key=lambda told: (told.at or incident.declared_at, told.entry))
    return found[:FIRST]


def _written(incident: Incident) -> list[Told]:
    """Return what was written down as known."""
    by = incident.standing_by.name if incident.standing_by else ""
    return [Told(by, line, incident.standing_at) for line in incident.know]


def _threads(incident: Incident, here: Sequence[Responder]) -> list[Told]:
    """Return who leads, and who is on what, as they say themselves."""
    here = sorted(here, key=lambda item: item.person_id != incident.lead_id)
    named = [
        (item, ", ".join(part for part in ("lead" if item.person_id == incident.lead_id else "", item.doing) if part))
        for item in here
    ]
    return [Told(item.person.name, words) for item, words in named if words]


def _with_somebody(tasks: Iterable[Task]) -> list[Told]:
    """Return the tasks that people have."""
    return [Told(task.owner.name, _short(task.text)) for task in tasks if task.owner is not None][:MANY]

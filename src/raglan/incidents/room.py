"""What the room's screen shows, gathered once for a whole page or for one part of it."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import now
from raglan.incidents import (
    actions,
    card_parts,
    catching_up,
    checklists,
    ports,
    queries,
    related_queries,
    severities,
    task_queries,
)
from raglan.incidents.asking import Ask, otherwise_words, to_words
from raglan.incidents.folding import Folded, fold
from raglan.incidents.models import EarlierText, Entry, Incident, LostTool, ServiceState
from raglan.people.models import Person
from raglan.ui.wording import clock, listed

PAGE_SIZE = 50
STANDING = 12  # asks; more of them unfold, so that the way to the composer stays short
ABOUT = "about"  # in a session: the room that its opener is asked about
COMING = 50
LOOKS = {
    ServiceState.DOWN: "bad",
    ServiceState.SLOW: "slow",
    ServiceState.FINE: "good",
    ServiceState.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of entry is drawn, and the verb between the name and the text."""

    css: str
    icon: str
    verb: str


KINDS: dict[str, Kind] = {
    Entry.Kind.NOTE: Kind("says", "note", ""),
    Entry.Kind.DOING: Kind("does", "do", "is doing:"),
    Entry.Kind.ASK: Kind("asks", "ask", "asks for help:"),
    Entry.Kind.VERIFY: Kind("asks", "verify", "asks to verify:"),
    Entry.Kind.FOUND: Kind("finds", "find", "found:"),
    Entry.Kind.DECIDED: Kind("decides", "decide", "decided:"),
    Entry.Kind.TRIED: Kind("does", "do", "tried:"),
    Entry.Kind.RULED_OUT: Kind("finds", "stop", "ruled out:"),
    Entry.Kind.STUCK: Kind("asks", "help", "is stuck on:"),
    Entry.Kind.HEADS_UP: Kind("says", "note", "gave a heads-up:"),
    Entry.Kind.MACHINE: Kind("says", "bell", ""),
}
COMPOSER = (
    (Entry.Kind.NOTE, "note", "Note"),
    (Entry.Kind.DOING, "do", "I’m doing"),
    (Entry.Kind.ASK, "ask", "Ask for help"),
    (Entry.Kind.VERIFY, "verify", "Ask to verify"),
    (Entry.Kind.FOUND, "find", "Found"),
    (Entry.Kind.TRIED, "do", "Tried"),
    (Entry.Kind.RULED_OUT, "stop", "Ruled out"),
    (Entry.Kind.STUCK, "help", "I’m stuck"),
    (Entry.Kind.DECIDED, "decide", "Decided"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline, ready to draw."""

    entry: Entry
    kind: Kind
    look: str
    who: str
    is_turn: bool
    is_machine: bool
    folded: Folded | None = None
    day: str = ""  # where it is another one than above, or than today on top

    @property
    def verb(self) -> str:
        """The words between the name and the text; an ask says to whom it went."""
        to = to_words(self.entry) if self.entry.kind in queries.ASKS else ""
        return f"{self.kind.verb.removesuffix(':')} ({to}):" if to else self.kind.verb

    @property
    def waits(self) -> str:
        """That an ask waits, and what happens if nobody answers."""
        if self.entry.kind not in (Entry.Kind.ASK, Entry.Kind.STUCK) or self.entry.ask_state != Entry.AskState.WAITING:
            return ""
        otherwise = otherwise_words(self.entry)
        return f"Nobody yet; {otherwise}." if otherwise else "Nobody yet."

    @property
    def sides(self) -> list[tuple[str, str]]:
        """Who answered which way, and when they did."""
        zone = timezone.get_current_timezone()
        found: dict[str, list[str]] = {}
        for given in self.entry.answers.all():
            found.setdefault(given.side, []).append(f"{given.person.name} {clock(given.at, zone)}")
        words = {"yes": "sees it too" if len(found.get("yes", [])) == 1 else "see it too"}
        words["no"] = "does not" if len(found.get("no", [])) == 1 else "do not"
        return [(listed(names), words[side]) for side, names in sorted(found.items(), reverse=True)]

    @property
    def texts_before(self) -> list[EarlierText]:
        """What it said before it was corrected."""
        return [item for item in self.entry.earlier.all() if not item.is_outcome]

    @property
    def outcomes_before(self) -> list[EarlierText]:
        """Outcomes that were told before the one that stands under it."""
        return [item for item in self.entry.earlier.all() if item.is_outcome]

    @property
    def helped(self) -> str:
        """Whom it helped: names, never a number of anybody."""
        return listed([given.person.name for given in self.entry.helped.all()])

    @property
    def helped_ids(self) -> list[int]:
        """Whom it helped, to know one's own mark."""
        return [given.person_id for given in self.entry.helped.all()]

    @property
    def tally(self) -> str:
        """How many answered which way."""
        return tally(self.entry)


def tally(entry: Entry) -> str:
    """Count a verification's answers in words."""
    sides = [given.side for given in entry.answers.all()]
    yes, no = sides.count("yes"), sides.count("no")
    if not sides:
        return "Nobody has answered yet."
    see = f"{yes} {'sees' if yes == 1 else 'see'} it too"
    do_not = f"{no} {'does' if no == 1 else 'do'} not"
    if not yes:
        return f"{do_not} see it."
    return f"{see}, {do_not}." if no else f"{see}."


def look_of(state: str) -> str:
    """Return how a state of the service is drawn."""
    return LOOKS.get(ServiceState(state), "unknown")


def line(entry: Entry) -> Line:
    """Return an entry ready to draw."""
    is_turn = entry.kind == Entry.Kind.TURN
    return Line(
        entry=entry,
        kind=KINDS.get(entry.kind, KINDS[Entry.Kind.NOTE]),
        look=look_of(entry.service_state),
        who=entry.who,
        is_turn=is_turn,
        is_machine=entry.kind == Entry.Kind.MACHINE,
        folded=fold(entry.text),
    )


@dataclass(frozen=True, slots=True)
class View:
    """How a reader looks at the timeline."""

    show: str = "everything"
    oldest_first: bool = False
    before: int = 0
    # What was read already for the whole page.
    pages: Sequence[queries.PageInRoom] | None = None
    asks: Sequence[Entry] | None = None
    groups: Sequence[AlertGroup] | None = None
    here: queries.Here | None = None

    @property
    def query(self) -> str:
        """The address's query for this view."""
        parts = [f"show={self.show}" if self.show != "everything" else "", "order=oldest" if self.oldest_first else ""]
        return "&".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that people miss, as a reader sees it."""

    tool: LostTool
    reader: Person

    @property
    def who(self) -> str:
        """For whom it is not reachable."""
        return listed([self.tool.lost_by.name, *(item.person.name for item in self.tool.missed.all())])

    @property
    def is_missed(self) -> bool:
        """Whether the reader said so already."""
        ids = [self.tool.lost_by_id, *(item.person_id for item in self.tool.missed.all())]
        return self.reader.pk in ids


def head(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """Title, state, facts."""
    at = now()
    asks = queries.open_asks(incident).count() if view.asks is None else len(view.asks)
    return {
        "look": look_of(incident.service_state),
        "state_words": incident.state_words or incident.get_service_state_display(),
        "is_overdue": actions.is_shown_late(incident, at)
        or (actions.due_standing(incident, at) and incident.lead_id == reader.pk),
        "ask_count": asks,
        "users_feel": "" if incident.severity == Incident.Severity.UNKNOWN else severities.words_of(incident.severity),
        "notices": ports.notices(incident),
        "people_count": incident.responders.filter(left_at__isnull=True).count(),
        "tools": [Tool(tool, reader) for tool in queries.lost_tools(incident)],
        "firing": sum(group.firing_count for group in _groups(incident, view)),
    }


def standing(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """Where it stands."""
    return {"look": look_of(incident.service_state)}


def asks(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """Open asks, those to the reader first, then waiting ones, and open intentions; of very many, some unfold."""
    found = list(queries.open_asks(incident) if view.asks is None else view.asks)
    present = view.here or queries.here(incident)
    answered = incident.entries.filter(kind__in=queries.ASKS, ask_state=Entry.AskState.ANSWERED).count()
    mine = {entry.pk for entry in found if entry.to_person_id == reader.pk}
    found.sort(key=lambda entry: entry.pk not in mine)
    open_ones = [Ask(entry, tally(entry) if entry.kind == Entry.Kind.VERIFY else "") for entry in found]
    return {
        "asks": open_ones[:STANDING],
        "more_asks": open_ones[STANDING:],
        "mine": mine,
        "intentions": list(queries.open_intentions(incident)),
        "results": Entry.Result.choices,
        "answered_count": answered,
        "offers": [item for item in present.responders if item.offer and item.offer_until and item.offer_until > now()],
        "unanswered_pages": [page for page in _pages(incident, view) if page.is_unanswered],
    }


def tasks(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """What is to be done, and who has it."""
    return {"tasks": task_queries.in_room(incident, now())}


def lines(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """A page of the timeline."""
    found = queries.entries(incident, show=view.show, oldest_first=view.oldest_first)
    if view.before:
        beyond = queries.written_after if view.oldest_first else queries.written_before
        found = beyond(found, view.before)
    shown = list(found[: PAGE_SIZE + 1])
    return {
        "lines": _with_days([line(entry) for entry in shown[:PAGE_SIZE]]),
        # The words that thank for a heads-up at once, before anybody is there.
        "thanks": queries.thanks() if any(entry.kind == Entry.Kind.HEADS_UP for entry in shown) else "",
        "more_after": shown[PAGE_SIZE - 1].pk if len(shown) > PAGE_SIZE else 0,
        "view": view,
    }


def _with_days(found: Sequence[Line]) -> list[Line]:
    """Say the day where another one begins: a time of day alone would be taken for one of today."""
    zone, marked = timezone.get_current_timezone(), []
    today = above = now().astimezone(zone).date()
    for one in found:
        on = one.entry.at.astimezone(zone).date()
        if on != above and not one.is_turn:
            above = on
            year = "" if on.year == today.year else f" {on.year}"
            one = replace(one, day="today" if on == today else f"{on.day} {on:%b}{year}")  # noqa: PLW2901
        marked.append(one)
    return marked


def side(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """Who is here, pages, alerts, services."""
    found = view.here or queries.here(incident)
    with_teams = Prefetch("services", Service.objects.select_related("team").order_by("name"))
    prefetch_related_objects([incident], with_teams)  # panels look at them, too
    return {
        "here": found,
        "can_come": list(queries.can_come(but=[item.person_id for item in found.responders])[:COMING]),
        "is_here": any(item.person_id == reader.pk for item in found.responders),
        "pages": _pages(incident, view),
        "groups": _groups(incident, view)[:20],
        "services": list(incident.services.all()),
        "own_lists": checklists.in_room(incident, checklists.roles_of(incident, reader)),
        "related": related_queries.related(incident),
        "panels": ports.panels(incident, reader),
    }


def _pages(incident: Incident, view: View) -> Sequence[queries.PageInRoom]:
    return queries.pages_of(incident) if view.pages is None else view.pages


def _groups(incident: Incident, view: View) -> Sequence[AlertGroup]:
    return list(queries.groups_of(incident)) if view.groups is None else view.groups


def catch_up(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """The card for whoever comes late."""
    return {"card": card_parts.shown(catching_up.card(incident)), "newest": queries.newest(incident, PAGE_SIZE)}


PARTS: dict[str, Callable[[Incident, Person, View], dict[str, object]]] = {
    "head": head,
    "standing": standing,
    "asks": asks,
    "tasks": tasks,
    "lines": lines,
    "side": side,
    "catch_up": catch_up,
}
LATER = ("catch_up",)


def topic(incident: Incident) -> str:
    """Return the name under which a page hears that something changed in a room."""
    return timeline.ref(incident)


def whole(incident: Incident, reader: Person, view: View) -> dict[str, object]:
    """All parts together."""
    context: dict[str, object] = {
        "incident": incident,
        "topic": timeline.ref(incident),
        "composer_kinds": COMPOSER,
        "entry_key": secrets.token_hex(16),
        "live_topics": f"{timeline.ref(incident)} {ports.live_topics()}".strip(),
        "live_since": timeline.newest_id(),
    }
    groups, asks = list(queries.groups_of(incident)), list(queries.open_asks(incident))
    view = replace(view, pages=queries.pages_of(incident), asks=asks, groups=groups, here=queries.here(incident))
    for name, gather in PARTS.items():
        if name not in LATER:
            context |= gather(incident, reader, view)
    present, coming, services = context["here"], context["can_come"], context["services"]
    if isinstance(present, queries.Here) and isinstance(coming, list) and isinstance(services, list):
        context["askable"] = queries.askable(present, coming=coming, services=services)
    if catching_up.is_new(incident, reader):
        context |= catch_up(incident, reader, view)
    return context


def written_at(text: str, at: datetime) -> datetime:
    """Return when an entry was written: the device's word within a day of ours, else our own time."""
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        return at
    if said.tzinfo is None or abs((at - said).total_seconds()) > 86_400 or said > at:
        return at
    return said

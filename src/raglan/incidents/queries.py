"""Reads of incidents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, Q, QuerySet, Value, When

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.config import config
from raglan.core.clock import now
from raglan.core.db import Prepared
from raglan.core.errors import NotFound
from raglan.core.secrets import digest
from raglan.incidents import privacy
from raglan.incidents.models import (
    Alike,
    Answer,
    Attachment,
    Availability,
    EarlierText,
    Entry,
    HeadsUp,
    HeadsUpAddress,
    Helped,
    Incident,
    LostTool,
    Missed,
    Responder,
    Thanks,
)
from raglan.oncall import queries as oncall
from raglan.paging.models import Page, Reached
from raglan.people import reading
from raglan.people.models import Membership, Person, Team

THANKS = "Thank you for saying so at once."
WHO = ("author", "taken_by", "to_team", "to_person", "ping_person", "ping_team", "risky_by")
OFFERED = 8
PERHAPS_WITHIN = timedelta(hours=1)
OPEN_ASKS = (Entry.AskState.WAITING, Entry.AskState.TAKEN)
PEOPLE = (
    Entry.Kind.NOTE,
    Entry.Kind.DOING,
    Entry.Kind.ASK,
    Entry.Kind.VERIFY,
    Entry.Kind.FOUND,
    Entry.Kind.DECIDED,
    Entry.Kind.TRIED,
    Entry.Kind.RULED_OUT,
    Entry.Kind.STUCK,
    Entry.Kind.HEADS_UP,
)
ASKS = (Entry.Kind.ASK, Entry.Kind.VERIFY, Entry.Kind.STUCK)
TRIED = Q(kind=Entry.Kind.TRIED) | Q(kind=Entry.Kind.DOING) & ~Q(outcome="")
SHOWN = {
    "people": Q(kind__in=PEOPLE),
    "asks": Q(kind__in=ASKS),
    "tried": TRIED,
    "ruled_out": Q(kind=Entry.Kind.RULED_OUT),
}


@dataclass(frozen=True, slots=True)
class Here:
    """Who is in a room: people, how many teams, and what each is on."""

    responders: list[Responder]
    teams: int


@dataclass(frozen=True, slots=True)
class Askable:
    """Whom an ask can go to."""

    people: list[Person]
    teams: list[Team]


@dataclass(frozen=True, slots=True)
class PageInRoom:
    """A page as the room shows it: where it is, and a sentence."""

    page: Page
    words: str
    is_unanswered: bool


def incidents(*, state: str = "", kind: str = "") -> QuerySet[Incident]:
    """Incidents, open ones first, then the newest; of one kind, if one is named."""
    found = _with_people(privacy.visible()).order_by("-state", "-pk")
    found = found.filter(kind=kind) if kind else found
    return found.filter(state=state) if state else found


def _with_people(seen: Q) -> QuerySet[Incident]:
    return Incident.objects.filter(seen).select_related("lead", "scribe", "declared_by", "standing_by")


def open_incidents() -> QuerySet[Incident]:
    """Open incidents, newest first, with how many people are there."""
    people = Count("responders", filter=Q(responders__left_at__isnull=True), distinct=True)
    return incidents(state=Incident.State.OPEN).annotate(people_here=people)


def incident(pk: int) -> Incident:
    """Return an incident. Raises NotFound."""
    reader = reading.current()
    if reader is None:
        found = _by_number.first(pk)
    elif reader.person_id is None:
        found = _open_by_number.first(pk)
    else:
        found = _seen_by_number.first(reader.person_id, pk)
    if found is None:
        raise NotFound("There is no such incident.")
    return found


_by_number = Prepared(lambda pk: _with_people(Q()).filter(pk=pk))
_open_by_number = Prepared(lambda pk: _with_people(privacy.seen_by(None)).filter(pk=pk))
_seen_by_number = Prepared(lambda person, pk: _with_people(privacy.seen_by(person)).filter(pk=pk))


def entries(incident: Incident, *, show: str = "everything", oldest_first: bool = False) -> QuerySet[Entry]:
    """The timeline of a room: everything, or one of SHOWN; newest first unless asked otherwise."""
    found = with_all(Entry.objects.filter(incident=incident))
    found = found.filter(SHOWN.get(show, Q()))
    return found.order_by("at", "pk") if oldest_first else found.order_by("-at", "-pk")


def newest(incident: Incident, most: int) -> set[int]:
    """Return the numbers of the newest entries of a room: those that its page shows at once."""
    found = Entry.objects.filter(incident=incident).order_by("-at", "-pk")
    return set(found.values_list("pk", flat=True)[:most])


def written_after(found: QuerySet[Entry], pk: int) -> QuerySet[Entry]:
    """Narrow the timeline of a room to what stands after one of its entries; to all of it for an unknown one."""
    one = found.filter(pk=pk).values_list("at", flat=True).first()
    return found if one is None else found.filter(Q(at__gt=one) | Q(at=one, pk__gt=pk))


def written_before(found: QuerySet[Entry], pk: int) -> QuerySet[Entry]:
    """Narrow the timeline of a room to what stands before one of its entries; to all of it for an unknown one."""
    one = found.filter(pk=pk).values_list("at", flat=True).first()
    return found if one is None else found.filter(Q(at__lt=one) | Q(at=one, pk__lt=pk))


def with_all(found: QuerySet[Entry]) -> QuerySet[Entry]:
    """Fetch what hangs under entries with them."""
    return found.select_related(*WHO, "outcome_by").prefetch_related(
        Prefetch("answers", Answer.objects.select_related("person").order_by("at")),
        Prefetch("alikes", _alikes()),
        Prefetch("earlier", EarlierText.objects.select_related("by").order_by("number")),
        Prefetch("attachments", Attachment.objects.defer("data").order_by("pk")),
        Prefetch("helped", Helped.objects.select_related("person").order_by("at", "pk")),
    )


def bare(pk: int) -> list[Entry]:
    """Read an entry under which nothing hangs yet, as `with_all` gives it, without looking."""
    found = _bare(pk)
    for entry in found:
        vars(entry)["_prefetched_objects_cache"] = dict(NOTHING_HANGS)  # where Django keeps what it has fetched
    return found


_bare = Prepared(lambda pk: Entry.objects.filter(pk=pk).select_related("incident", *WHO, "outcome_by"))
NOTHING_HANGS = {
    "answers": Answer.objects.none(),
    "alikes": Alike.objects.none(),
    "earlier": EarlierText.objects.none(),
    "attachments": Attachment.objects.none(),
    "helped": Helped.objects.none(),
}


def entry(pk: int) -> Entry:
    """Return an entry with what hangs under it. Raises NotFound."""
    found = with_all(Entry.objects.filter(pk=pk)).select_related("incident").first()
    if found is None:
        raise NotFound("There is no such entry.")
    return found


def open_asks(incident: Incident | None = None) -> QuerySet[Entry]:
    """Asks and verifications that wait or are taken, waiting ones first; of one room, or of all open rooms."""
    answers = Prefetch("answers", Answer.objects.select_related("person").order_by("at"))
    found = Entry.objects.filter(kind__in=ASKS, ask_state__in=OPEN_ASKS, incident__state=Incident.State.OPEN)
    found = found.filter(privacy.visible("incident__")) if incident is None else found.filter(incident=incident)
    joined = found.select_related(*WHO, "incident").prefetch_related(answers)
    return joined.order_by("-ask_state", "-pk")


def askable(present: Here, *, coming: Iterable[Availability], services: Iterable[Service]) -> Askable:
    """Return whom the room offers to ask: who is there, on call for its services, or can come, and all teams."""
    people = {item.person_id: item.person for item in present.responders}
    about = [service.pk for service in services]
    people |= {person.pk: person for person, _ in on_call_for(about)} if about else {}
    people |= {item.person_id: item.person for item in coming}
    return Askable(sorted(people.values(), key=lambda person: person.name), list(Team.objects.order_by("name")))


def open_intentions(incident: Incident) -> QuerySet[Entry]:
    """What people said that they are doing, and have not told the outcome of; with who does the same."""
    waiting = Entry.objects.filter(incident=incident, kind=Entry.Kind.DOING, ask_state=Entry.AskState.WAITING)
    return waiting.select_related("author").prefetch_related(Prefetch("alikes", _alikes())).order_by("-pk")


def _alikes() -> QuerySet[Alike]:
    seen = Alike.objects.filter(privacy.visible("other__incident__"))
    return seen.select_related("other__author").order_by("pk")


def said_lately(entry: Entry, *, within: timedelta) -> QuerySet[Entry]:
    """What others said that they are doing around that time, in this room and in open ones about the same service.

    Private rooms and others are not told of each other.
    """
    services = list(entry.incident.services.values_list("pk", flat=True))
    elsewhere = Q(incident__state=Incident.State.OPEN, incident__services__in=services, incident__is_private=False)
    same = Q(incident=entry.incident_id) | (elsewhere if not entry.incident.is_private else Q(pk__in=()))
    found = Entry.objects.filter(same, kind=Entry.Kind.DOING, author__isnull=False).exclude(author=entry.author_id)
    around = found.filter(at__gte=entry.at - within, at__lte=entry.at + within)
    return around.select_related("author", "incident").distinct().order_by("-pk")[:50]


def here(incident: Incident) -> Here:
    """Return who is in the room, the lead first."""
    found = list(
        Responder.objects.filter(incident=incident, left_at__isnull=True)
        .select_related("person")
        .prefetch_related(Prefetch("person__memberships", Membership.objects.select_related("team")))
        .order_by("joined_at")
    )
    found.sort(key=lambda item: item.person_id != incident.lead_id)
    teams = {membership.team_id for item in found for membership in item.person.memberships.all()}
    return Here(found, len(teams))


def people_here(incident: Incident) -> QuerySet[Person]:
    """People who are in the room, by name, and can be given something to do."""
    here = incident.responders.filter(left_at__isnull=True).values("person")
    return Person.objects.filter(pk__in=here, is_active=True).order_by("name")


def groups_of(incident: Incident) -> QuerySet[AlertGroup]:
    """Alert groups that belong to an incident."""
    found = AlertGroup.objects.filter(joined_incident__incident=incident)
    return found.select_related("source", "page", "page__acknowledged_by").order_by("-state", "-pk")


def pages_of(incident: Incident) -> list[PageInRoom]:
    """Return the pages that a room follows, unanswered ones first."""
    reached = Prefetch("reached", Reached.objects.select_related("person").order_by("pk"))
    found = Page.objects.filter(followed_by__incident=incident).select_related("acknowledged_by")
    shown = [page_in_room(page) for page in found.prefetch_related(reached).order_by("-pk")[:20]]
    return sorted(shown, key=lambda item: not item.is_unanswered)


def page_in_room(page: Page) -> PageInRoom:
    """Say in a sentence where a page is."""
    reached = list(page.reached.all())
    match page.state:
        case Page.State.ACKNOWLEDGED:
            who = page.acknowledged_by.name if page.acknowledged_by else "its source"
            words = f"{who} has it"
        case Page.State.RESOLVED:
            words = "over"
        case Page.State.UNANSWERED:
            names = ", ".join(dict.fromkeys(item.person.name for item in reached)) or "nobody was found"
            words = f"nobody could be reached ({names})"
        case _:
            words = _waiting_words(reached)
    return PageInRoom(page, words, page.state == Page.State.UNANSWERED)


def _waiting_words(reached: list[Reached]) -> str:
    if not reached:
        return "on its way"
    missed = [item.person.name for item in reached if item.answer == Reached.Answer.UNREACHABLE]
    waiting = [item.person.name for item in reached if item.answer == Reached.Answer.NONE]
    parts = [f"waits for {', '.join(dict.fromkeys(waiting))}"] if waiting else []
    if missed:
        parts.append(f"{', '.join(dict.fromkeys(missed))} could not be reached")
    return "; ".join(parts) or "going to the next person"


def thanks() -> str:
    """Return the words that thank for a heads-up."""
    return Thanks.objects.values_list("words", flat=True).first() or THANKS


def told_of(heads_up: HeadsUp, at: datetime) -> list[Person]:
    """Return whom a heads-up tells: who is on call for its services; for the giver's teams when no team owns any."""
    owners = Team.objects.filter(services__in=heads_up.services.all()).distinct()
    own = Team.objects.filter(memberships__person=heads_up.person_id)
    found = oncall.people_for_teams((owners if owners.exists() else own).values_list("pk", flat=True), at)
    return [person for person, _ in found if person.pk != heads_up.person_id]


def about_offered(incident: Incident) -> list[Service]:
    """Return services that a room without any may be about: of the teams of those who are in it first."""
    there = Q(team__memberships__person__in=incident.responders.values("person"))
    own = Case(When(Exists(Service.objects.filter(there, pk=OuterRef("pk"))), then=Value(0)), default=Value(1))
    return list(Service.objects.annotate(turn=own).order_by("turn", "name", "pk")[:OFFERED])


def bare_rooms(since: datetime | None = None) -> QuerySet[Incident]:
    """Open rooms, not private, that are about no service yet, within an hour of their start."""
    found = Incident.objects.filter(state=Incident.State.OPEN, is_private=False, services__isnull=True)
    return found.filter(declared_at__gte=since or now() - PERHAPS_WITHIN)


def told_by(rooms: QuerySet[Incident]) -> QuerySet[Reached]:
    """Whom the pages that rooms follow reached out to."""
    return Reached.objects.filter(page__followed_by__incident__in=rooms)


def heads_up_address(person: Person) -> HeadsUpAddress | None:
    """Return the address for heads-ups by mail that somebody has."""
    return HeadsUpAddress.objects.filter(person=person).first()


def address_words(token: str) -> str:
    """Return the whole address for heads-ups by mail."""
    return f"headsup+{token}@{config().mail_domain}"


def person_of_address(token: str) -> Person | None:
    """Return whose address for heads-ups it is, by what is secret in it."""
    found = HeadsUpAddress.objects.select_related("person").filter(digest=digest(token), person__is_active=True)
    address = found.first()
    return address.person if address else None


def heads_up_by_key(person: Person, key: str) -> HeadsUp | None:
    """Return a heads-up that somebody gave under a key."""
    return HeadsUp.objects.filter(person=person, key=key).first()


def mailed_lately(person: Person, since: datetime) -> int:
    """Return how many heads-ups of a person came by mail since a time."""
    return HeadsUp.objects.filter(person=person, at__gte=since, key__startswith="mail-").count()


def strangers_heads_ups(prefix: str, since: datetime) -> list[str]:
    """Return the keys of heads-ups since a time that somebody gave whom nobody here is, by what keys begin with."""
    found = HeadsUp.objects.filter(person=None, at__gte=since, key__startswith=prefix)
    return list(found.order_by("pk").values_list("key", flat=True))


def heads_ups(incident: Incident) -> QuerySet[HeadsUp]:
    """Heads-ups that led to a room, oldest first."""
    return incident.heads_ups.select_related("person").order_by("pk")


def lost_tools(incident: Incident | None = None, *, only_lost: bool = True) -> QuerySet[LostTool]:
    """Tools that people miss, the first one first; of one room, or of all open rooms."""
    missed = Prefetch("missed", Missed.objects.select_related("person").order_by("at", "pk"))
    found = LostTool.objects.select_related("service", "lost_by", "back_by", "incident").prefetch_related(missed)
    if incident is not None:
        found = found.filter(incident=incident)
    else:
        found = found.filter(privacy.visible("incident__"), incident__state=Incident.State.OPEN)
    return (found.filter(back_at__isnull=True) if only_lost else found).order_by("lost_at", "pk")


def can_come(*, but: Iterable[int] = ()) -> QuerySet[Availability]:
    """People who say that they are free now or can be pulled, free ones first; without those who are there already."""
    states = (Availability.State.FREE, Availability.State.PULLED)
    found = Availability.objects.filter(until__gt=now(), state__in=states, person__is_active=True)
    return found.exclude(person__in=list(but)).select_related("person").order_by("state", "until", "person__name")


def availability_of(people: Iterable[int]) -> QuerySet[Availability]:
    """What people say about themselves now."""
    return Availability.objects.filter(until__gt=now(), person__in=list(people))


def tool_names() -> list[str]:
    """Return names to choose from when a tool is missed."""
    return list(Service.objects.order_by("name").values_list("name", flat=True)[:200])


def lost_tool(pk: int) -> LostTool:
    """Return a tool that somebody missed. Raises NotFound."""
    found = LostTool.objects.select_related("incident").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such tool on a list.")
    return found


def on_call_for(services: list[int], at: datetime | None = None) -> list[tuple[Person, str]]:
    """Return who is on call for the teams that own services, each with the name of their rota."""
    return oncall.people_for_services(services, at or now())

"""Commands in chat: the same verbs as on the screens, with the same rights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches

from raglan.catalog import queries as catalog
from raglan.changes import spoken_holds
from raglan.chat import asking, updates, whom
from raglan.chat.words import ON_CALL, PAGE, link_of, on_call_for, taken_key
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.incidents import actions, hand, heads_up_words, queries, severities, spoken_tasks
from raglan.incidents.models import Entry, Incident
from raglan.oncall import queries as oncall
from raglan.paging import actions as paging
from raglan.paging import chat_calls
from raglan.paging import queries as pages
from raglan.paging.models import Page
from raglan.people import reading
from raglan.people.access import Scope, require
from raglan.people.models import Person, Team

MARK = "!"
OLD = timedelta(minutes=10)  # a command that comes later is not what anybody wants done now
RECENT = 20
RESULTS = {"worked": "worked", "nothing": "nothing", "worse": "worse", "given up": "given_up"}
MOST_RESULT = 12


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was written: its name, and all that stands behind it."""

    name: str
    rest: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A command, who gave it, and in which incident's room, if in any."""

    command: Command
    person: Person
    incident: Incident | None
    key: str
    workspace: int
    at: datetime

    @property
    def rest(self) -> str:
        """All that stands behind the command's name."""
        return self.command.rest

    def room(self) -> Incident:
        """Return the incident of this room. Raises Conflict."""
        if self.incident is None:
            raise Conflict("This belongs into the room of an incident. !declare opens one.")
        return self.incident


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said back, and the entry that was made. An entry is shown by the room itself.

    `is_aside` tells what only whoever asked wants to read; `key` of what a line is that has buttons.
    """

    text: str = ""
    entry: Entry | None = None
    is_aside: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: what it does, what stands behind its name, and which right it needs."""

    run: Callable[[Spoken], Answer]
    words: str
    help: str
    scope: Scope = Scope.RESPOND


def is_one(text: str) -> bool:
    """Tell whether a text is a command."""
    text = text.lstrip()
    return len(text) > 1 and text[0] == MARK and text[1].isalpha()


def read(text: str) -> Command:
    """Read a command; `!on call`, `!on-call` and `!oncall` are the same."""
    first, _, rest = text.strip().partition("\n" if "\n" in text.strip().split(" ", 1)[0] else " ")
    name = first[len(MARK) :].casefold().replace("_", "-")
    rest = rest.strip()
    for joined in ("on-call", "heads-up", "ruled-out"):
        head, _, tail = joined.partition("-")
        if name == head and rest.casefold().split(" ", 1)[0] == tail:
            return Command(joined, rest[len(tail) :].strip())
    return Command(ALIASES.get(name, name), rest)


def run(said: Spoken) -> Answer:
    """Do what a command says. Raises RaglanError with what to do instead."""
    verb = VERBS.get(said.command.name)
    if verb is None:
        near = get_close_matches(said.command.name, VERBS, 1)
        raise BadInput(
            "", f"There is no !{said.command.name[:30]}. {f'Did you mean !{near[0]}? ' if near else ''}!help"
        )
    require(said.person, verb.scope)
    with reading.read_for(said.person):
        return verb.run(said)


def help_words() -> str:
    """Say which commands there are."""
    lines = [f"!{name} {verb.words}".strip() + f" – {verb.help}" for name, verb in VERBS.items()]
    return "\n".join(["What can be written here:", *lines, "!link CODE – say who you are in raglan"])


# What they do --------------------------------------------------------------------------------------------------------


def _declare(said: Spoken) -> Answer:
    incident = actions.declare(said.rest, by=said.person)
    return Answer(f"Incident {incident.pk} is open: {link_of(incident)}")


def _heads_up(said: Spoken) -> Answer:
    found = heads_up_words.read(said.rest, key=said.key)
    services = found.warned.services or (list(said.incident.services.all()) if said.incident else [])
    given = actions.give_heads_up(replace(found.warned, services=services), by=said.person)
    told = " and ".join(person.name for person in queries.told_of(given, now()))
    tells = f"{told} is told now." if told else ""
    link = link_of(given.incident) if given.incident else ""
    return Answer(" ".join(word for word in (queries.thanks(), tells, found.not_known, link) if word))


def _entry(kind: Entry.Kind) -> Callable[[Spoken], Answer]:
    def post(said: Spoken) -> Answer:
        told = actions.Said(kind, said.rest, key=said.key)
        if kind in actions.PINGED:
            told = asking.read(kind, said.rest, workspace=said.workspace, key=said.key)
        try:
            return Answer(entry=actions.post(said.room(), told, by=said.person))
        except actions.PagesNobody as error:  # fields have no names here
            raise BadInput("", f"{error.reason[:1].upper()}{error.reason[1:]}.", status=422) from None

    return post


def _join(said: Spoken) -> Answer:
    incident = said.room()
    actions.be_here(incident, by=said.person, doing=said.rest or None)
    return Answer(f"{said.person.name} is here{f', on {said.rest[:200]}' if said.rest else ''}.")


def _leave(said: Spoken) -> Answer:
    actions.leave(said.room(), by=said.person)
    return Answer(f"{said.person.name} left.")


def _lead(said: Spoken) -> Answer:
    """Take the lead; a button, which may be pressed long after, takes it from nobody."""
    lead = said.room().lead
    if said.rest == "if-free" and lead is not None and lead.pk != said.person.pk:
        raise Conflict(f"{lead.name} has the lead. !lead takes it over.")
    actions.take_lead(said.room(), said.person, by=said.person)
    return Answer()


def _update(said: Spoken) -> Answer:
    """Write where it stands; with nothing behind it, say where it does."""
    incident = said.room()
    if not said.rest:
        return Answer(updates.told(incident), is_aside=True)
    updates.write(incident, said.rest, by=said.person, at=said.at)
    return Answer()


def _page(said: Spoken) -> Answer:
    """Page a team, a person, or whoever is on call for a service."""
    first, _, words = said.rest.partition(" ")
    team = whom.team(first)
    people = [] if team else _on_call_here(said) if first == ON_CALL else _people(said, first)
    incident = said.incident
    title = words.strip() or (incident.title if incident else "")
    if not title:
        raise BadInput("", "Say why, as in !page dns nobody can resolve")
    reason = paging.Reason("incident", incident.pk, f"/incidents/{incident.pk}/") if incident else paging.Reason()
    told = paging.Words(title, severity="by hand")
    if team is not None:
        paging.check_team(team)
        page = paging.page_team(team, told, reason=reason, by=said.person)
    else:
        page = paging.page_people(people, told, reason=reason, by=said.person, falls_back=True)
    if incident is not None:
        actions.follow(incident, page)
    key = f"{PAGE}-{page.pk}"
    if team is not None:
        return Answer(f"Everybody in {team.name} is paged now.", key=key)
    names = " and ".join(person.name for person in people)
    return Answer(f"{names} {'is' if len(people) == 1 else 'are'} paged now.", key=key)


def _on_call_here(said: Spoken) -> list[Person]:
    """Return whoever is on call for what an incident is about; a button, pressed twice, wakes nobody twice."""
    incident = said.room()
    waiting = pages.open_pages().filter(followed_by__incident=incident, is_test=False).order_by("-pk").first()
    if waiting is not None:
        raise Conflict(f"“{waiting.title}” waits for somebody already. Whoever has it: !ack {waiting.pk}")
    people = on_call_for(incident)
    if not people:
        raise Conflict(
            "Nobody is on call for this incident’s services. !page WHOM names a team, a service or a person."
        )
    return people


def _people(said: Spoken, word: str) -> list[Person]:
    """Return whoever is on call for a service, or a person by their name in chat or their mail address."""
    service = catalog.named([word.casefold()]).first()
    if service is not None:
        people = [person for person, _ in oncall.people_for_services([service.pk], now())]
        if not people:
            raise Conflict(f"Nobody is on call for {service.name}.")
        return people
    known = whom.person(word, said.workspace)
    if known is None:
        raise NotFound(f"There is no team, service or person {word[:60]}. !page WHOM and why; teams: {_team_names()}")
    return [known]


def _team_names() -> str:
    return ", ".join(Team.objects.order_by("slug").values_list("slug", flat=True)[:30]) or "none yet"


def _ack(said: Spoken) -> Answer:
    """Take the page that waits for this person, or the one of this room. A private one is not named there."""
    page = _page_for(said)
    before = page.acknowledged_at
    paging.acknowledge(page, by=said.person, via=paging.Via.CHAT)
    page.refresh_from_db()
    if page.state in paging.OPEN:
        return Answer(f"You have {_name_of(page)}. Others are asked too.")
    if page.state == Page.State.RESOLVED:
        name = _name_of(page)
        raise Conflict(f"{name[:1].upper()}{name[1:]} is over.")
    if page.acknowledged_at == before:
        return Answer(f"{said.person.name} has {_name_of(page)} already.", is_aside=True)
    if chat_calls.is_private(page):
        return Answer(f"You have {_name_of(page)}.")
    return Answer(f"{said.person.name} has “{page.title}”.", key=taken_key(page))


def _name_of(page: Page, most: int = 300) -> str:
    """Return what a page is called in a chat: its number where it is private, since nobody knows who reads there."""
    return f"page {page.pk}" if chat_calls.is_private(page) else f"“{page.title[:most]}”"


def _page_for(said: Spoken) -> Page:
    if said.rest.strip("# ").isdecimal() and len(said.rest) < 19:
        named = pages.pages().filter(is_test=False, pk=int(said.rest.strip("# "))).first()
        if named is None:
            raise NotFound("There is no such page.")
        return named
    waiting = pages.open_pages().filter(is_test=False)
    mine = waiting.filter(reached__person=said.person)
    waiting = mine if mine.exists() or said.incident is None else waiting.filter(followed_by__incident=said.incident)
    found = list(waiting.order_by("-pk").distinct()[:5])
    if not found:
        raise NotFound("No page waits for you.")
    if len(found) > 1:
        listed = "; ".join(f"!ack {page.pk} for {_name_of(page, 60)}" for page in found)
        raise Conflict(f"Several pages wait: {listed}")
    return found[0]


def _on_call(said: Spoken) -> Answer:
    """Say who is on call: for the rotas with a word in their name or their team's, or for all."""
    word = said.rest.casefold()
    duties = oncall.current()
    if word:
        duties = [duty for duty in duties if word in _names_of(duty)]
        if not duties:
            raise NotFound(f"No rota is called {said.rest[:60]}.")
    lines = [
        f"{duty.schedule.name}: {' and '.join(person.name for person in duty.people) or 'nobody'}" for duty in duties
    ]
    return Answer("\n".join(lines[:RECENT]) or "There is no rota yet.", is_aside=True)


def _names_of(duty: oncall.Duty) -> str:
    team = duty.schedule.team
    return " ".join(
        [duty.schedule.name, duty.schedule.slug, team.name if team else "", team.slug if team else ""]
    ).casefold()


def _thanks(said: Spoken) -> Answer:
    """Thank whoever gave the heads-up of this room."""
    incident = said.room()
    waiting = [one for one in queries.heads_ups(incident) if one.thanked_at is None and one.person_id != said.person.pk]
    if not waiting and said.rest == "if-waiting":
        return Answer("Thanks were said already, or it is yours.", is_aside=True)
    if not waiting:
        posted = actions.Said(Entry.Kind.NOTE, f"Thank you. {said.rest}".strip(), key=said.key)
        return Answer(entry=actions.post(incident, posted, by=said.person))
    for heads_up in waiting:
        actions.thank(heads_up, by=said.person)
    return Answer()


def _numbered(said: Spoken, *kinds: Entry.Kind) -> tuple[Entry, str]:
    """Return the entry that is meant, the newest open one when no number is given, and the words behind it."""
    first, _, rest = said.rest.partition(" ")
    number = first.strip("#:")
    entries = Entry.objects.select_related("incident").filter(incident=said.room(), kind__in=kinds)
    named = entries.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if named is not None:
        return named, rest.strip()
    entry = entries.filter(ask_state__in=queries.OPEN_ASKS).order_by("-pk").first()
    if entry is None:
        raise NotFound("There is nothing like that open in this room.")
    return entry, said.rest


def _take(said: Spoken) -> Answer:
    entry, _ = _numbered(said, Entry.Kind.ASK, Entry.Kind.STUCK)
    actions.take_ask(entry, by=said.person)
    return Answer()


def _back(said: Spoken) -> Answer:
    """Hand back an ask: the one that is named, or what this person took last."""
    first, _, why = said.rest.partition(" ")
    asks = Entry.objects.select_related("incident").filter(incident=said.room(), kind__in=actions.PINGED)
    number = first.strip("#:")
    named = asks.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    entry = named or asks.filter(ask_state=Entry.AskState.TAKEN, taken_by=said.person).order_by("-pk").first()
    if entry is None:
        raise NotFound("You have taken nothing in this room that waits.")
    if entry.ask_state != Entry.AskState.TAKEN:
        raise Conflict(f"#{entry.pk} is not taken.")
    actions.hand_back(entry, by=said.person, why=why if named else said.rest)
    return Answer()


def _vote(side: str) -> Callable[[Spoken], Answer]:
    def vote(said: Spoken) -> Answer:
        entry, words = _numbered(said, Entry.Kind.VERIFY)
        actions.answer(entry, side, by=said.person, text=words)
        return Answer()

    return vote


def _done(said: Spoken) -> Answer:
    """Tell what came of it. One word, as a button has it, says what an act did; it writes over nothing."""
    entry, words = _numbered(said, Entry.Kind.DOING, Entry.Kind.ASK, Entry.Kind.STUCK, Entry.Kind.TRIED)
    first, colon, rest = words.partition(":")
    is_act = entry.kind in (Entry.Kind.DOING, Entry.Kind.TRIED)
    result = RESULTS.get(first.strip().casefold(), "") if is_act and (colon or len(words) < MOST_RESULT) else ""
    if result and not rest and entry.outcome:
        raise Conflict(f"#{entry.pk} is told already: “{entry.outcome[:200]}”. !done {entry.pk} WORDS changes it.")
    actions.tell_outcome(entry, rest if result else words, by=said.person, result=result)
    return Answer()


def _severity(said: Spoken) -> Answer:
    """Say what users feel; with nothing behind it, which words there are."""
    incident = said.room()
    if not said.rest:
        listed = "; ".join(f"{one.severity} – {one.words}" for one in severities.shelf())
        return Answer(f"Now: {severities.words_of(incident.severity)}. Others: {listed}")
    actions.rename(incident, incident.title, severity=severities.read(said.rest), by=said.person)
    return Answer()


def _reopen(said: Spoken) -> Answer:
    incident = said.room()
    if incident.state == Incident.State.OPEN:
        return Answer("This incident is open.")
    if not said.rest:
        raise BadInput("", "Say why it goes on, as in !reopen pages are slow again")
    actions.reopen(incident, by=said.person, why=said.rest)
    return Answer()


def _task(said: Spoken) -> Answer:
    return Answer(spoken_tasks.run(said.room(), said.rest, by=said.person, key=said.key))


def _hand(said: Spoken) -> Answer:
    incident = said.room()
    hand.tell(incident, replace(hand.read(said.rest), key=said.key), by=said.person)
    return Answer()


def _hold(said: Spoken) -> Answer:
    """Stop automation, or say what is stopped; in a room the hold is linked with the incident, and called by it."""
    room = said.incident
    name, link = (f"incident {room.pk}", f"incident:{room.pk}") if room else ("", "")
    text, is_aside = spoken_holds.run(said.rest, spoken_holds.Speaker(said.person, name, link))
    return Answer(text, is_aside=is_aside)


VERBS: dict[str, Verb] = {
    "declare": Verb(_declare, "WHAT YOU SEE", "open an incident"),
    "heads-up": Verb(
        _heads_up, "WHAT YOU DID [; did: … ; saw: … ; reach: … ; need: … ; services: …]", "I think I broke something"
    ),
    "ask": Verb(
        _entry(Entry.Kind.ASK),
        "[@TEAM or @PERSON] WORDS [; about: TOPIC ; if nobody: page WHOM after 10 min]",
        "ask for help",
    ),
    "verify": Verb(_entry(Entry.Kind.VERIFY), "WORDS", "ask others whether they see it too"),
    "doing": Verb(_entry(Entry.Kind.DOING), "WORDS", "say it before you do it"),
    "found": Verb(_entry(Entry.Kind.FOUND), "WORDS", "say what you found"),
    "tried": Verb(_entry(Entry.Kind.TRIED), "WORDS", "say what you tried"),
    "ruled-out": Verb(_entry(Entry.Kind.RULED_OUT), "WORDS", "say what it is not"),
    "decided": Verb(_entry(Entry.Kind.DECIDED), "WORDS", "say what is decided"),
    "stuck": Verb(_entry(Entry.Kind.STUCK), "[@TEAM or @PERSON] WORDS", "say that you need somebody"),
    "take": Verb(_take, "[NUMBER]", "I can help with an ask"),
    "back": Verb(_back, "[NUMBER] [WHY]", "I can not do what I took"),
    "yes": Verb(_vote("yes"), "[NUMBER] [WORDS]", "I see it too"),
    "no": Verb(_vote("no"), "[NUMBER] [WORDS]", "it is fine here"),
    "done": Verb(_done, "[NUMBER] [worked: | nothing: | worse:] WORDS", "say what came of it"),
    "hand": Verb(
        _hand, "HOST WHAT OF IT: WHAT YOU DID", "tell what you changed by hand, so that a run that undoes it warns"
    ),
    "hold": Verb(
        _hold,
        "[WHY [; for: 2 h; role: …; package: …] | end, extend, except NUMBER …]",
        "stop automation, or say what is stopped",
        Scope.READ,  # to see it; the rest asks for more
    ),
    "task": Verb(_task, "[WHAT | take, done, drop, back, reopen NUMBER]", "write down what is to be done, or list it"),
    "join": Verb(_join, "[ON WHAT]", "I am here"),
    "leave": Verb(_leave, "", "I leave"),
    "lead": Verb(_lead, "", "I take the lead"),
    "update": Verb(_update, "[WORDS [; next: 10 min]]", "say, or write, where it stands"),
    "severity": Verb(_severity, "[WHAT USERS FEEL]", "say how bad it is, or which words there are"),
    "reopen": Verb(_reopen, "WHY", "go on with a closed incident in its room"),
    "page": Verb(
        _page, "WHOM WHY", "page a team, a person, or who is on call for a service; on-call: for this", Scope.PAGE
    ),
    "ack": Verb(_ack, "[NUMBER]", "I have the page"),
    "on-call": Verb(_on_call, "[ROTA OR TEAM]", "who is on call", Scope.READ),
    "thanks": Verb(_thanks, "", "thank for the heads-up"),
}
ALIASES = {"oncall": "on-call", "headsup": "heads-up", "ruledout": "ruled-out", "decide": "decided", "thank": "thanks"}

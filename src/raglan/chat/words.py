"""What raglan says in chat, in plain words."""

from datetime import UTC

from raglan.chat import ports
from raglan.chat.models import Post
from raglan.chat.queries import STEP
from raglan.config import config
from raglan.core.clock import now
from raglan.incidents import severities
from raglan.incidents.asking import to_words
from raglan.incidents.models import Entry, Incident
from raglan.incidents.queries import OPEN_ASKS
from raglan.incidents.room import KINDS
from raglan.oncall import queries as oncall
from raglan.paging.models import Page
from raglan.people.models import Person

FIRST, PAGE = "first", "page"  # of what keys of lines begin with
ON_CALL = "on-call"  # in place of a name: whoever is on call for what an incident is about
DID = (("It worked", "worked"), ("It did nothing", "nothing"), ("It made it worse", "worse"))
ANSWERS = {
    Entry.Kind.ASK: "Whoever can help: !take {pk}",
    Entry.Kind.STUCK: "Whoever can help: !take {pk}",
    Entry.Kind.VERIFY: "Please say !yes {pk} or !no {pk}",
    Entry.Kind.DOING: "Afterwards: !done {pk} and what happened",
}


def link_of(incident: Incident) -> str:
    """Return where an incident's room is here."""
    return f"{config().public_url}/incidents/{incident.pk}/"


def topic_of(incident: Incident) -> str:
    """Say in a line where an incident stands."""
    if incident.state == Incident.State.CLOSED:
        return f"Closed. {incident.title} – {link_of(incident)}"[:500]
    state = incident.state_words or incident.get_service_state_display()
    lead = f"lead {incident.lead.name}" if incident.lead else "no lead yet"
    users = "" if incident.severity == Incident.Severity.UNKNOWN else f"{severities.words_of(incident.severity)} · "
    return f"{state} · {users}{lead} · {link_of(incident)}"[:500]


def first_words(incident: Incident) -> str:
    """Say what an incident is, where it is worked on, and how to write from chat."""
    who = f", declared by {incident.declared_by.name}" if incident.declared_by else ""
    return f"Incident {incident.pk}: {incident.title}{who}. {link_of(incident)} – !help says what can be written here."


def who_of(entry: Entry) -> str:
    """Say who did what by an entry, such as “Bo Silva is doing:”."""
    if entry.kind == Entry.Kind.TURN:
        return "Users:"
    verb = KINDS[entry.kind].verb
    return f"{entry.who} {verb}" if verb else f"{entry.who}:"


def text_of(entry: Entry) -> str:
    """Return an entry's words, and what can be answered to it."""
    to = to_words(entry)
    text = f"{entry.text}{f' ({to})' if to else ''}{_files_of(entry)}"
    answer = ANSWERS.get(Entry.Kind(entry.kind))
    if answer and entry.ask_state in OPEN_ASKS:
        return f"{text} – {answer.format(pk=entry.pk)}{_otherwise_of(entry)}"
    return text


def _otherwise_of(entry: Entry) -> str:
    """Say what happens when nobody takes an ask; empty when nothing does."""
    whom = entry.ping_person.name if entry.ping_person else entry.ping_team.name if entry.ping_team else ""
    if not whom or entry.ping_at is None:
        return ""
    return f". If nobody does, {whom} is paged at {entry.ping_at.astimezone(UTC):%H:%M} UTC"


def _files_of(entry: Entry) -> str:
    """Say which files hang at an entry, and where they are; empty without any."""
    names = list(entry.attachments.order_by("pk").values_list("name", flat=True)[: ports.MOST_FILES])
    return f" (with {', '.join(names)}: {config().public_url}/entries/{entry.pk}/)" if names else ""


def on_call_for(incident: Incident) -> list[Person]:
    """Return whoever is on call for what an incident is about."""
    services = list(incident.services.order_by("pk").values_list("pk", flat=True))
    return [person for person, _ in oncall.people_for_services(services, now())] if services else []


def answers_of(post: Post) -> list[tuple[str, str]]:
    """Return the buttons under a line: what stands on each, and the command that it stands for."""
    word = post.key.partition("-")[0]
    incident = post.room.incident
    if word == FIRST and incident is not None and incident.state == Incident.State.OPEN:
        page = [("Page who is on call", f"page {ON_CALL}")] if on_call_for(incident) else []
        return [("I’m here", "join"), ("Take the lead", "lead if-free"), ("Where it stands", "update"), *page]
    if number := page_of(post):
        return [("I have it", f"ack {number}")]
    return _answers_to(post.entry)


def page_of(post: Post) -> int:
    """Return the page that a line tells of, so that whoever has it can say so; 0 for any other line."""
    word, _, rest = post.key.partition("-")
    number = rest.rpartition("-")[2]
    return int(number) if word in (PAGE, STEP) and number.isdecimal() else 0


def taken_key(page: Page) -> str:
    """Return the key of the line that says who has a page, so that each room hears of it once."""
    return f"has-{page.pk}-{page.acknowledged_at:%y%m%d%H%M%S%f}"


def _answers_to(entry: Entry | None) -> list[tuple[str, str]]:
    """Return the buttons under an entry that waits, or that somebody may thank for."""
    if entry is not None and entry.kind == Entry.Kind.HEADS_UP:
        return [("Thank you", "thanks if-waiting")]
    if entry is None or entry.ask_state not in OPEN_ASKS:
        return []
    match entry.kind:
        case Entry.Kind.ASK | Entry.Kind.STUCK:
            return [("I can help", f"take {entry.pk}")]
        case Entry.Kind.VERIFY:
            return [("Yes, me too", f"yes {entry.pk}"), ("No, fine here", f"no {entry.pk}")]
        case Entry.Kind.DOING:
            return [(label, f"done {entry.pk} {word}") for label, word in DID]
        case _:
            return []

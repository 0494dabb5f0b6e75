"""How chat follows incidents: rooms opened, the timeline mirrored, the topic kept, people invited.

Where no platform is connected nothing of this is planned.
"""

from datetime import timedelta

from raglan.chat import actions, imported_lines, outbox, queries
from raglan.chat.models import ChatImport, Handle, Post, Room
from raglan.chat.words import PAGE, link_of, text_of, topic_of, who_of
from raglan.core import timeline
from raglan.incidents import moving, privacy, severities
from raglan.incidents.models import Answer, Entry, Incident
from raglan.incidents.room import tally
from raglan.paging import queries as pages
from raglan.people.models import Person
from raglan.ui.wording import in_a_line

AFTERWARDS = timedelta(minutes=1)  # between the beginning of an incident and the word of it

privacy.register(Room.ref_kind, Room, "incident")
privacy.register(ChatImport.ref_kind, ChatImport, "incident", places=("chat-imports",))
moving.register("chat_imports", ChatImport, may_end=True)
moving.keep(imported_lines.that_stay)
moving.tell(imported_lines.that_miss)


@timeline.reaction("incident.declared", when=queries.is_connected)
def open_rooms(event: timeline.Happened) -> None:
    """A new incident gets a room on each platform that opens rooms by itself; not one told of afterwards."""
    incident = _incident(event)
    if incident is not None and incident.declared_at < event.at - AFTERWARDS:
        return
    if incident is not None and incident.state == Incident.State.OPEN and not incident.is_private:
        for workspace in queries.workspaces().filter(opens_rooms=True):
            actions.open_room(incident, workspace)


@timeline.reaction("incident.made_private")
def part(event: timeline.Happened) -> None:
    """What became private is told in chat no more: nobody here knows who reads there."""
    incident = _incident(event)
    if incident is not None and incident.is_private:
        actions.part_with(incident)


@timeline.reaction("incident.merged")
def lead_on(event: timeline.Happened) -> None:
    """Who is in the room of a merged incident there hears where it goes on."""
    source, into = (Incident.objects.get(pk=int(str(event.data[name]))) for name in ("source", "into"))
    if source.merged_into_id == into.pk and not into.is_private:
        actions.lead_on(source, into)


@timeline.reaction("entry.posted", when=queries.is_connected)
def mirror_entry(event: timeline.Happened) -> None:
    """What is said here is said there, unless it came from that very room, or was said elsewhere long before."""
    entry = _entry(event)
    if entry is None or imported_lines.is_from_elsewhere(entry):
        return
    for room in queries.rooms_of(entry.incident):
        if not queries.times_from(room, entry):
            words = outbox.Words(key=f"entry-{entry.pk}", text=text_of(entry), who=who_of(entry), entry=entry)
            outbox.say(room, words)


@timeline.reaction("entry.corrected", when=queries.is_connected)
def mirror_correction(event: timeline.Happened) -> None:
    """A correction is said there, unless it was made there."""
    entry = _entry(event)
    if entry is None:
        return
    number = int(str(event.data["number"]))
    for room in queries.rooms_of(entry.incident):
        if queries.times_from(room, entry) <= number:
            words = f"“{in_a_line(str(event.data['before']))}”: {event.data['text']}"
            said = outbox.Words(key=f"event-{event.id}", text=words, who=f"{entry.who} corrects", entry=entry)
            outbox.say(room, said)


@timeline.reaction("entry.outcome", when=queries.is_connected)
def mirror_outcome(event: timeline.Happened) -> None:
    """What came of an act is said under its number."""
    entry = _entry(event)
    if entry is not None:
        who = _person(event)
        _say(event, entry.incident, f"#{entry.pk} “{in_a_line(entry.text)}”: {event.data['text']}", who=f"{who}:")


@timeline.reaction("ask.taken", when=queries.is_connected)
def mirror_taken(event: timeline.Happened) -> None:
    """Who helps is said."""
    entry = _entry(event)
    if entry is not None:
        _say(event, entry.incident, f"#{entry.pk} “{in_a_line(entry.text)}”", who=f"{_person(event)} can help:")


@timeline.reaction("verification.answered", when=queries.is_connected)
def mirror_answer(event: timeline.Happened) -> None:
    """Each answer to a verification is said, with how many say which."""
    entry = _entry(event)
    if entry is not None:
        side = "sees it too" if event.data["side"] == Answer.Side.YES else "says it is fine there"
        words = f" “{event.data['text']}”." if event.data["text"] else ""
        _say(event, entry.incident, f"#{entry.pk}.{words} {tally(entry)}", who=f"{_person(event)} {side}:")


@timeline.reaction("incident.standing", when=queries.is_connected)
def mirror_standing(event: timeline.Happened) -> None:
    """Where it stands is said, and stands above the room."""
    incident = _incident(event)
    if incident is not None:
        _say(event, incident, str(event.data["summary"]), who=f"Where it stands ({_person(event)}):")
        _topics(event, incident)


@timeline.reaction("incident.lead", "incident.renamed", "incident.reopened", when=queries.is_connected)
def mirror_turn(event: timeline.Happened) -> None:
    """Who leads and what it is called stand above the room."""
    incident = _incident(event)
    if incident is None:
        return
    match event.kind:
        case "incident.lead":
            _say(event, incident, f"{_person(event)} has the lead.")
        case "incident.renamed":
            _renamed(event, incident)
    _topics(event, incident)


def _renamed(event: timeline.Happened, incident: Incident) -> None:
    """Say what changed; what users feel is told by an entry, as long as the room is open."""
    title, felt = str(event.data["title"]), str(event.data["severity"])
    if title != event.data.get("title_before"):
        _say(event, incident, f"It is called now: {title}")
    elif felt != event.data.get("severity_before") and incident.state != Incident.State.OPEN:
        _say(event, incident, f"What users feel: {severities.words_of(felt)}.")


@timeline.reaction("entry.alike", when=queries.is_connected)
def mirror_alike(event: timeline.Happened) -> None:
    """Two people who announce the same act are told of each other: the later one's room says so, and the other's."""
    entry, other = (_found(int(str(event.data[name]))) for name in ("entry", "other"))
    if entry is None or other is None:
        return
    is_here = entry.incident_id == other.incident_id
    if (is_here and entry.pk < other.pk) or (not is_here and other.incident.is_private):
        return
    where = "" if is_here else f" in incident {other.incident_id}, {link_of(other.incident)}"
    words = f"the same: #{entry.pk} “{in_a_line(entry.text)}” and #{other.pk} “{in_a_line(other.text)}”{where}."
    _say(event, entry.incident, f"{words} Please speak with each other.", who=f"{other.who} and {entry.who} are doing")


@timeline.reaction("incident.stood_down", when=queries.is_connected)
def mirror_end(event: timeline.Happened) -> None:
    """The end is said, and that what is written from now on is not in the record."""
    incident = _incident(event)
    if incident is not None:
        _say(
            event,
            incident,
            f"The incident is closed. What is said here from now on is not in its record. {link_of(incident)}",
        )
        _topics(event, incident)


@timeline.reaction("incident.page_followed", when=queries.is_connected)
def mirror_page(event: timeline.Happened) -> None:
    """A page that waits is told, so that whoever has it can say so there."""
    incident, page = _incident(event), pages.open_pages().filter(pk=int(str(event.data["page"]))).first()
    if incident is None or page is None or incident.state != Incident.State.OPEN:
        return
    text = f"“{in_a_line(page.title, 120)}” waits for somebody. Whoever has it: !ack {page.pk}"
    for room in queries.rooms_of(incident):
        outbox.say(room, outbox.Words(key=f"{PAGE}-{page.pk}", text=text, who="Pager:"))


@timeline.reaction("incident.here", when=queries.is_connected)
def invite(event: timeline.Happened) -> None:
    """Whoever is in the room here is invited there."""
    incident = _incident(event)
    if incident is None:
        return
    for room in queries.rooms_of(incident):
        for handle in Handle.objects.filter(workspace=room.workspace_id, person=int(str(event.data["person"]))):
            outbox.say(room, outbox.Words(key=f"invite-{handle.pk}", text=handle.address, kind=Post.Kind.INVITE))


def _say(event: timeline.Happened, incident: Incident, text: str, *, who: str = "") -> None:
    for room in queries.rooms_of(incident):
        outbox.say(room, outbox.Words(key=f"event-{event.id}", text=text, who=who))


def _topics(event: timeline.Happened, incident: Incident) -> None:
    for room in queries.rooms_of(incident):
        outbox.show_topic(room, topic_of(incident), key=str(event.id))


def _person(event: timeline.Happened) -> str:
    found = Person.objects.filter(pk=int(str(event.data.get("person") or 0))).first()
    return found.name if found else "raglan"


def _incident(event: timeline.Happened) -> Incident | None:
    return Incident.objects.select_related("lead", "declared_by").filter(pk=_id(event, "incident")).first()


def _entry(event: timeline.Happened) -> Entry | None:
    return _found(int(str(event.data["entry"])))


def _found(pk: int) -> Entry | None:
    named = ("author", "to_team", "to_person", "ping_team", "ping_person")
    found = Entry.objects.select_related("incident", *named).prefetch_related("answers")
    return found.filter(pk=pk).first()


def _id(event: timeline.Happened, kind: str) -> int:
    found = next((subject for subject in event.subjects if subject.startswith(f"{kind}:")), f"{kind}:0")
    return int(found.rpartition(":")[2])

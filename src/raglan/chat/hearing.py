"""What comes in from chat: each message once, into the timeline of its room, or done as the command that it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError

from raglan.chat import actions, commands, outbox, ports, queries, reacting, strangers
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.core import logs, metrics
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import RaglanError
from raglan.core.secrets import digest
from raglan.incidents import actions as incidents
from raglan.incidents.actions.holding import went_to
from raglan.incidents.models import Entry, Incident
from raglan.people.access import Scope, allows
from raglan.people.models import Person
from raglan.ui.wording import in_a_line

MOST_TEXT, MOST_KEY = 19_000, 64
CLOCKS_DIFFER = timedelta(minutes=1)  # the clock of a platform and our own
ECHO = timedelta(minutes=10)
TELLING = 20  # so many letters are hardly written twice by chance
MOST_OF_STRANGERS = 60  # entries of people whom nobody here is, in a minute and a room
log = logs.get("raglan.chat")
CLOSED = "This incident is closed, so this is not in its record. Reopen it to go on writing."
WHO_ARE_YOU = (
    "I do not know who you are in raglan, so I can not do this for you. "
    "Open You in raglan, make a code for chat, and write here: !link and the code."
)


def hear(workspace: Workspace, heard: ports.Heard) -> int:
    """Take what came in, oldest first, and remember where to go on. Return how much was new.

    Each message is taken in a transaction of its own: when the process dies on the way, the rest comes again, and what
    was taken already does not count twice.
    """
    new = sum(take(workspace, message) for message in heard.messages)
    if heard.cursor != workspace.cursor:
        Workspace.objects.filter(pk=workspace.pk).update(cursor=heard.cursor)
        workspace.cursor = heard.cursor
    return new


@atomic
def take(workspace: Workspace, message: ports.Incoming) -> bool:
    """Take one message; tell whether it was new.

    Whatever is in it, those behind it are heard: only a database that does not answer ends this with an exception.
    """
    message = _cleaned(message)
    is_command = commands.is_one(message.text) and message.kind == ports.Kind.MESSAGE
    if not message.id or not message.room:
        return False
    room = queries.room_there(workspace, message.room)
    if room is None:
        if not is_command:
            return False
        room = Room.objects.create(workspace=workspace, external_id=message.room, created_at=now())
    if room.opened_at and message.at < room.opened_at - CLOCKS_DIFFER:
        return False
    known, is_new = Message.objects.get_or_create(
        workspace=workspace,
        external_id=message.id,
        defaults={
            "room": room,
            "author": message.author,
            "at": _at(message, room.incident),
            "is_command": is_command,
        },
    )
    if not is_new:
        return False
    metrics.chat_heard.labels(workspace.platform, "command" if is_command else str(message.kind)).inc()
    known.entry = _heard(workspace, room, message, is_command=is_command)
    if known.entry is not None:
        known.save(update_fields=["entry"])
    return True


def _cleaned(message: ports.Incoming) -> ports.Incoming:
    """Return it as both databases take it; a time without a zone is in UTC."""
    return replace(
        message,
        id=_named(message.id),
        room=_named(message.room),
        author=_named(message.author),
        text=clean_text(message.text),
        about=_named(message.about),
        at=message.at if message.at.tzinfo else message.at.replace(tzinfo=UTC),
    )


def _named(word: str) -> str:
    return clean_text(word)[:300]


def _heard(workspace: Workspace, room: Room, message: ports.Incoming, *, is_command: bool) -> Entry | None:
    """Do what a message asks for. What can not be done is said in the room, or logged, and not tried again."""
    try:
        with atomic():
            if _is_echo(workspace, room, message):
                return None
            if is_command:
                return _obey(workspace, room, message)
            if message.kind == ports.Kind.REACTION:
                reacting.answer(workspace, room, message)
                return None
            incident = _mirrored(room)
            return _mirror(workspace, room, incident, message) if incident else None
    except (OperationalError, InterfaceError):
        raise
    except RaglanError as error:
        words = f"What was just written is not in the record: {error.sentence}"
        outbox.say(room, outbox.Words(key=f"re-{message.id}"[-64:], text=words))
    except Exception:  # a mistake with one message must not hold back those behind it, for good
        log.exception("a chat message could not be taken", extra={"workspace": workspace.pk, "id": message.id})
    return None


def _mirrored(room: Room) -> Incident | None:
    """Return the incident into whose timeline belongs what is said in a room; one that became private takes nothing."""
    incident = room.incident
    if incident is not None and incident.merged_into_id:
        incident = Incident.objects.get(pk=went_to(incident.pk))
    return incident if incident is not None and not incident.is_private else None


def _is_echo(workspace: Workspace, room: Room, message: ports.Incoming) -> bool:
    """Tell whether raglan hears itself: by another line to the same place, or by a bridge that carries its words on.

    A bridge may put a name before them, and a platform may cut them into lines.
    """
    if queries.is_ours(workspace, message.author, message.author_name):
        return True
    heard = _flat(ports.without_signs(message.text))
    if not heard or message.kind == ports.Kind.TAKEN_BACK:
        return False
    return any(_repeats(heard, said) for said in queries.said_lately(room.incident, now() - ECHO))


def _repeats(heard: str, said: str) -> bool:
    if heard == _flat(said) or (len(said) >= TELLING and heard.endswith(_flat(said))):
        return True
    lines = [_flat(line) for line in said.splitlines()]
    _, further, rest = heard.partition(ports.FURTHER)
    if further and (rest in lines or (len(rest) >= TELLING and rest in _flat(said))):
        return True
    return len(heard) >= TELLING and heard in lines


def _flat(text: str) -> str:
    return " ".join(text.split())


def _is_too_much(workspace: Workspace, room: Room, incident: Incident, message: ports.Incoming) -> bool:
    """Tell whether strangers write more in this minute than people do; that is said once, and the rest left out."""
    start = _at(message, incident).replace(second=0, microsecond=0)
    if queries.strangers_lines(room, start, start + timedelta(minutes=1)) < MOST_OF_STRANGERS:
        return False
    text = (
        f"More than {MOST_OF_STRANGERS} lines of people who are not known here came from chat at {start:%H:%M} UTC. "
        "The rest of that minute is left out."
    )
    key = f"chat-much-{room.pk}-{start:%Y%m%d%H%M}"
    said = incidents.Said(Entry.Kind.MACHINE, text, key=key, author_words=workspace.name)
    incidents.post(incident, said, by=None)
    return True


def _at(message: ports.Incoming, incident: Incident | None) -> datetime:
    """Return when it was written: the platform's word, between the declaration and now."""
    earliest = incident.declared_at if incident else now() - timedelta(days=1)
    return max(min(message.at, now()), earliest)


def _key(message: ports.Incoming, workspace: Workspace) -> str:
    """Return the key of its entry. What is too long for one is told apart by its digest."""
    key = f"chat-{workspace.pk}-{message.id}"
    return key if len(key) <= MOST_KEY else f"chat-{workspace.pk}-{digest(message.id)[:40]}"


def person_of(workspace: Workspace, author: str) -> Person | None:
    """Return who somebody there is here, if they may write in rooms."""
    known = queries.handle(workspace, author)
    return known.person if known and allows(known.person, Scope.RESPOND) else None


def stranger(message: ports.Incoming) -> str:
    """Name somebody whom nobody here is: what they call themselves, and always who they are there."""
    called = " ".join(clean_text(message.author_name).split())[:30]
    return f"{called} ({message.author})"[:80] if called and called != message.author else message.author[:80]


def _mirror(workspace: Workspace, room: Room, incident: Incident, message: ports.Incoming) -> Entry | None:
    """Let the timeline have what was said, with its author."""
    if incident.state != Incident.State.OPEN:
        if message.kind == ports.Kind.GAP:
            return None
        outbox.say(room, outbox.Words(key=f"closed-{incident.closed_at:%Y%m%d%H%M%S}", text=CLOSED))
        return None
    match message.kind:
        case ports.Kind.EDIT:
            return _corrected(workspace, room, incident, message)
        case ports.Kind.TAKEN_BACK:
            return _taken_back(workspace, incident, message)
        case ports.Kind.GAP:
            said = incidents.Said(
                Entry.Kind.MACHINE, message.text, key=_key(message, workspace), author_words=workspace.name
            )
            return incidents.post(incident, said, by=None)
        case _:
            return _post(workspace, room, incident, message, message.text)


def _post(workspace: Workspace, room: Room, incident: Incident, message: ports.Incoming, text: str) -> Entry | None:
    if not text.strip():
        return None
    by = person_of(workspace, message.author)
    if by is None and _is_too_much(workspace, room, incident, message):
        return None
    said = incidents.Said(
        Entry.Kind.NOTE,
        text[:MOST_TEXT],
        key=_key(message, workspace),
        author_words="" if by else stranger(message),
    )
    return incidents.post(incident, said, by=by, at=_at(message, incident))


def _before(workspace: Workspace, message: ports.Incoming) -> Entry | None:
    """Return the entry that a message is about; nobody corrects what is another's."""
    earlier = Message.objects.select_related("entry__author").filter(
        workspace=workspace, room__external_id=message.room, external_id=message.about
    )
    if message.kind == ports.Kind.EDIT:
        earlier = earlier.filter(author=message.author)
    found = earlier.first()
    return found.entry if found else None


def _corrected(workspace: Workspace, room: Room, incident: Incident, message: ports.Incoming) -> Entry | None:
    """A correction stands in the entry, where who made it is known; what was said first stays in the record.

    An empty one is nothing: what is taken back is told as such.
    """
    if not message.text.strip():
        return None
    before = _before(workspace, message)
    if before is None:
        return _post(workspace, room, incident, message, message.text)
    by = person_of(workspace, message.author)
    if by is not None and before.author_id == by.pk:
        return incidents.correct(before, message.text[:MOST_TEXT], by=by)
    if message.text.strip() == before.text:
        return None
    return _post(workspace, room, incident, message, f"Corrects “{in_a_line(before.text, 80)}”: {message.text}")


def _taken_back(workspace: Workspace, incident: Incident, message: ports.Incoming) -> Entry | None:
    """What is taken back in chat stays in the record, which says so."""
    before = _before(workspace, message)
    if before is None:
        return None
    text = f"“{in_a_line(before.text, 80)}”, which {before.who} wrote, was taken back in chat. It stays in this record."
    said = incidents.Said(Entry.Kind.MACHINE, text, key=_key(message, workspace), author_words=workspace.name)
    return incidents.post(incident, said, by=None)


def _obey(workspace: Workspace, room: Room, message: ports.Incoming) -> Entry | None:
    """Do what a command says, as the person who wrote it; say what came of it."""
    answer = commands.Answer()
    try:
        with atomic():
            answer = _answer(workspace, room, message)
    except RaglanError as error:
        answer = commands.Answer(error.sentence, is_aside=True)
    if answer.text:
        _tell(room, message, answer)
    return answer.entry


def _tell(room: Room, message: ports.Incoming, answer: commands.Answer) -> None:
    """Say what came of a command: in the room, unless it is for one person, or the room is none that we are in."""
    key = answer.key or f"re-{message.id}"[-64:]
    if message.aside and (answer.is_aside or message.aside.takes_all or room.opened_at is None):
        message.aside.words.append(answer.text)
    elif answer.is_aside and message.whispers:
        outbox.say(room, outbox.Words(key, answer.text, who=message.author, kind=Post.Kind.WHISPER))
    else:
        outbox.say(room, outbox.Words(key, answer.text))


def _answer(workspace: Workspace, room: Room, message: ports.Incoming) -> commands.Answer:
    if message.at < now() - commands.OLD:
        words = f"This was written at {message.at.astimezone(UTC):%H:%M} UTC; write it again."
        return commands.Answer(words, is_aside=True)
    command = commands.read(message.text[:MOST_TEXT])
    if command.name == "link":
        person = actions.confirm(workspace, message.author, command.rest)
        words = f"Thank you, {person.name}. What you write here now stands under your name."
        return commands.Answer(words, is_aside=True)
    known = queries.handle(workspace, message.author)
    if command.name == "help":
        return commands.Answer(commands.help_words(), is_aside=True)
    if known is None:
        return _to_stranger(workspace, room, message, command)
    said = commands.Spoken(command, known.person, _mirrored(room), _key(message, workspace), workspace.pk, message.at)
    return commands.run(said)


def _to_stranger(
    workspace: Workspace, room: Room, message: ports.Incoming, command: commands.Command
) -> commands.Answer:
    """Whoever is not known here can warn, where we are or with a slash command; all else is refused."""
    if command.name != "heads-up" or not (room.opened_at or message.aside):
        return commands.Answer(WHO_ARE_YOU, is_aside=True)
    who = strangers.Stranger(stranger(message), message.author, f"chat-{workspace.pk}-", message.id)
    return commands.Answer(strangers.warn(command.rest, who, _mirrored(room)))

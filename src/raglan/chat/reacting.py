"""A sign under a line, such as 👍 under a verification, answers it. Signs that mean nothing here are left alone.

Under a line that tells of a page, each of them that says yes takes it.
"""

from raglan.chat import commands, outbox, queries
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.chat.ports import SIGNS, Incoming
from raglan.chat.words import page_of
from raglan.core.clock import now
from raglan.core.errors import RaglanError
from raglan.core.secrets import digest
from raglan.incidents.models import Entry, Incident

WHO_ARE_YOU = (
    "{name}: I do not know who you are in raglan, so your sign does not count yet. Write !link and a code of yours."
)
MOST_NAME = 80
TAKE_IT = ("yes", "take")
_MODIFIERS = dict.fromkeys([0xFE0F, *range(0x1F3FB, 0x1F400)])  # colours of a skin, and how a sign is drawn
_MEANT = {
    Entry.Kind.VERIFY: ("yes", "no"),
    Entry.Kind.ASK: ("take",),
    Entry.Kind.STUCK: ("take",),
}


def answer(workspace: Workspace, room: Room, message: Incoming) -> None:
    """Do what a sign means, as the person who put it there; what can not be done is said in the room.

    One that changes nothing, such as a second one of the same person, is not answered.
    """
    incident, command = room.incident, _command(workspace, room, message)
    if command is None:
        return
    known = queries.handle(workspace, message.author)
    if known is None:  # once for each of them in a room
        words = WHO_ARE_YOU.format(name=(message.author_name or message.author)[:MOST_NAME])
        outbox.say(room, outbox.Words(f"sign-{digest(message.author)[:40]}", words))
        return
    said = commands.Spoken(command, known.person, incident, f"sign-{digest(message.id)[:40]}", workspace.pk, message.at)
    try:
        done = commands.run(said)
    except RaglanError as error:
        outbox.say(room, outbox.Words(f"re-{message.id}"[-64:], error.sentence))
    else:
        if done.text and not done.is_aside:
            outbox.say(room, outbox.Words(done.key or f"re-{message.id}"[-64:], done.text))


def _command(workspace: Workspace, room: Room, message: Incoming) -> commands.Command | None:
    """Return what a sign stands for; None where it means nothing."""
    incident, verb = room.incident, SIGNS.get(message.text.translate(_MODIFIERS), "")
    if incident is not None and (incident.is_private or incident.state != Incident.State.OPEN):
        return None
    if verb in TAKE_IT and message.at > now() - commands.OLD and (page := _page(room, message.about)):
        return commands.Command("ack", str(page))
    entry = _entry(workspace, room, message.about) if verb and incident is not None else None
    if entry is None or verb not in _MEANT.get(Entry.Kind(entry.kind), ()):
        return None
    return commands.Command(verb, str(entry.pk))


def _page(room: Room, about: str) -> int:
    """Return the page that a line of ours tells of; 0 for any other line."""
    ours = Post.objects.filter(room=room, external_id=about).first() if about else None
    return page_of(ours) if ours is not None else 0


def _entry(workspace: Workspace, room: Room, about: str) -> Entry | None:
    """Return the entry that a line there is, said by raglan or by whoever wrote it."""
    if not about:
        return None
    ours = Post.objects.select_related("entry").filter(room=room, external_id=about, entry__isnull=False).first()
    if ours is not None:
        return ours.entry
    theirs = Message.objects.select_related("entry").filter(workspace=workspace, room=room, external_id=about).first()
    return theirs.entry if theirs is not None else None

"""Verbs of chat: platforms connected and ended, rooms opened, people known by their names there."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from raglan.chat import events, outbox, ports, queries
from raglan.chat.models import Code, Handle, Message, Post, Room, Signature, Workspace
from raglan.chat.words import FIRST, first_words, link_of, topic_of
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict, RaglanError
from raglan.core.secrets import digest
from raglan.incidents.models import Incident
from raglan.people import sealing
from raglan.people.actions.contacts import tell
from raglan.people.models import Person

MOST, MOST_LOBBY = 10, 120
KEPT, MOST_FORGOTTEN = timedelta(days=30), 2_000
PARTED = "the incident became private"
PARTED_WORDS = "This incident goes on elsewhere. Nothing of it is told here any more, and nothing is taken from here."
CODE_LASTS = timedelta(minutes=10)
LETTERS = "bcdfghjkmnpqrstvwxz23456789"
ADDRESS = ("url", "server", "host", "port")  # settings that say where secrets are sent


@dataclass(frozen=True, slots=True)
class Draft:
    """A connection as somebody describes it. A secret that is left empty stays as it was, at the same address."""

    name: str
    settings: Mapping[str, str]
    opens_rooms: bool = True
    lobby: str = ""


@atomic
def connect(platform: ports.ChatPlatform, draft: Draft, *, actor: timeline.Subject) -> Workspace:
    """Connect a chat platform from now on. Raises BadInput naming the field."""
    if queries.workspaces().count() >= MOST:
        raise BadInput("name", f"{MOST} connections are enough; end one first", status=422)
    plain, hidden = _sorted(platform, draft, {})
    at = now()
    made = Workspace.objects.create(
        name=_name(draft),
        platform=platform.slug,
        settings=plain,
        secrets_sealed=sealing.seal(json.dumps(hidden)),
        opens_rooms=draft.opens_rooms,
        lobby=_lobby(draft),
        created_at=at,
    )
    payload = events.WorkspaceConnected(
        workspace=made.pk,
        name=made.name,
        platform=made.platform,
        settings=plain,
        opens_rooms=made.opens_rooms,
        lobby=made.lobby,
        connected_at=at,
    )
    timeline.append(payload, actor=actor, about=[made, "chat"])
    return made


@atomic
def change(workspace: Workspace, draft: Draft, *, actor: timeline.Subject) -> Workspace:
    """Give a connection other settings; empty secrets stay, at the same address. Raises BadInput naming it."""
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    platform = platform_of(workspace)
    kept = secrets_of(workspace)
    plain, hidden = _sorted(platform, draft, kept)
    if _leads_elsewhere(workspace.settings, plain):
        _demand_anew(draft, kept)
    lobby = _lobby(draft)
    Workspace.objects.filter(pk=workspace.pk).update(
        name=_name(draft),
        settings=plain,
        secrets_sealed=sealing.seal(json.dumps(hidden)),
        opens_rooms=draft.opens_rooms,
        lobby=lobby,
        version=workspace.version + 1,
    )
    told = queries.told_of_pages(workspace).values("pk")
    Room.objects.filter(workspace=workspace, incident=None, external_id="").exclude(pk__in=told).delete()
    Room.objects.filter(workspace=workspace).update(problem="")
    unsaid = Post.objects.filter(room__workspace=workspace, room__external_id="", state=Post.State.REFUSED)
    unsaid.exclude(key__startswith=f"{queries.STEP}-").update(state=Post.State.WAITING, problem="")
    workspace.refresh_from_db()
    payload = events.WorkspaceChanged(
        workspace=workspace.pk,
        name=workspace.name,
        settings=plain,
        opens_rooms=draft.opens_rooms,
        lobby=lobby,
        version=workspace.version,
    )
    timeline.append(payload, actor=actor, about=[workspace, "chat"])
    return workspace


def _name(draft: Draft) -> str:
    name = clean_text(draft.name).strip()
    if not 1 <= len(name) <= 120:
        raise BadInput("name", "give it a name of at most 120 characters", status=422)
    return name


def _lobby(draft: Draft) -> str:
    lobby = clean_text(draft.lobby).strip()
    if len(lobby) > MOST_LOBBY:
        raise BadInput("lobby", f"has more than {MOST_LOBBY} characters", status=422)
    return lobby


def lobby_of(workspace: Workspace) -> str:
    """Return the name under which the room for commands is kept; empty without one."""
    return workspace.lobby[:MOST_LOBBY]


def _sorted(
    platform: ports.ChatPlatform, draft: Draft, kept: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return plain settings and secret ones. Raises BadInput."""
    known = {setting.name: setting for setting in platform.settings}
    if strange := [name for name in draft.settings if name not in known]:
        raise BadInput(strange[0], f"is no setting of {platform.title}", status=422)
    given = {name: clean_text(draft.settings.get(name, "")).strip()[:2000] for name in known}
    given |= {name: kept.get(name, "") for name, one in known.items() if one.is_secret and not given[name]}
    for name, one in known.items():
        if one.is_needed and not given[name]:
            raise BadInput(name, "is needed", status=422)
        if one.choices and not one.is_needed and not given[name]:
            given[name] = one.choices[0][0]
        if one.choices and given[name] not in dict(one.choices):
            raise BadInput(name, f"must be one of {', '.join(dict(one.choices))}", status=422)
    platform.check(given)
    hidden = {name: value for name, value in given.items() if known[name].is_secret}
    return {name: value for name, value in given.items() if name not in hidden}, hidden


def _leads_elsewhere(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Tell whether secrets would go to another place than before, or go there unsealed."""
    moved = any(before.get(name, "").rstrip("/") != after.get(name, "").rstrip("/") for name in ADDRESS)
    return moved or (before.get("tls") == "yes" and after.get("tls") != "yes")


def _demand_anew(draft: Draft, kept: Mapping[str, str]) -> None:
    """Refuse to send a secret that is kept to another place. Raises BadInput."""
    for name, value in kept.items():
        if value and not clean_text(draft.settings.get(name, "")).strip():
            raise BadInput(name, "write it again: it is not sent to another address by itself", status=422)


def secrets_of(workspace: Workspace) -> dict[str, str]:
    """Return what is sealed. Raises SealBrokenError."""
    found = json.loads(sealing.unseal(workspace.secrets_sealed)) if workspace.secrets_sealed else {}
    return {str(name): str(value) for name, value in found.items()}


def platform_of(workspace: Workspace) -> ports.ChatPlatform:
    """Return the platform of a connection. Raises Conflict when its integration is not installed any more."""
    found = ports.platform(workspace.platform)
    if found is None:
        raise Conflict(f"No integration offers {workspace.platform}.")
    return found


def line_to(workspace: Workspace) -> ports.Connection:
    """Return a line to a workspace. Raises Conflict, SealBrokenError."""
    door = {ports.DOOR: queries.door_of(workspace)}
    return platform_of(workspace).connect({**workspace.settings, **secrets_of(workspace), **door})


def try_it(workspace: Workspace) -> str:
    """Ask a platform who we are there. Raises DeliveryError, Conflict, SealBrokenError."""
    line = line_to(workspace)
    try:
        return note_identity(workspace, line)
    finally:
        line.close()


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a platform answers as it should, and as whom it knows us; else why not."""

    ok: bool
    words: str


def check(workspace: Workspace) -> Checked:
    """Tell whether a platform answers. Whatever is in the way is told in words."""
    try:
        return Checked(ok=True, words=try_it(workspace))
    except RaglanError as error:
        return Checked(ok=False, words=error.sentence)


def note_identity(workspace: Workspace, line: ports.Connection) -> str:
    """Ask who we are there and keep it: what we say ourselves is not heard. Raises DeliveryError."""
    identity = line.whoami()[:300]
    Workspace.objects.filter(pk=workspace.pk).exclude(identity=identity).update(identity=identity)
    return identity


@atomic
def end(workspace: Workspace, *, actor: timeline.Subject) -> None:
    """Connect it no more; what waits for it is not sent. Safe to call twice."""
    at = now()
    open_one = Workspace.objects.filter(pk=workspace.pk, ended_at__isnull=True)
    if open_one.update(ended_at=at, secrets_sealed="", away_since=None, away_why="", held_by="", held_until=None):
        payload = events.WorkspaceEnded(workspace=workspace.pk, ended_at=at)
        timeline.append(payload, actor=actor, about=[workspace, "chat", *_open_rooms(workspace)])


def _open_rooms(workspace: Workspace) -> list[timeline.Subject]:
    """Return the open incidents that have a room there: their screens say how chat is."""
    bound = Incident.objects.filter(chat_rooms__workspace=workspace, state=Incident.State.OPEN)
    return [f"incident:{pk}" for pk in bound.order_by("-pk").values_list("pk", flat=True)[:100]]


@atomic
def open_room(incident: Incident, workspace: Workspace) -> Room:
    """Let an incident have a room on a platform; it is opened when the platform answers. Safe to call twice.

    Raises Conflict for a private one: nobody here knows who reads there.
    """
    if Incident.objects.filter(pk=incident.pk, is_private=True).exists():
        raise Conflict("A private incident is not told in chat: raglan does not know who reads there.")
    made, is_new = Room.objects.get_or_create(
        workspace=workspace,
        incident=incident,
        defaults={"name": f"inc-{incident.pk}", "topic": topic_of(incident), "created_at": now()},
    )
    if is_new:
        outbox.say(made, outbox.Words(key=FIRST, text=first_words(incident)))
        name = lobby_of(workspace)
        if name and (lobby := Room.objects.filter(workspace=workspace, incident=None, name=name).first()):
            outbox.say(lobby, outbox.Words(key=f"declared-{incident.pk}", text=first_words(incident)))
    return made


@atomic
def lead_on(source: Incident, into: Incident) -> None:
    """Say in the rooms of a merged incident where it goes on. One that the other has no room beside is its room now.

    Safe to call twice.
    """
    words = f"This goes on as incident {into.pk}: {into.title}. {link_of(into)}"
    for room in Room.objects.select_for_update(no_key=True).filter(incident=source).order_by("pk"):
        outbox.say(room, outbox.Words(key=f"merged-{into.pk}", text=words))
        if room.opened_at and not Room.objects.filter(workspace=room.workspace_id, incident=into).exists():
            Room.objects.filter(pk=room.pk).update(incident=into)
            outbox.show_topic(room, topic_of(into), key=f"merged-{into.pk}")


@atomic
def part_with(incident: Incident) -> None:
    """Tell nothing of an incident in chat any more, and take nothing from there. Safe to call twice.

    What waits to be told is not; a last word says where it goes on, for those who know of it.
    """
    for room in Room.objects.select_for_update(no_key=True).filter(incident=incident).order_by("pk"):
        Post.objects.filter(room=room, state=Post.State.WAITING).update(state=Post.State.REFUSED, problem=PARTED)
        if room.opened_at is None:
            room.delete()
            continue
        Room.objects.filter(pk=room.pk).update(incident=None)
        outbox.say(room, outbox.Words(key="parted", text=PARTED_WORDS))
        outbox.show_topic(room, PARTED_WORDS, key="parted")
        payload = events.ChatRoomParted(room=room.pk, workspace=room.workspace_id, incident=incident.pk)
        timeline.append(payload, about=[room, f"workspace:{room.workspace_id}", incident])


@atomic
def opened(room: Room, there: ports.Opened) -> None:
    """Note that a room is open there."""
    at = now()
    Room.objects.filter(pk=room.pk).update(external_id=there.id[:300], link=there.link[:500], opened_at=at, problem="")
    room.refresh_from_db()
    payload = events.ChatRoomOpened(
        room=room.pk,
        workspace=room.workspace_id,
        incident=room.incident_id,
        external_id=room.external_id,
        link=room.link,
        opened_at=at,
    )
    about: list[timeline.Subject] = [room, f"workspace:{room.workspace_id}"]
    timeline.append(payload, about=[*about, *([f"incident:{room.incident_id}"] if room.incident_id else [])])


@atomic
def note_away(workspace: Workspace, why: str) -> None:
    """Note that a platform does not answer. Safe to call again and again."""
    at = now()
    if Workspace.objects.filter(pk=workspace.pk, away_since__isnull=True, ended_at__isnull=True).update(
        away_since=at, away_why=why[:500]
    ):
        payload = events.ChatAway(workspace=workspace.pk, why=why[:500], away_since=at)
        timeline.append(payload, about=[workspace, "chat", *_open_rooms(workspace)])


@atomic
def note_back(workspace: Workspace) -> None:
    """Note that a platform answers again. Safe to call again and again."""
    if Workspace.objects.filter(pk=workspace.pk, away_since__isnull=False).update(away_since=None, away_why=""):
        payload = events.ChatBack(workspace=workspace.pk, waiting=queries.waiting(workspace).count())
        timeline.append(payload, about=[workspace, "chat", *_open_rooms(workspace)])


@atomic
def know_as(
    workspace: Workspace, address: str, person: Person, *, actor: timeline.Subject, confirmed: bool = False
) -> Handle:
    """Know a person by a name in a workspace; whoever had it before has it no more. Raises BadInput."""
    address = platform_of(workspace).check_address(clean_text(address).strip())[:300]
    known, made = Handle.objects.select_for_update().get_or_create(
        workspace=workspace,
        address=address,
        defaults={"person": person, "is_confirmed_by_person": confirmed, "since": now()},
    )
    if not made and (known.person_id, known.is_confirmed_by_person) == (person.pk, confirmed):
        return known
    known.person, known.is_confirmed_by_person, known.since = person, confirmed, now()
    known.save()
    payload = events.HandleSet(
        handle=known.pk,
        workspace=workspace.pk,
        person=person.pk,
        address=address,
        is_confirmed_by_person=confirmed,
        since=known.since,
    )
    timeline.append(payload, actor=actor, about=[known, person, workspace])
    tell(
        person,
        f"In {workspace.name} you are known as {address} from now on: what is written there is done in your name.",
    )
    return known


@atomic
def forget(handle: Handle, *, actor: timeline.Subject) -> None:
    """Know nobody by this name any more. Safe to call twice."""
    about: list[timeline.Subject] = [handle, f"person:{handle.person_id}", f"workspace:{handle.workspace_id}"]
    payload = events.HandleRemoved(handle=handle.pk, workspace=handle.workspace_id, address=handle.address)
    if Handle.objects.filter(pk=handle.pk).delete()[0]:
        timeline.append(payload, actor=actor, about=about)


@atomic
def make_code(person: Person) -> str:
    """Return a code with which a person says in chat who they are here; an earlier one is over."""
    Code.objects.filter(person=person).delete()
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    Code.objects.create(person=person, digest=digest(code), expires_at=now() + CODE_LASTS)
    return code


@atomic
def confirm(workspace: Workspace, address: str, code: str) -> Person:
    """Take a code that was written in chat; it works once. Raises BadInput."""
    found = Code.objects.select_related("person").filter(
        digest=digest(code.strip().lower()), expires_at__gt=now(), person__is_active=True
    )
    taken = found.first()
    if taken is None or not Code.objects.filter(pk=taken.pk).delete()[0]:
        raise BadInput("code", "is not known, or is over. Make a new one in raglan under You.")
    know_as(workspace, address, taken.person, actor=taken.person, confirmed=True)
    return taken.person


@atomic
def is_first(signature: str) -> bool:
    """Tell whether something signed comes for the first time; what is older than ten minutes is refused by its age."""
    at = now()
    Signature.objects.filter(at__lt=at - CODE_LASTS).delete()
    return Signature.objects.get_or_create(digest=digest(signature), defaults={"at": at})[1]


@atomic
def forget_old() -> int:
    """Delete messages and sent posts beyond their time, some at once; return how many. Entries stay for ever.

    Their ids stop doubles. What stops them is kept until the incident is over; after that nothing of its room goes
    into the record or out of it. Rooms without an incident hear commands, which are too old after ten minutes, and
    Slack and Matrix tell again what they told within hours. Thirty days are far more than either.
    """
    old = now() - KEPT
    over = Q(room__incident__isnull=True) | Q(
        room__incident__closed_at__lt=old, room__incident__state=Incident.State.CLOSED
    )
    heard = Message.objects.filter(over, at__lt=old).order_by("at")
    said = Post.objects.filter(over, state=Post.State.SENT, sent_at__lt=old).order_by("sent_at")
    found = [(rows.model, list(rows.values_list("pk", flat=True)[:MOST_FORGOTTEN])) for rows in (heard, said)]
    return sum(model._base_manager.filter(pk__in=keys).delete()[0] for model, keys in found if keys)

"""Sends what waits for a workspace: each room in its order, each post once."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from raglan.chat import actions, ports, queries, steps
from raglan.chat.models import Post, Room, Workspace
from raglan.chat.words import answers_of
from raglan.core import logs, metrics
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import DeliveryError

AT_ONCE, MOST_REFUSED = 50, 500
MOST_TRIES, REST_S = 3, 30.0  # of one room, before others go on without it, and how long it then rests
NO_ROOM = "the room can not be opened"
LOBBY = 0  # in place of its number, before it has one
NO_DATABASE = (OperationalError, InterfaceError)
MOST_BROKEN = 5  # rooms that fail in one look; more than that is no matter of rooms
log = logs.get("raglan.chat")


@dataclass(slots=True)
class Round:
    """What one look at the backlog came to. `went` counts what the platform took; `entered`, rooms."""

    went: int = 0
    refused: int = 0
    entered: int = 0


@dataclass(slots=True)
class Patience:
    """Which rooms failed how often, and which ones rest while others go on. Kept from look to look."""

    _failed: dict[int, int] = field(default_factory=dict)
    _until: dict[int, float] = field(default_factory=dict)

    def resting(self) -> list[int]:
        """Return the rooms that are not tried now."""
        at = time.monotonic()
        return [room for room, until in self._until.items() if until > at]

    def ends(self, room: int) -> bool:
        """Note that a room failed; tell whether others are tried all the same."""
        self._failed[room] = self._failed.get(room, 0) + 1
        return self._failed[room] >= MOST_TRIES

    def is_alone(self, room: int) -> bool:
        """Tell whether a room failed while others went well."""
        return room in self._until

    def rest(self, room: int) -> None:
        """Let a room rest."""
        self._until[room] = time.monotonic() + REST_S

    def forget(self, room: int) -> None:
        """Note that a room went well."""
        self._failed.pop(room, None)
        self._until.pop(room, None)


def send_waiting(workspace: Workspace, line: ports.Connection, patience: Patience | None = None) -> Round:
    """Send what waits, oldest first. A room that fails again and again waits alone, once another one went well.

    A mistake of ours with one room lets that room rest and is logged; others go on.

    Rooms of people, where pages are told and commands answered, go before those in which incidents are mirrored: word
    of a page does not wait behind a busy incident.

    Raises DeliveryError when the platform does not answer: all that was not sent waits.
    """
    done, patience = Round(), patience or Patience()
    _open_lobby(workspace, line, patience)
    _open_rooms(workspace, line, patience)
    failed = _enter_rooms(workspace, line, done, patience)
    done.refused += _refuse_without_room(workspace)
    broken: dict[int, DeliveryError] = {}
    left: set[int] = set()  # rooms with nothing more in this look
    waiting = queries.waiting(workspace).exclude(room__external_id="").exclude(room__in=patience.resting())
    of_people, mirrored = waiting.filter(room__incident=None), waiting.exclude(room__incident=None)
    for post in chain(_each(of_people, left), _each(mirrored, left)):
        try:
            _send(workspace, line, post, done)
            patience.forget(post.room_id)
        except (ports.Wait, *NO_DATABASE):
            raise
        except DeliveryError as error:
            if not patience.ends(post.room_id) or len(broken) >= MOST_BROKEN:
                raise
            broken[post.room_id] = error
            left.add(post.room_id)
        except Exception:
            _stumbled(post.room_id, patience)
            left.add(post.room_id)
    _let_rest(broken, patience, done)
    if failed and not (done.went or done.entered):
        line.whoami()  # raises where it is the platform that does not answer
    return done


def _each(waiting: QuerySet[Post], left: set[int]) -> Iterator[Post]:
    """Yield what waits, without what stands behind a failure in the same room; where one failed, some more."""
    found = list(waiting[:AT_ONCE])
    yield from (post for post in found if post.room_id not in left)
    if left and found:
        more = waiting.filter(pk__gt=found[-1].pk).exclude(room__in=list(left))[:AT_ONCE]
        yield from (post for post in list(more) if post.room_id not in left)


def _stumbled(room: int, patience: Patience) -> None:
    """Note that something is wrong in raglan itself with a room; it rests, and is tried again later."""
    log.exception("a chat room can not be served", extra={"room": room})
    patience.rest(room)


def _let_rest(broken: Mapping[int, DeliveryError], patience: Patience, done: Round) -> None:
    """Let rooms rest that failed while others went well. Raises DeliveryError when none did."""
    for room, error in broken.items():
        if not done.went and not patience.is_alone(room):
            raise error
        patience.rest(room)
        log.warning("a chat room fails and waits alone", extra={"room": room, "why": error.sentence})
        why = f"{error.sentence[:450]}, so what is said here waits"
        Room.objects.filter(pk=room, opened_at__isnull=False).update(problem=why)


def _refuse_without_room(workspace: Workspace) -> int:
    """Refuse what goes to rooms that can not be opened; it waits again when the connection is changed."""
    lost = queries.waiting(workspace).filter(room__external_id="").exclude(room__problem="")
    found = list(lost[:MOST_REFUSED])
    for post in found:
        steps.not_said(post, DeliveryError(post.room.problem, permanent=True))
    keys = [post.pk for post in found]
    return Post.objects.filter(pk__in=keys).update(state=Post.State.REFUSED, problem=NO_ROOM) if keys else 0


def _open_lobby(workspace: Workspace, line: ports.Connection, patience: Patience) -> None:
    name = actions.lobby_of(workspace)
    if not name or Room.objects.filter(workspace=workspace, incident=None, name=name).exists():
        return
    if LOBBY in patience.resting():
        return
    try:
        _join_lobby(workspace, line, name)
    except (DeliveryError, *NO_DATABASE):
        raise
    except Exception:
        _stumbled(LOBBY, patience)


def _join_lobby(workspace: Workspace, line: ports.Connection, name: str) -> None:
    try:
        there = line.find_room(workspace.lobby)
    except DeliveryError as error:
        if not error.permanent:
            raise
        _no_lobby(workspace, error.sentence)
        return
    with atomic():
        room = queries.room_there(workspace, there.id[:300]) or Room(workspace=workspace, created_at=now())
        if room.incident_id is not None:
            _no_lobby(workspace, f"this is the room of incident {room.incident_id}")
            return
        room.name = name
        room.save()
        actions.opened(room, there)


def _no_lobby(workspace: Workspace, why: str) -> None:
    """Note once why there is no room for commands; it is tried again when the connection is changed."""
    name = actions.lobby_of(workspace)
    log.warning("a room for commands can not be joined", extra={"room": name, "why": why})
    Room.objects.create(workspace=workspace, name=name, created_at=now(), problem=why[:500])


def _open_rooms(workspace: Workspace, line: ports.Connection, patience: Patience) -> None:
    """Open rooms that are wanted and not there yet."""
    for room in queries.to_open(workspace).exclude(pk__in=patience.resting()):
        assert room.incident is not None
        title = f"Incident {room.incident_id}: {room.incident.title}"
        try:
            there = line.open_room(ports.Wanted(room.name, title[:200], room.topic))
            _opened(workspace, room, there)
        except DeliveryError as error:
            if not error.permanent:
                raise
            log.warning("a chat room can not be opened", extra={"room": room.name, "why": error.sentence})
            Room.objects.filter(pk=room.pk).update(problem=error.sentence[:500])
        except NO_DATABASE:
            raise
        except Exception:
            _stumbled(room.pk, patience)


@atomic
def _opened(workspace: Workspace, room: Room, there: ports.Opened) -> None:
    """Note that a room is open there. Somebody may have written in it before, when an earlier try had opened it."""
    known = queries.room_there(workspace, there.id[:300])
    if known is not None and known.incident_id is None and known.opened_at is None:
        steps.bring(known, room)
    actions.opened(room, there)


def _enter_rooms(workspace: Workspace, line: ports.Connection, done: Round, patience: Patience) -> int:
    """Enter rooms that policies tell; return how many failed for now, which is no matter of others.

    A room that fails again and again rests by itself.
    """
    failed = 0
    resting = patience.resting()
    for room in [room for room in queries.to_enter(workspace) if room.pk not in resting]:
        try:
            done.entered += steps.enter(workspace, line, room)
            patience.forget(room.pk)
        except (ports.Wait, *NO_DATABASE):
            raise
        except DeliveryError:
            failed += 1
            if patience.ends(room.pk):
                patience.rest(room.pk)
        except Exception:
            _stumbled(room.pk, patience)
    return failed


def _send(workspace: Workspace, line: ports.Connection, post: Post, done: Round) -> None:
    if not steps.begin(post):
        return
    try:
        there = _hand_over(line, post)
    except DeliveryError as error:
        steps.not_said(post, error)
        if not error.permanent:
            metrics.chat_posts.labels(workspace.platform, "later").inc()
            raise
        done.refused += 1
        metrics.chat_posts.labels(workspace.platform, "refused").inc()
        log.warning("chat refused a post", extra={"workspace": workspace.name, "post": post.pk, "why": error.sentence})
        Post.objects.filter(pk=post.pk).update(state=Post.State.REFUSED, problem=error.sentence[:500])
        Room.objects.filter(pk=post.room_id).update(problem=error.sentence[:500])
        return
    at = now()
    Post.objects.filter(pk=post.pk).update(state=Post.State.SENT, sent_at=at, external_id=there[:300])
    steps.went(post, at)
    done.went += 1
    metrics.chat_posts.labels(workspace.platform, "sent").inc()
    if post.room.problem:
        Room.objects.filter(pk=post.room_id).update(problem="")
        post.room.problem = ""


def _hand_over(line: ports.Connection, post: Post) -> str:
    there = post.room.external_id
    match post.kind:
        case Post.Kind.TOPIC:
            line.set_topic(there, post.text)
            return ""
        case Post.Kind.INVITE:
            line.invite(there, post.text)
            return ""
        case Post.Kind.WHISPER:
            _whisper(line, post)
            return ""
        case _:
            return line.post(there, ports.Line(post.token, post.text, post.who, answers_of(post)))


def _whisper(line: ports.Connection, post: Post) -> None:
    if not isinstance(line, ports.Whispers):
        raise DeliveryError("nothing can be said to one person there", permanent=True)
    line.whisper(post.room.external_id, post.who, post.text)

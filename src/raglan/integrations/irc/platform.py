"""IRC as a chat platform: settings, and the line to a server.

Nothing here has an id and nothing is repeated by the server: a line that was taken just before raglan died may stand
there a second time, and what was said while raglan was away is not heard.
"""

import json
import queue
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from raglan.chat.ports import Heard, Incoming, Line, Opened, Setting, Wanted
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.core.secrets import digest
from raglan.integrations.irc.session import Place, Session
from raglan.integrations.irc.wire import MOST_BYTES, Said, cut, plain

NICK = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,30}")
CHANNEL = re.compile(r"[#&+!][^\s,\x00-\x1f:]{1,60}")
LETTERS = "bcdfghjkmnpqrstvwxz23456789"
SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?")
OWN = re.compile(r"#inc-\d+(-[a-z0-9]+)?")  # channels that raglan made
MOST_ROOMS, ROOMS_AT_ONCE = 60, 8
MOST_TRIES, MOST_BEGUN = 5, 100
QUIET_S = 60.0
NO_ROOM = ("403", "404", "405", "437", "442", "471", "473", "474", "475", "476", "477")


class Irc:
    """The platform `irc`."""

    slug: ClassVar[str] = "irc"
    title: ClassVar[str] = "IRC"
    address_word: ClassVar[str] = "account or nick!user@host"
    address_example: ClassVar[str] = "account:rowan"
    lobby_help: ClassVar[str] = (
        "A channel, such as #incidents. New incidents are told there, and commands work. Empty: nowhere."
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("server", "Server", "Name and port, such as irc.example.org:6697."),
        Setting("tls", "Encryption", "", choices=(("yes", "TLS"), ("no", "None; only inside your own network"))),
        Setting("nick", "Nick", "Under which raglan is there, such as raglan."),
        Setting("password", "Password of the server", "Where it needs one.", is_secret=True, is_needed=False),
    )

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse what is no server or no nick."""
        place_of(settings)

    def check_address(self, address: str) -> str:
        """Return an account, or who somebody is with their host."""
        if address.startswith("account:") and re.fullmatch(r"account:[^\s]{1,100}", address):
            return address
        if not re.fullmatch(r"[^\s!@]{1,40}![^\s!@]{1,60}@[^\s!@]{1,190}", address):
            raise BadInput("address", "write account:name, or nick!user@host as the server shows it", status=422)
        return address

    def is_called(self, settings: Mapping[str, str]) -> bool:
        """We listen."""
        return False

    def names_of(self, who: str) -> tuple[str, ...]:
        """Return who somebody is with their host, and their nick."""
        return who, who.partition("!")[0]

    def connect(self, settings: Mapping[str, str]) -> "Server":
        """Return a line."""
        return Server(place_of(settings))


def place_of(settings: Mapping[str, str]) -> Place:
    """Return where a server is. Raises BadInput."""
    found = SERVER.fullmatch(settings["server"])
    tls = settings["tls"] == "yes"
    port = int((found and found[2]) or (6697 if tls else 6667))
    if found is None or not 0 < port < 65536:
        raise BadInput("server", "write a name and a port, such as irc.example.org:6697", status=422)
    if not NICK.fullmatch(settings["nick"]):
        raise BadInput("nick", "write a nick: letters, digits and -, beginning with a letter", status=422)
    return Place(found[1].strip("[]"), port, tls, settings["nick"], settings["password"])


@dataclass(slots=True)
class _Begun:
    """How far a post came: its lines as they were cut first, how many were taken, how often the next one failed."""

    pieces: list[str]
    taken: int = 0
    tries: int = 0


class Server:
    """A line to a server. It comes up when it is used first, and anew when it broke."""

    hears = True

    def __init__(self, place: Place) -> None:
        self._place = place
        self._session: Session | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._rooms: dict[str, None] = {}  # in the order in which they were entered
        self._named: dict[str, str] = {}
        self._begun: dict[str, _Begun] = {}
        self._run = secrets.token_hex(6)
        self._count = 0
        self._stamp = ""
        self._alike: Counter[tuple[str, ...]] = Counter()

    def whoami(self) -> str:
        """Return our nick."""
        return self._up().nick

    def open_room(self, wanted: Wanted) -> Opened:
        """Enter a channel, which makes it. It is kept out of lists, and nobody can guess its name."""
        letters = "".join(secrets.choice(LETTERS) for _ in range(4))
        room = self._named.setdefault(wanted.name, f"#{wanted.name}-{letters}".lower())
        self._enter(room)
        self._demand(room)
        self._ask(f"MODE {room} +s", f"TOPIC {room} :{_short(wanted.topic)}")
        return Opened(room, "")

    def find_room(self, name: str) -> Opened:
        """Enter a channel that people made."""
        room = name.lower()
        if not CHANNEL.fullmatch(room):
            raise DeliveryError(f"{name[:60]} is no channel", permanent=True)
        self._enter(room)
        return Opened(room, "")

    def post(self, room: str, line: Line) -> str:
        """Say a line; a long one becomes several, and another try says the rest of what the first one began."""
        self._be_in(room)
        begun = self._begun.setdefault(line.key, _Begun([]))
        pieces = begun.pieces = begun.pieces if begun.taken else cut(line.who, line.text)
        try:
            for piece in pieces[begun.taken :]:
                self._be_in(room)  # again: a line that came up anew may find it taken
                self._ask(f"PRIVMSG {room} :{piece}")
                begun.taken, begun.tries = begun.taken + 1, 0
        except DeliveryError as error:
            begun.tries += 1
            if error.permanent or begun.tries < MOST_TRIES:
                raise
            raise DeliveryError(
                f"the IRC server hangs up at this each time: {error.sentence}", permanent=True
            ) from None
        finally:
            if begun.taken == len(pieces) or begun.tries >= MOST_TRIES or len(self._begun) > MOST_BEGUN:
                self._begun.pop(line.key, None)
        return ""

    def set_topic(self, room: str, topic: str) -> None:
        """Set the topic."""
        self._be_in(room)
        self._ask(f"TOPIC {room} :{_short(topic)}")

    def invite(self, room: str, person: str) -> None:
        """Invite somebody by nick. An account says nothing of where somebody is, so nobody is asked."""
        self._be_in(room)
        if not person.startswith("account:"):
            self._ask(f"INVITE {person.partition('!')[0]} {room}")

    def hear(self, cursor: str, wait_s: float) -> Heard:
        """Wait for news. The cursor holds the channels that we are in, so that we enter them again after a break."""
        session = self._up(_rooms_of(cursor))
        if time.monotonic() - session.last_heard > QUIET_S:
            session.ask()
        found = self._next(session, min(wait_s, QUIET_S))
        while found and len(found) < 200 and (more := self._next(session, 0)):
            found += more
        return Heard(found, json.dumps(list(self._rooms)[-MOST_ROOMS:]))

    def close(self) -> None:
        """Leave."""
        self._is_closed = True
        if self._session is not None:
            self._session.end("raglan ended it")

    def _next(self, session: Session, wait_s: float) -> list[Incoming]:
        try:
            said = session.heard.get(timeout=wait_s) if wait_s else session.heard.get_nowait()
        except queue.Empty:
            return []
        if said is None:
            raise DeliveryError(f"the IRC server is gone: {session.why}", permanent=False)
        if said.command == "KICK" and len(said.words) > 1 and said.words[1] == session.nick:
            self._rooms.pop(said.words[0].lower(), None)
            return []
        message = self._message(said)
        return [message] if message else []

    def _message(self, said: Said) -> Incoming | None:
        """Return what somebody said in a channel; what is said to us alone is not for a room."""
        room = said.words[0].lower() if said.words else ""
        text = said.last
        if said.command != "PRIVMSG" or room not in self._rooms:
            return None
        if text.startswith("\x01"):
            if not text.startswith("\x01ACTION "):
                return None
            text = "* " + text.removeprefix("\x01ACTION ")
        account = said.tags.get("account")
        return Incoming(
            id=said.tags.get("msgid") or self._id(said),
            room=room,
            author=f"account:{account}" if account else said.source,
            author_name=said.nick,
            text=plain(text),
            at=_moment(said.tags.get("time", "")),
        )

    def _id(self, said: Said) -> str:
        """Return an id for what has none: by its time, if the server says that, since some tell the last lines anew."""
        stamp = said.tags.get("time")
        if not stamp:
            self._count += 1
            return f"{self._run}-{self._count}"
        if stamp != self._stamp:
            self._stamp, self._alike = stamp, Counter()
        line = (said.source, *said.words)
        self._alike[line] += 1  # of lines that somebody pastes some are alike
        return digest("\n".join((stamp, *line, str(self._alike[line]))))[:40]

    def _enter(self, room: str) -> None:
        self._up()  # which enters what it knows; this one once
        self._rooms[room] = None
        try:
            self._ask(f"JOIN {room}")
        except DeliveryError as error:
            if error.permanent:
                self._rooms.pop(room, None)
            raise

    def _be_in(self, room: str) -> None:
        """Be in a channel, and in one of our own only as long as nobody else holds it."""
        session = self._up()
        if room not in self._rooms:
            self._enter(room)
        if _is_taken(session, room):
            self._demand(room)

    def _demand(self, room: str) -> None:
        """Leave a channel that we do not hold: for good, unless an earlier line of ours holds it."""
        session = self._up()
        holders = session.holders.get(room, set())
        if session.nick in holders:
            return
        self._rooms.pop(room, None)
        self._ask(f"PART {room}")
        ours = [nick for nick in holders if nick.rstrip("_") == self._place.nick.rstrip("_")]
        by = ", ".join(sorted(holders))[:100] or "nobody"
        raise DeliveryError(f"{room} is held by {by} and not by raglan, so nothing is said there", permanent=not ours)

    def _ask(self, *lines: str) -> None:
        """Send, and raise DeliveryError when the server refuses for good."""
        for complaint in self._up().ask(*lines):
            if complaint.command in NO_ROOM:
                self._rooms.pop(complaint.words[1].lower() if len(complaint.words) > 1 else "", None)
                raise DeliveryError(f"the IRC server refused: {plain(complaint.last)[:200]}", permanent=True)

    def _up(self, rooms: tuple[str, ...] = ()) -> Session:
        """Return a session; a new one enters the channels of the last one again."""
        with self._lock:
            if self._is_closed:
                raise DeliveryError("the line is closed", permanent=False)
            if self._session is None or self._session.is_over:
                known = tuple(dict.fromkeys([*rooms, *self._rooms]))
                self._session = Session(self._place)
                if self._is_closed:
                    self._session.end("raglan ended it")
                self._session.greet(self._place)
                self._rooms = dict.fromkeys(known)
                if known:
                    self._session.ask(*_joins(known))
                for room in known:
                    if _is_taken(self._session, room):
                        self._rooms.pop(room, None)
            return self._session


def _is_taken(session: Session, room: str) -> bool:
    """Tell whether others hold a channel of our own; one that nobody holds is as we left it."""
    holders = session.holders.get(room, set())
    return OWN.fullmatch(room) is not None and bool(holders) and session.nick not in holders


def _joins(rooms: tuple[str, ...]) -> list[str]:
    return [f"JOIN {','.join(rooms[at : at + ROOMS_AT_ONCE])}" for at in range(0, len(rooms), ROOMS_AT_ONCE)]


def _rooms_of(cursor: str) -> tuple[str, ...]:
    try:
        found = json.loads(cursor) if cursor else []
    except ValueError:
        found = []
    return tuple(room for room in found if isinstance(room, str) and CHANNEL.fullmatch(room))


def _short(topic: str) -> str:
    return plain(topic).encode()[:MOST_BYTES].decode("utf-8", "ignore")


def _moment(stamp: str) -> datetime:
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return now()
    return found if found.tzinfo else now()

"""A session on an IRC server: one thread has the socket, and everybody else asks.

What is sent is followed by a PING: a server answers in order, so that its PONG says that all before was taken, and what
came between is why not.
"""

import queue
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from raglan.config import config
from raglan.core.db import in_write
from raglan.core.errors import DeliveryError
from raglan.integrations.irc.pipe import Pipe, connected
from raglan.integrations.irc.wire import Said, read

WANTED = ("account-tag", "server-time", "message-tags")
MOST_WAITING = 10_000
BURST, LINE_S = 4, 2.0  # so many lines at once, then one in so many seconds; servers drop who writes faster
HOLDS = "~&@"  # before the names of those who hold a channel
OF_SOMEBODY, WITH_WORD = "qaohvbeIk", "lfj"  # modes that name somebody, or something when they are set
WORDS_FOR_TAKEN = ("432", "433", "436", "437")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, and how we get in."""

    host: str
    port: int
    tls: bool
    nick: str
    password: str


@dataclass(slots=True)
class _Asked:
    """Somebody who waits for a PONG, and what the server complained of meanwhile."""

    done: threading.Event = field(default_factory=threading.Event)
    complaints: list[Said] = field(default_factory=list)


class Pace:
    """When the next line may go."""

    def __init__(self, line_s: float) -> None:
        self._line_s = line_s
        self._next = 0.0

    def wait_s(self, at: float) -> float:
        """Take the next place; return how long to wait for it at a moment (monotonic seconds)."""
        self._next = max(self._next, at - (BURST - 1) * self._line_s)
        waits = max(0.0, self._next - at)
        self._next += self._line_s
        return waits


class Session:
    """One connection, from its greeting to its end."""

    def __init__(self, place: Place) -> None:
        if in_write():
            raise RuntimeError("no network inside a transaction")
        self.heard: queue.Queue[Said | None] = queue.Queue(MOST_WAITING)
        self.nick = place.nick
        self.why = ""
        self.last_heard = time.monotonic()
        self.holders: dict[str, set[str]] = {}  # who holds each channel that we are in
        self._pace = Pace(LINE_S)
        self._gone = threading.Event()
        self._asked: dict[str, _Asked] = {}
        self._current: list[_Asked] = []
        self._welcome = threading.Event()
        self._asking = threading.Lock()
        self._pipe = Pipe(connected(place.host, place.port, tls=place.tls), self._hear, self.end)
        self._pipe.start()

    @property
    def is_over(self) -> bool:
        """Whether it ended."""
        return bool(self.why)

    def ask(self, *lines: str) -> list[Said]:
        """Send lines at their pace, wait until the server took them; return its complaints. Raises DeliveryError."""
        with self._asking:
            token = secrets.token_hex(8)
            asked = self._asked[token] = _Asked()
            self._current.append(asked)
            try:
                for line in lines:
                    self._gone.wait(self._pace.wait_s(time.monotonic()))
                    self.send(line)
                self.send(f"PING :{token}")
                if not asked.done.wait(config().send_deadline_s + LINE_S * len(lines)):
                    self.end("it answered too slowly")
            finally:
                self._asked.pop(token, None)
                self._current.remove(asked)
        if self.is_over:
            raise DeliveryError(f"the IRC server is gone: {self.why}", permanent=False, unknown=bool(lines))
        return asked.complaints

    def send(self, *lines: str) -> None:
        """Send lines. Raises DeliveryError."""
        if self.is_over:
            raise DeliveryError(f"the IRC server is gone: {self.why}", permanent=False)
        self._put(*lines)

    def _put(self, *lines: str) -> None:
        self._pipe.put(b"".join(line.replace("\r", " ").replace("\n", " ").encode()[:510] + b"\r\n" for line in lines))

    def end(self, why: str) -> None:
        """Let go; whoever waits is told."""
        self.why = self.why or why or "it ended"
        self._pipe.end(self.why)
        self._gone.set()
        for asked in list(self._current):
            asked.done.set()
        self._welcome.set()
        with suppress(queue.Full):
            self.heard.put_nowait(None)

    def greet(self, place: Place) -> None:
        """Be let in. Raises DeliveryError."""
        first = [f"PASS :{place.password}"] if place.password else []
        self.send("CAP LS 302", *first, f"NICK {self.nick}", f"USER {place.nick} 0 * :raglan")
        if not self._welcome.wait(config().send_deadline_s):
            self.end("it did not let us in in time")
        if self.is_over:
            raise DeliveryError(f"the IRC server did not let us in: {self.why}", permanent=False)

    def _hear(self, line: str) -> None:
        self.last_heard = time.monotonic()
        self._take(read(line))

    def _take(self, said: Said) -> None:
        match said.command:
            case "PING":
                self._put(f"PONG :{said.last}")
            case "PONG":
                if asked := self._asked.get(said.last):
                    asked.done.set()
            case "CAP":
                self._agree(said)
            case "001":
                self.nick = said.words[0] if said.words else self.nick
                self._welcome.set()
            case "PRIVMSG" | "KICK":
                self._keep(said)
            case "ERROR":
                self.end(said.last)
            case _:
                self._learn(said)
                self._note(said)

    def _learn(self, said: Said) -> None:
        """Learn who holds a channel: from its list of names, and from what is given and taken later."""
        first = said.words[0].lower() if said.words else ""
        if said.command == "JOIN" and said.nick == self.nick:
            self.holders[first] = set()
        elif said.command == "353" and len(said.words) > 2:
            names = [name for name in said.last.split() if name[0] in HOLDS]
            self.holders.setdefault(said.words[2].lower(), set()).update(name.lstrip(HOLDS + "%+") for name in names)
        elif said.command == "NICK":
            self._rename(said.nick, said.last)
        elif said.command == "MODE" and first in self.holders:
            for is_given, nick in _holds(said.words[1:]):
                (self.holders[first].add if is_given else self.holders[first].discard)(nick)

    def _rename(self, old: str, new: str) -> None:
        self.nick = new if old == self.nick else self.nick
        for nicks in self.holders.values():
            if old in nicks:
                nicks.discard(old)
                nicks.add(new)

    def _keep(self, said: Said) -> None:
        try:
            self.heard.put_nowait(said)
        except queue.Full:
            self.end("more came in than could be taken")

    def _note(self, said: Said) -> None:
        if not self._welcome.is_set() and said.command in WORDS_FOR_TAKEN:
            self.nick += "_"
            if len(self.nick) > 40:
                self.end("our name is taken")
            else:
                self._put(f"NICK {self.nick}")
        elif not self._welcome.is_set() and said.command in ("464", "465"):
            self.end(said.last)
        elif said.command[:1] in ("4", "5"):
            for asked in self._current:
                asked.complaints.append(said)

    def _agree(self, said: Said) -> None:
        """Ask for what tells us who people are; a server that knows nothing of this lets us in without."""
        verb = said.words[1].upper() if len(said.words) > 1 else ""
        if verb == "LS" and "*" not in said.words[2:-1]:
            offered = {word.partition("=")[0] for word in said.last.split()}
            wanted = [name for name in WANTED if name in offered]
            self._put(*([f"CAP REQ :{' '.join(wanted)}"] if wanted else ["CAP END"]))
        elif verb in ("ACK", "NAK"):
            self._put("CAP END")


def _holds(words: tuple[str, ...]) -> list[tuple[bool, str]]:
    """Return who is given a channel, and from whom it is taken, by the words of a MODE."""
    found, is_given, rest = [], True, list(words[1:])
    for letter in words[0] if words else "":
        if letter in "+-":
            is_given = letter == "+"
        elif rest and (letter in OF_SOMEBODY or (is_given and letter in WITH_WORD)):
            word = rest.pop(0)
            found += [(is_given, word)] if letter in "qao" else []
    return found

"""A small IRC server for tests that does what true ones rarely do: it stops to read, takes its time, hangs up."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import zip_longest

FLOOD = b"PING :" + b"x" * 400 + b"\r\n"


@dataclass
class Stub:
    """One server. `said` are the lines that were said in channels, in the order in which they were taken."""

    line_s: float = 0.0  # how long it takes over each line
    hangs_up_at: int = 0  # at so many lines said it hangs up, once
    never_takes: str = "\0"  # at what holds this it hangs up, always
    holders: tuple[str, ...] = ()  # who holds each channel; whoever enters it, where there is nobody
    guests: tuple[str, ...] = ()  # who is in each channel already
    gives: tuple[str, ...] = ()  # a MODE of each channel, after its names
    says: tuple[str, ...] = ()  # what it tells whoever enters a channel
    times: tuple[str, ...] = ()  # and of each when it was said, if it says that
    tls: ssl.SSLContext | None = None
    said: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    deaf: threading.Event = field(default_factory=threading.Event)
    stuck: threading.Event = field(default_factory=threading.Event)  # nothing goes to the other side any more
    over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> int:
        """Listen; return where."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return int(self._socket.getsockname()[1])

    def end(self) -> None:
        """Listen no more."""
        self.over.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=[connected], daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        with suppress(OSError), connected:
            one = self.tls.wrap_socket(connected, server_side=True) if self.tls else connected
            visit = _Visit(self, one)
            while not self.over.is_set() and not visit.is_over:
                visit.go_on()


class _Visit:
    """Somebody who is there."""

    def __init__(self, stub: Stub, connected: socket.socket) -> None:
        self._stub = stub
        self._socket = connected
        self._nick = "*"
        self._rest = b""
        self._tells: list[str] = []
        self.is_over = False

    def go_on(self) -> None:
        """Take what comes, and tell some of what is to be told."""
        if self._stub.deaf.is_set() and self._nick != "*":
            self._flood()
            return
        self._say(*self._tells[:50])
        del self._tells[:50]
        self._socket.settimeout(0.005 if self._tells else 0.05)
        try:
            piece = self._socket.recv(4096)
        except TimeoutError:
            return
        self.is_over = not piece
        *whole, self._rest = (self._rest + piece).split(b"\r\n")
        for line in whole:
            time.sleep(self._stub.line_s)
            self._take(line.decode())

    def _flood(self) -> None:
        with suppress(OSError):
            self._socket.settimeout(1.0)
            while True:
                self._socket.sendall(FLOOD * 50)
        self._stub.stuck.set()
        self._stub.over.wait()

    def _take(self, line: str) -> None:
        if self.is_over:
            return
        self._stub.lines.append(line)
        command, _, rest = line.partition(" ")
        match command:
            case "NICK":
                self._nick = rest
            case "USER":
                self._say(f":stub 001 {self._nick} :welcome")
            case "PING":
                self._say(f":stub PONG stub {rest}")
            case "JOIN":
                self._enter(rest)
            case "PRIVMSG":
                self._hear(rest.partition(" :")[2])

    def _enter(self, rooms: str) -> None:
        for room in rooms.split(","):
            there = [*(f"@{one}" for one in self._stub.holders), *self._stub.guests]
            names = " ".join([*there, self._nick]) if there else f"@{self._nick}"
            self._say(f":{self._nick}!r@h JOIN {room}", f":stub 353 {self._nick} = {room} :{names}")
            self._say(f":stub 366 {self._nick} {room} :end")
            if self._stub.gives:
                self._say(f":stub MODE {room} {' '.join(self._stub.gives)}")
            told = zip_longest(self._stub.times, self._stub.says)
            self._tells += [f"{f'@time={at} ' if at else ''}:bo!~bo@h PRIVMSG {room} :{text}" for at, text in told]

    def _hear(self, text: str) -> None:
        if self._stub.never_takes in text or len(self._stub.said) + 1 == self._stub.hangs_up_at:
            self._stub.hangs_up_at = 0
            self.is_over = True
        else:
            self._stub.said.append(text)

    def _say(self, *lines: str) -> None:
        self._socket.settimeout(60)
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def irc_stub(stub: Stub) -> Iterator[int]:
    """Run it; yield its port."""
    port = stub.start()
    try:
        yield port
    finally:
        stub.end()

"""A socket to an IRC server. One thread owns it, and it never blocks: others lay down what is to be sent.

TLS does not stand two threads at once on one socket, and a server that stops to read would hold whoever writes to it.
"""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from raglan.config import config
from raglan.core import http
from raglan.core.cutoff import CutOff
from raglan.core.errors import DeliveryError

MOST_LINE = 16_384
MOST_OUT = 64 * 1024  # bytes that wait for the server to take them
AT_ONCE = 64  # pieces that are read before something is written again
LOOK_S = 0.5


def connected(host: str, port: int, *, tls: bool) -> socket.socket:
    """Return a socket to a server, within the deadline of one hand-over. Raises DeliveryError."""
    address = http.resolve(host, port)
    wait_s = config().send_deadline_s
    with CutOff(time.monotonic() + wait_s) as cut:
        try:
            raw = socket.create_connection((str(address), port), timeout=wait_s)
        except OSError as error:
            raise DeliveryError(f"{host} could not be reached: {error}", permanent=False) from None
        cut.watch(raw)
        try:
            return ssl.create_default_context().wrap_socket(raw, server_hostname=host) if tls else raw
        except OSError as error:
            raw.close()
            raise DeliveryError(f"{host} could not be reached: {error}", permanent=False) from None


class Pipe:
    """What goes to a server and comes from it, line by line."""

    def __init__(self, connected: socket.socket, take: Callable[[str], None], ended: Callable[[str], None]) -> None:
        connected.settimeout(0)
        self._socket = connected
        self._take = take
        self._ended = ended
        self._awake, self._waker = socket.socketpair()
        for end in (self._awake, self._waker):
            end.settimeout(0)
        self._lock = threading.Lock()
        self._out = bytearray()
        self._due = 0.0  # when what waits has to be taken
        self._rest = b""
        self._why = ""
        self._wants = 0  # what TLS waits for before it goes on, beside something to read
        self._has_more = False
        self._thread = threading.Thread(target=self._run, name="raglan-irc", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, data: bytes) -> None:
        """Let something go to the server, soon."""
        with self._lock:
            if not self._out:
                self._due = time.monotonic() + config().send_deadline_s
            self._out += data
            is_much = len(self._out) > MOST_OUT
        if is_much:
            self.end("it takes nothing from us")
        self._wake()

    def end(self, why: str) -> None:
        """Let go, soon."""
        self._why = self._why or why or "it ended"
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it wakes; closed: it is over
            self._waker.send(b".")

    def _run(self) -> None:
        try:
            while not self._why:
                self._wait()
                self._read()
                self._write()
        except (OSError, DeliveryError) as error:
            self.end(str(error))
        finally:
            self.end("the server ended it")
            for one in (self._socket, self._awake, self._waker):
                with suppress(OSError):
                    one.close()
            self._ended(self._why)

    def _wait(self) -> None:
        """Wait until something can be read, or written, or there is something to do."""
        looks = select.poll()
        looks.register(self._socket, select.POLLIN | self._wants)
        looks.register(self._awake, select.POLLIN)
        looks.poll(0 if self._has_more else LOOK_S * 1000)
        with suppress(BlockingIOError):
            self._awake.recv(4096)

    def _read(self) -> None:
        self._wants, self._has_more = 0, False
        try:
            for _ in range(AT_ONCE):
                piece = self._socket.recv(4096)
                if not piece:
                    raise DeliveryError("the server ended it", permanent=False)
                self._split(piece)
        except ssl.SSLWantWriteError:
            self._wants = select.POLLOUT
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        else:
            self._has_more = True

    def _split(self, piece: bytes) -> None:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MOST_LINE:
            raise DeliveryError("a line of the server is too long", permanent=False)
        for line in whole:
            self._take(line.rstrip(b"\r").decode("utf-8", "replace"))

    def _write(self) -> None:
        with self._lock:
            try:
                while self._out:
                    del self._out[: self._socket.send(self._out[:16_384])]
            except ssl.SSLWantReadError:
                pass  # what comes is waited for in any case
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wants = select.POLLOUT
            if self._out and time.monotonic() > self._due:
                raise DeliveryError("it takes nothing from us", permanent=False)

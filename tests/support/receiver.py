"""A web server that says what a test wants, byte for byte, and knows by which connection each request came."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from raglan.config import config
from raglan.core import http, kept

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Receiver:
    """Answers each POST with what `says` returns for its body; nothing returned ends the connection."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.came: list[tuple[int, bytes]] = []
        self.heads: list[bytes] = []
        self.leaves = False  # after each answer
        self.says: Callable[[bytes], bytes] = lambda body: TAKEN
        self._open: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._door.getsockname()[1]}/hook"
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def lines(self) -> int:
        """How many connections there were."""
        return len({port for port, _ in self.came})

    @property
    def bodies(self) -> list[bytes]:
        """What was posted, in order."""
        return [body for _, body in self.came]

    def close(self) -> None:
        """End all."""
        for one in (self._door, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                line, where = self._door.accept()
                self._open.append(line)
                threading.Thread(target=self._serve, args=(line, where[1]), daemon=True).start()

    def _sealed(self, line: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(line, server_side=True) if self._tls else line

    def _serve(self, line: socket.socket, port: int) -> None:
        with suppress(OSError), self._sealed(line) as sealed, sealed.makefile("rb") as file:
            while head := _head(file):
                found = LENGTH.search(head)
                body = file.read(int(found[1]) if found else 0)
                self.heads.append(head)
                self.came.append((port, body))
                said, leaves = self.says(body), self.leaves
                if not said:
                    return
                sealed.sendall(said)
                if leaves:
                    return


def _head(file: IO[bytes]) -> bytes:
    """Return the lines before the empty one; nothing at the end."""
    lines: list[bytes] = []
    while (line := file.readline()) not in (b"", b"\r\n"):
        lines.append(line)
    return b"".join(lines)


@contextmanager
def receiving(setattr_: Callable[[object, str, object], None], tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Give a receiver that may be reached; no machine is so busy that a connection to it gets old."""
    setattr_(kept, "IDLE_S", 3600.0)
    setattr_(kept, "AGE_S", 3600.0)
    setattr_(http, "kept", kept.Kept())
    setattr_(http, "config", lambda: config().model_copy(update={"allow_networks": ["127.0.0.0/8"]}))
    receiver = Receiver(tls)
    try:
        yield receiver
    finally:
        http.kept.forget()
        receiver.close()

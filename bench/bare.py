"""The floor of a fan-out: a loop of `send` over open connections, with nothing else to do. Loopback only."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n"


class Loop:
    """Greets whoever connects, and sends to all of them."""

    def __init__(self, count: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = int(self._listening.getsockname()[1])
        self._taken: list[socket.socket] = []
        self._count = count
        Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while len(self._taken) < self._count:
            taken, _ = self._listening.accept()
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            taken.sendall(HELLO)
            self._taken.append(taken)

    def post(self, text: str) -> None:
        """Send to all."""
        data = f"data: {text}\n\n".encode()
        for taken in self._taken:
            taken.send(data)

    def close(self) -> None:
        """End."""
        for taken in (self._listening, *self._taken):
            taken.close()


@contextmanager
def bare(count: int) -> Iterator[Loop]:
    """Have it for the time of a block."""
    loop = Loop(count)
    try:
        yield loop
    finally:
        loop.close()

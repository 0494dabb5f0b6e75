"""`python -m bench.watchers`: many readers of one stream, in a process of its own, on one thread. Loopback only.

Opens so many streams, says `ready` when each has been greeted, and then reads needles from its input, one a line: each
is answered with the moment at which it had reached the last reader, on the clock that all processes share, and with
how many it reached.
"""

import json
import select
import socket
import sys
import time
from dataclasses import dataclass

PATIENCE_S = 30.0
AT_ONCE = 100
KEPT = 256


@dataclass(slots=True)
class Wire:
    """One reader."""

    sock: socket.socket
    tail: bytes = b""
    has_seen: bool = False


class Watchers:
    """All of them."""

    def __init__(self, port: int, heads: list[bytes], greeting: bytes) -> None:
        self._port = port
        self._heads = heads
        self._greeting = greeting
        self._poll = select.epoll()
        self._wires: dict[int, Wire] = {}
        self._seen = 0

    def open(self, count: int) -> None:
        """Connect a few at a time, so that no line overflows."""
        while len(self._wires) < count:
            for _ in range(min(AT_ONCE, count - len(self._wires))):
                sock = socket.create_connection(("127.0.0.1", self._port))
                sock.sendall(self._heads[len(self._wires) % len(self._heads)])
                sock.settimeout(0.0)
                self._wires[sock.fileno()] = Wire(sock)
                self._poll.register(sock.fileno(), select.EPOLLIN)
            self.wait(self._greeting, fresh=False)

    def wait(self, needle: bytes, *, fresh: bool = True) -> tuple[float, int]:
        """Return when the last reader had the needle, and how many have it."""
        if fresh:
            self._seen = 0
            for wire in self._wires.values():
                wire.has_seen, wire.tail = False, b""
        until, last = time.perf_counter() + PATIENCE_S, 0.0
        while self._seen < len(self._wires) and time.perf_counter() < until:
            for number, _ in self._poll.poll(1.0):
                self._read(self._wires[number], needle)
            last = time.perf_counter()
        return last, self._seen

    def _read(self, wire: Wire, needle: bytes) -> None:
        data = wire.sock.recv(65_536)
        if not data:
            self._poll.unregister(wire.sock.fileno())
            return
        if wire.has_seen:
            return
        heard = wire.tail + data
        if needle in heard:
            wire.has_seen, wire.tail = True, b""
            self._seen += 1
        else:
            wire.tail = heard[-KEPT:]


def main() -> int:
    """Do what the first line of the input says, then look for each further line."""
    wanted = json.loads(sys.stdin.readline())
    watchers = Watchers(wanted["port"], [head.encode() for head in wanted["heads"]], wanted["greeting"].encode())
    watchers.open(wanted["count"])
    print("ready", flush=True)
    for line in sys.stdin:
        last, seen = watchers.wait(line.strip().encode())
        print(json.dumps([last, seen]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A closed loop of HTTP/1.1 requests, rendered before the clock starts, on one thread that leaves the processor alone.

Loopback only: any other address is refused. Each connection sends its next request when it has its answer.
"""

import ipaddress
import os
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.ground import percentile

PATIENCE_S = 120.0
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """What a load found."""

    wall_s: float = 0.0
    client_cpu_s: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def check(self, requests: int) -> None:
        """Raises SystemExit unless every request was answered well: anything else measures the wrong thing."""
        if len(self.latencies) != requests or set(self.statuses) - {200, 201, 202, 204}:
            raise SystemExit(f"{requests} requests were answered with {dict(self.statuses)}")

    def quantile_ms(self, share: float) -> float:
        """Return the latency below which this share of answers lies."""
        return percentile(self.latencies, share) * 1000


def render(port: int, path: str, body: bytes) -> bytes:
    """Return a POST as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class _Wire:
    sock: socket.socket
    left: memoryview = field(default_factory=lambda: memoryview(b""))
    began: float = 0.0
    have: bytes = b""


class Loop:
    """Sends all requests once over a number of connections."""

    def __init__(self, port: int, requests: Sequence[bytes], connections: int, host: str = "127.0.0.1") -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise SystemExit(f"{host} is not a loopback address: refused")
        self._todo: Iterator[bytes] = iter(requests)
        self._poll = select.epoll()
        self._wires: dict[int, _Wire] = {}
        self._live = 0
        self._run = Run()
        for _ in range(min(connections, len(requests))):
            sock = socket.create_connection((host, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(0.0)
            self._wires[sock.fileno()] = _Wire(sock)
            self._poll.register(sock.fileno(), 0)

    def run(self) -> Run:
        """Send, and return what was found."""
        cpu, began = time.process_time(), time.perf_counter()
        for number in list(self._wires):
            self._next(number)
        while self._live and time.perf_counter() - began < PATIENCE_S:
            for number, mask in self._poll.poll(1.0):
                self._step(number, mask)
        self._run.wall_s = time.perf_counter() - began
        self._run.client_cpu_s = time.process_time() - cpu
        for wire in self._wires.values():
            wire.sock.close()
        self._poll.close()
        return self._run

    def _step(self, number: int, mask: int) -> None:
        wire = self._wires[number]
        if mask & select.EPOLLOUT:
            self._send(number, wire)
        if not mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            return
        data = wire.sock.recv(65_536)
        if not data:
            raise SystemExit("the server closed a connection under load")
        wire.have += data
        if _is_whole(wire.have):
            self._run.latencies.append(time.perf_counter() - wire.began)
            self._run.statuses[int(wire.have[9:12])] += 1
            self._live -= 1
            self._next(number)

    def _next(self, number: int) -> None:
        request = next(self._todo, None)
        wire = self._wires[number]
        if request is None:
            self._poll.modify(number, 0)
            return
        self._live += 1
        wire.left, wire.began, wire.have = memoryview(request), time.perf_counter(), b""
        self._send(number, wire)

    def _send(self, number: int, wire: _Wire) -> None:
        with suppress(BlockingIOError):
            wire.left = wire.left[wire.sock.send(wire.left) :]
        self._poll.modify(number, select.EPOLLIN | (select.EPOLLOUT if wire.left else 0))


def _is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return b"chunked" not in head or answer.endswith(b"0\r\n\r\n")
    stop = head.find(b"\r\n", at)
    return len(answer) >= end + 4 + int(head[at + 15 : stop if stop > 0 else None])


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, its children included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICK


def memory_mib(pid: int) -> float:
    """Return the memory of a process, shared pages counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0

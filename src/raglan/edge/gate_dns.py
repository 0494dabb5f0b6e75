"""The gate's answer by DNS: an authority for one zone that knows one kind of record, TXT. Off unless a port is given.

It is of no use to those who send questions in the name of others: it answers own networks only, so many a second, and
an answer has 512 bytes at most. Every name below the zone that says what the gate knows exists; others do not.
"""

import asyncio
import struct
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from raglan.changes import gate, gate_text
from raglan.config import Config
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.errors import BadInput, Overloaded
from raglan.edge.gate import Buckets

TTL_S = 10
MOST_QUESTION = 512
MOST_ANSWER = 512
TXT, SOA, ANY, IN = 16, 6, 255, 1
FINE, WRONG, NO_NAME, NOT_DONE, REFUSED = 0, 1, 3, 4, 5
A_SECOND, AT_ONCE = 500.0, 2_000.0
NOTHING = struct.pack("!H", 0)
log = logs.get("raglan.gate")
Rules = Callable[[], Sequence[gate.HoldRule] | None]
Add = Callable[[gate.Asked], gate.Asked]
Network = IPv4Network | IPv6Network


class Question:
    """What was asked. Raises ValueError for what is no question of one name."""

    def __init__(self, said: bytes) -> None:
        self.number, self.flags, asked, answers, _, _ = struct.unpack("!6H", said[:12])
        if self.flags & 0x8000 or asked != 1 or answers or len(said) > MOST_QUESTION:
            raise ValueError("this is no question")
        at, self.labels = 12, list[str]()
        while length := said[at]:
            if length > 63 or at + 1 + length >= len(said):
                raise ValueError("a name ends too early")
            self.labels.append(said[at + 1 : at + 1 + length].decode("utf-8"))
            at += length + 1
        self.kind, self.family = struct.unpack("!HH", said[at + 1 : at + 5])
        self.text = said[12 : at + 5]

    def answer(self, code: int, records: bytes = b"", *, is_own: bool = False, count: int = 0) -> bytes:
        """Return an answer; with records but no count they are about the zone."""
        flags = 0x8000 | (self.flags & 0x7900) | (0x0400 if is_own else 0) | code
        about = 1 if records and not count else 0
        return struct.pack("!6H", self.number, flags, 1, count, about, 0) + self.text + records


class Answers(asyncio.DatagramProtocol):
    """Answers questions from memory."""

    def __init__(self, zone: str, networks: Sequence[Network], rules: Rules, add: Add = lambda asked: asked) -> None:
        self._zone = zone.lower().strip(".").split(".")
        self._networks = networks
        self._rules = rules
        self._add = add
        self._buckets = Buckets(A_SECOND, AT_ONCE)
        self._wire: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._wire = transport  # type: ignore[assignment]  # of the loop, which makes another class of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question; what is none, or comes from elsewhere, is passed over in silence."""
        if self._wire is None or not self._is_near(addr[0]):
            return
        try:
            self._buckets.take(addr[0], time.monotonic())
            said = self.reply(data)
        except (ValueError, IndexError, struct.error, Overloaded):
            return
        if len(said) <= MOST_ANSWER:
            self._wire.sendto(said, addr)

    def _is_near(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)

    def reply(self, data: bytes) -> bytes:
        """Return the answer to a question. Raises ValueError, IndexError, struct.error for what is none."""
        asked = Question(data)
        below = asked.labels[: -len(self._zone)] if len(asked.labels) >= len(self._zone) else []
        if [label.lower() for label in asked.labels[len(below) :]] != self._zone or asked.family != IN:
            return asked.answer(REFUSED)
        if asked.flags & 0x7800:
            return asked.answer(NOT_DONE)
        rules = self._rules()
        if rules is None:
            return asked.answer(2)  # a server that can not answer now
        try:
            words = self._add(asked_in(below))
        except BadInput:
            return asked.answer(NO_NAME, self._about(asked, below), is_own=True)
        if asked.kind != TXT:
            return asked.answer(FINE, self._about(asked, below), is_own=True)
        said = gate_text.dns(gate.answer(rules, words, now())).encode("utf-8")[:255]
        record = b"\xc0\x0c" + struct.pack("!HHIHB", TXT, IN, TTL_S, len(said) + 1, len(said)) + said
        return asked.answer(FINE, record, is_own=True, count=1)

    def _about(self, asked: Question, below: Sequence[str]) -> bytes:
        """Return the record about the zone, which says for how long there is nothing of that kind."""
        zone = struct.pack("!H", 0xC000 | (12 + sum(len(label.encode()) + 1 for label in below)))
        data = zone + zone + struct.pack("!5I", 1, 3600, 600, 86400, TTL_S)
        return zone + struct.pack("!HHIH", SOA, IN, TTL_S, len(data)) + data


NAMED = {"host", *gate_text.KINDS}


def asked_in(labels: Sequence[str]) -> gate.Asked:
    """Read what a host says of itself: `web1._host.fra1._cluster`. Raises BadInput."""
    said: dict[str, list[str]] = {}
    value: list[str] = []
    for label in labels:
        if label[:1] != "_" or label[1:].lower() not in NAMED:  # names may begin so, too, such as Chef's `_default`
            value.append(label)
            continue
        if not value:
            raise BadInput(label[:40], "a name stands before each kind")
        said.setdefault(label[1:].lower(), []).append(".".join(value))
        value = []
    if value:
        raise BadInput("", "a kind stands behind each name")
    return gate_text.asked_in(said)


class Dns:
    """Listens on the port of the options."""

    def __init__(self, config: Config, rules: Rules, add: Add) -> None:
        self._config = config
        self._rules = rules
        self._add = add
        self._wire: asyncio.DatagramTransport | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        config = self._config
        networks = [ip_network(word) for word in config.gate_dns_networks]
        place = (config.gate_dns_host, config.gate_dns_port)
        loop = asyncio.get_running_loop()
        answers = Answers(config.gate_dns_zone, networks, self._rules, self._add)
        try:
            self._wire, _ = await loop.create_datagram_endpoint(lambda: answers, local_addr=place)
        except OSError as error:  # alerts and pages matter more than one of several ways to ask
            log.error("the gate can not answer by DNS", extra={"error": str(error)})
            return
        self.port = int(self._wire.get_extra_info("sockname")[1])

    def stop(self) -> None:
        """End."""
        if self._wire is not None:
            self._wire.close()

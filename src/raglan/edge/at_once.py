"""Requests that are taken without a task of their own: alerts in a plain request, from a source that is as always.

`reply` is called on the loop, once. Whatever else there is to say or to look up is left to the ordinary way.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Protocol

import msgspec
from msgspec import structs
from prometheus_client import Counter

from raglan.alerts.ports import Answer, Batch, Desk, Door, Glimpsed, Outcome, SourceKey
from raglan.core import metrics
from raglan.core.clock import now
from raglan.core.errors import Overloaded, RaglanError
from raglan.core.secrets import digest
from raglan.edge.answers import Scope
from raglan.edge.doors import QuickDoor, accepted, glimpses
from raglan.edge.heads import header_token, split_path
from raglan.edge.journal import Away, Journal
from raglan.edge.places import Places
from raglan.edge.plain import END, MOST_HEAD, read_head
from raglan.edge.repeats import Repeat, Repeats
from raglan.edge.tokens import Tokens
from raglan.edge.wsgi import client_of

INLINE = 64 * 1024
LONG_PATH, LONG_HEADER = 1024, 4 * 1024
MOST_HEADS = 2_048  # of 0.3 KiB each
# What the ordinary way looks at; a body in chunks has come whole, but its parts may not have been bounded.
ODD_HEADERS = frozenset({b"content-encoding", b"transfer-encoding", b"expect", b"upgrade"})

requests_seen = Counter("raglan_intake_requests", "Intake requests", ["status"], registry=metrics.REGISTRY)
seen_as = cache(requests_seen.labels)  # the library looks a label up with a lock and a copy


class Reply(Protocol):
    """How a request that was taken at once is answered; on the loop, once."""

    def answer(self, said: Answer) -> None:
        """Send an answer."""

    def refuse(self, error: RaglanError) -> None:
        """Send a refusal."""

    def start_anew(self) -> None:
        """Let the request go the ordinary way, as if nothing had been tried."""

    def needs_task(self) -> None:
        """Hear that there is no use in asking again whether this can be taken at once."""


class Read(msgspec.Struct, frozen=True, gc=False):
    """A plain head that came before: through which door it leads, the digest of its token, the size of its body."""

    door: QuickDoor
    token: str
    size: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the ordinary way has learned; it is changed there."""

    takers: Mapping[tuple[str, str], tuple[Desk | None, Door | None]]
    met: Mapping[int, tuple[str, float]]
    tokens: Tokens[SourceKey]
    is_unusual: Callable[[], bool]  # such as when the database is away
    has_spool: bool


class AtOnce:
    """Takes requests whose door, source and sender the ordinary way knows."""

    def __init__(
        self,
        journal: Journal[Batch, Outcome],
        repeats: Repeats,
        places: Places,
        known: Known,
        *,
        trusted_proxies: int,
    ) -> None:
        self._journal = journal
        self._repeats = repeats
        self._places = places
        self._known = known
        self._trusted_proxies = trusted_proxies
        self._heads: dict[bytes, Read] = {}

    def take(self, scope: Scope, body: bytes, reply: Reply) -> bool:
        """Take a request whose body is whole; False, and nothing done, when it needs a task."""
        if len(body) > INLINE or self._known.is_unusual():
            return False
        found = self._sent_plainly(scope)
        seen = found[0].glimpse(body) if found else None
        return found is not None and seen is not None and self._take(*found, seen, len(body), reply)

    def take_bytes(self, data: bytes, remote: str, reply: Reply) -> bool:
        """Take a request as it came, whole and alone; False, and nothing done, when it is not plain."""
        end = data.find(END, 0, MOST_HEAD + len(END))
        if end < 0 or self._known.is_unusual():
            return False
        key = blake2b(data[:end], digest_size=16).digest()  # not the head itself, because its token is a secret
        known = self._heads.get(key)
        read = known or self._read(data[:end])
        if read is None or read.size > INLINE or len(data) != end + len(END) + read.size:
            return False
        source = self._source(read.door, read.token, remote)
        if source is None:
            return False
        if known is None:  # of a stranger nothing is kept
            if len(self._heads) >= MOST_HEADS:
                self._heads.clear()
            self._heads[key] = read
        seen = read.door.glimpse(data[end + len(END) :])
        if seen is not None and self._take(read.door, source, seen, read.size, reply):
            return True
        reply.needs_task()
        return False

    def _read(self, head: bytes) -> Read | None:
        found = read_head(head)
        if found is None:
            return None
        token, path = split_path(found.path)
        door = self._door("POST", path)
        token = token or header_token(found.authorization)
        return Read(door, digest(token), found.size) if door is not None and token else None

    def _door(self, method: str, path: str) -> QuickDoor | None:
        desk, door = self._known.takers.get((method, path), (None, None))
        return door if desk is None and door is not None and glimpses(door) else None

    def _source(self, door: Door, token_digest: str, remote: str) -> SourceKey | None:
        """Return the source of a token, when it is known, of the right kind, and sends from where it did before."""
        source = self._known.tokens.known(token_digest)
        if source is None or source.kind not in door.kinds:
            return None
        met = self._known.met.get(source.id)
        return source if met is not None and met[0] == remote else None

    def _take(self, door: QuickDoor, source: SourceKey, seen: Glimpsed, size: int, reply: Reply) -> bool:
        """Answer repeats from memory, and what is news when it is stored, as the ordinary way does."""
        at, since = now(), time.monotonic()
        news, repeats = self._repeats.sort(source.id, seen, at)
        decoded = seen.decode(news)
        if decoded is None or not self._places.take(source.id, size):
            return False

        def done(outcome: Outcome | RaglanError) -> None:
            self._places.give_back(source.id, size)
            if isinstance(outcome, RaglanError):
                self._refuse(reply, outcome)
                return
            if news:
                self._repeats.learn(source.id, decoded.marks, outcome.standing, since=since)
            if repeats:
                outcome = with_repeats(self._repeats, outcome, source, repeats, at)
            said = accepted(door, decoded, outcome)
            seen_as(said.status).inc()
            reply.answer(said)

        try:
            self._journal.put_then(Batch(source, decoded, at), done) if news else done(Outcome())
        except Overloaded as error:
            done(error)
        return True

    def _refuse(self, reply: Reply, error: RaglanError) -> None:
        if isinstance(error, Away) and self._known.has_spool:
            reply.start_anew()  # to the spool
            return
        seen_as(error.status).inc()
        reply.refuse(error)

    def _sent_plainly(self, scope: Scope) -> tuple[QuickDoor, SourceKey] | None:
        """Return door and source of a request in whose head nothing is out of the ordinary."""
        client, path = scope["client"], scope["path"]
        if scope["query_string"] or client is None or len(path) > LONG_PATH:
            return None
        token, path = split_path(path)
        door = self._door(scope["method"], path)
        if door is None:
            return None
        hosts, authorization = 0, b""
        for name, value in scope["headers"]:
            if name in ODD_HEADERS or len(value) > LONG_HEADER:
                return None
            hosts += name == b"host"
            if name == b"authorization":
                authorization = value
        token = token or header_token(authorization.decode("latin-1"))
        remote = client_of(scope, self._trusted_proxies) if self._trusted_proxies else str(client[0])
        source = self._source(door, digest(token), remote) if token and hosts <= 1 else None
        return None if source is None else (door, source)


def with_repeats(
    book: Repeats, outcome: Outcome, source: SourceKey, repeats: Sequence[Repeat], at: datetime
) -> Outcome:
    """Count what was answered from memory."""
    if not repeats:
        return outcome
    book.hear(source.id, repeats, at)
    metrics.signals_accepted.labels(source.slug).inc(len(repeats))
    return structs.replace(outcome, repeated=outcome.repeated + len(repeats))

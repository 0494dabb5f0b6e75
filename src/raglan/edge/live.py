"""Live streams: names of what changed, as server-sent events.

A message carries names and the id of the newest event, never content; the browser fetches again with its own rights.
After a break the browser sends the last id that it heard and is told what changed since, or to load anew. Changes of a
short window travel together and are written down once, so that a storm costs a bounded number of rounds.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from prometheus_client import Gauge

from raglan.core import bus, logs, metrics
from raglan.core.errors import NotSignedIn, Overloaded, RaglanError
from raglan.edge.answers import Receive, Scope, Send, check_head, cut, header, refuse

WINDOW_S = 0.06
BEAT_S = 10.0
STUCK_S = 10.0
LIFE_S = 15 * 60.0
RING = 512
MAX_CLIENTS = 2_000
MAX_TOPICS = 20
log = logs.get("raglan.live")
open_streams = Gauge("raglan_live_streams", "Open live streams", registry=metrics.REGISTRY)

# Which of the topics a reader may hear; None for somebody unknown.
Authorize = Callable[[Scope, Sequence[str]], Awaitable[frozenset[str] | None]]
# The names of what changed after an event; None when that is too much to tell.
Replay = Callable[[int, Sequence[str]], Awaitable[list[str] | None]]


@dataclass(frozen=True, slots=True)
class Round:
    """What changed in one window."""

    number: int
    newest: int
    names: frozenset[str]


class Stream:
    """One reader."""

    __slots__ = ("is_gone", "news", "topics", "until")

    def __init__(self, topics: tuple[str, ...]) -> None:
        self.topics = topics
        self.news = asyncio.Event()
        self.is_gone = False
        # The reader comes back with its last id and is looked at anew: whoever lost the right to listen is out by then.
        self.until = time.monotonic() + LIFE_S * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads load, hides nothing


class Hub:
    """Takes names from the bus and hands them to streams."""

    def __init__(self, *, authorize: Authorize, replay: Replay, max_clients: int = MAX_CLIENTS) -> None:
        self._authorize = authorize
        self._replay = replay
        self._max_clients = max_clients
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ring: deque[Round] = deque(maxlen=RING)
        self._waiting: set[str] = set()
        self._written: dict[tuple[int, tuple[str, ...]], bytes] = {}
        self._missed: dict[tuple[int, tuple[str, ...]], asyncio.Future[list[str] | None]] = {}
        self._streams: set[Stream] = set()
        self._newest = 0
        self._number = 0
        self._beats = 0
        self._planned = False
        self._closing = False
        self._beating: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self.clients = 0

    def start(self, newest: int) -> None:
        """Listen to the bus; call on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._newest = newest
        self._unsubscribe = bus.subscribe(self._heard)
        self._beating = self._loop.call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """End all streams; call on the event loop."""
        self._closing = True
        self._unsubscribe()
        if self._beating is not None:
            self._beating.cancel()
        self._wake()

    # From the bus to a round.

    def _heard(self, names: Sequence[str], event_id: int) -> None:
        """Called on whatever thread committed."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._gather, tuple(names), event_id)

    def _gather(self, names: Sequence[str], event_id: int) -> None:
        self._waiting.update(names)
        self._newest = max(self._newest, event_id)
        if not self._planned and self._loop is not None:
            self._planned = True
            self._loop.call_later(WINDOW_S, self._flush)

    def _flush(self) -> None:
        self._planned = False
        self._number += 1
        self._ring.append(Round(self._number, self._newest, frozenset(self._waiting)))
        self._waiting.clear()
        self._written.clear()
        self._missed.clear()
        self._wake()

    def _beat(self) -> None:
        self._beats += 1
        self._wake()
        if self._loop is not None and not self._closing:
            self._beating = self._loop.call_later(BEAT_S, self._beat)

    def _wake(self) -> None:
        for stream in self._streams:
            stream.news.set()

    # From a round to a reader.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until the client or the process ends."""
        self.clients += 1
        open_streams.set(self.clients)
        try:
            topics, since = await self._admit(scope)
        except RaglanError as error:
            await refuse(send, error)
        else:
            await self._serve(scope, receive, send, topics, since)
        finally:
            self.clients -= 1
            open_streams.set(self.clients)

    async def _admit(self, scope: Scope) -> tuple[tuple[str, ...], int | None]:
        """Return what a reader may hear and what it heard last. Raises Overloaded, NotSignedIn."""
        check_head(scope)
        if self.clients > self._max_clients or self._closing:
            raise Overloaded("Too many streams at once.", retry_after=5)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        topics = [word for part in query.get("topics", []) for word in part.replace(",", " ").split()][:MAX_TOPICS]
        allowed = await self._authorize(scope, topics)
        if allowed is None:
            raise NotSignedIn("Sign in first.")
        said = [header(scope, b"last-event-id"), *query.get("since", []), *query.get("last", [])]
        since = next((int(word) for word in said if word.isascii() and word.isdigit() and len(word) < 19), None)
        return tuple(topic for topic in topics if topic in allowed), since

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, topics: tuple[str, ...], since: int | None
    ) -> None:
        stream = Stream(topics)
        gone = asyncio.create_task(_until_gone(receive, stream))
        self._streams.add(stream)
        try:
            seen = self._number
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await _put(send, await self._first_words(topics, since))
            await self._follow(stream, seen, send)
            if not stream.is_gone:
                await _put(send, b"event: bye\ndata: come again\n\n", more=False)
        except TimeoutError:
            log.info("a stream was dropped because its client does not read")
            await cut(scope)
        finally:
            self._streams.discard(stream)
            gone.cancel()

    async def _first_words(self, topics: tuple[str, ...], since: int | None) -> bytes:
        """Say hello, and what changed since the reader last heard something."""
        hello = f"retry: 1000\nid: {self._newest}\nevent: hello\ndata: {json.dumps(list(topics))}\n\n".encode()
        if since is None or since == self._newest:
            return hello
        newest = self._newest
        try:
            names = await self._missed_since(since, topics)
        except RaglanError:
            names = None
        if names is None:
            return b"retry: 1000\n" + _reload(newest)
        hit = wanted(topics, names)
        return hello + (_message(newest, hit) if hit else b"")

    async def _missed_since(self, since: int, topics: tuple[str, ...]) -> list[str] | None:
        """Look up what changed; readers who left together ask together, until something changes again."""
        key = (since, topics)
        if key not in self._missed:
            self._missed[key] = asyncio.ensure_future(self._replay(since, topics))
        return await asyncio.shield(self._missed[key])

    async def _follow(self, stream: Stream, seen: int, send: Send) -> None:
        """Send what concerns a reader, and a beat from time to time, until its end."""
        beats = self._beats
        while not (stream.is_gone or self._closing):
            if seen != self._number:
                if piece := self._since(seen, stream.topics):
                    await _put(send, piece)
                seen = self._number
            elif beats != self._beats:
                beats = self._beats
                if time.monotonic() > stream.until:
                    return
                await _put(send, f"id: {self._newest}\nevent: beat\ndata: {self._newest}\n\n".encode())
            else:
                stream.news.clear()
                await stream.news.wait()

    def _since(self, seen: int, topics: tuple[str, ...]) -> bytes:
        """Return what a reader has not heard yet; written once for all who stand at the same place."""
        key = (seen, topics)
        if key not in self._written:
            self._written[key] = self._write(seen, topics)
        return self._written[key]

    def _write(self, seen: int, topics: Sequence[str]) -> bytes:
        missed = self._number - seen
        if missed > len(self._ring):
            return _reload(self._newest)
        rounds = [self._ring[-place] for place in range(1, missed + 1)]
        hit = wanted(topics, frozenset().union(*(item.names for item in rounds)))
        return _message(rounds[0].newest, hit) if hit else b""


HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def _message(newest: int, names: Sequence[str]) -> bytes:
    return f"id: {newest}\ndata: {json.dumps(list(names))}\n\n".encode()


def _reload(newest: int) -> bytes:
    return f"id: {newest}\nevent: reload\ndata: too much changed\n\n".encode()


def wanted(topics: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the changed names that topics ask for; `incident:*` takes all incidents, the name `*` means everything."""
    if "*" in names:
        return ["*"] if topics else []
    kinds = tuple(topic[:-1] for topic in topics if topic.endswith("*"))
    return sorted(name for name in names if name in topics or (kinds and name.startswith(kinds)))


async def _put(send: Send, piece: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(STUCK_S):
        await send({"type": "http.response.body", "body": piece, "more_body": more})


async def _until_gone(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.is_gone = True
    stream.news.set()

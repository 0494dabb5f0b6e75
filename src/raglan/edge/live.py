"""Live streams: names of what changed, as server-sent events.

A message carries names and the id of the newest event, never content; the browser fetches again with its own rights.
After a break the browser sends the last id that it heard and is told what changed since, or to load anew. Clients
wait on one shared future, and changes of a short window travel together, so that a storm costs a bounded number of
rounds.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from raglan.core import bus, logs
from raglan.edge.answers import Receive, Scope, Send, answer_json, header

WINDOW_S = 0.06
BEAT_S = 10.0
STUCK_S = 10.0
RING = 512
MAX_CLIENTS = 2_000
MAX_TOPICS = 20
log = logs.get("raglan.live")

Authorize = Callable[[Scope], Awaitable[bool]]
Replay = Callable[[int], Awaitable[list[str] | None]]


@dataclass(frozen=True, slots=True)
class Round:
    """What changed in one window."""

    number: int
    newest: int
    names: frozenset[str]


class Hub:
    """Takes names from the bus and hands them to streams."""

    def __init__(self, *, authorize: Authorize, replay: Replay, max_clients: int = MAX_CLIENTS) -> None:
        self._authorize = authorize
        self._replay = replay
        self._max_clients = max_clients
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ring: deque[Round] = deque(maxlen=RING)
        self._waiting: set[str] = set()
        self._newest = 0
        self._number = 0
        self._planned = False
        self._next: asyncio.Future[None] | None = None
        self._closing = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self.clients = 0

    def start(self, newest: int) -> None:
        """Listen to the bus; call on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.create_future()
        self._newest = newest
        self._unsubscribe = bus.subscribe(self._heard)

    def stop(self) -> None:
        """End all streams; call on the event loop."""
        self._closing = True
        self._unsubscribe()
        self._wake()

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
        self._wake()

    def _wake(self) -> None:
        if self._loop is None or self._next is None:
            return
        done, self._next = self._next, self._loop.create_future()
        if not done.done():
            done.set_result(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until the client or the process ends."""
        if self.clients >= self._max_clients or self._closing:
            busy = {"code": "overloaded", "message": "Too many streams at once."}
            await answer_json(send, 503, busy, headers={"Retry-After": "5"})
            return
        if not await self._authorize(scope):
            await answer_json(send, 401, {"code": "not_signed_in", "message": "Sign in first."})
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        topics = [word for part in query.get("topics", []) for word in part.replace(",", " ").split()][:MAX_TOPICS]
        since = header(scope, b"last-event-id") or next(iter(query.get("since", [])), "")
        self.clients += 1
        try:
            await self._serve(topics, int(since) if since.isdigit() and len(since) < 19 else None, receive, send)
        finally:
            self.clients -= 1

    async def _serve(self, topics: Sequence[str], since: int | None, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            seen = self._number
            await self._catch_up(topics, since, send)
            while not gone.done() and not self._closing:
                seen = await self._one_round(topics, seen, send, gone)
            if self._closing and not gone.done():
                await _put(send, b"event: bye\ndata: restarting\n\n")
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            log.info("a stream was dropped because its client does not read")
        finally:
            gone.cancel()

    async def _catch_up(self, topics: Sequence[str], since: int | None, send: Send) -> None:
        hello = f"retry: 1000\nid: {self._newest}\nevent: hello\ndata: {json.dumps(list(topics))}\n\n".encode()
        if since is None or since >= self._newest:
            await _put(send, hello)
            return
        names = await self._replay(since)
        if names is None:
            await _put(send, f"retry: 1000\nid: {self._newest}\nevent: reload\ndata: too much changed\n\n".encode())
            return
        await _put(send, hello)
        if hit := _wanted(topics, names):
            await _put(send, _message(self._newest, hit))

    async def _one_round(self, topics: Sequence[str], seen: int, send: Send, gone: asyncio.Task[None]) -> int:
        """Wait for the next window, send what concerns this client, and return the number of the last one."""
        if seen == self._number and self._next is not None:
            done, _ = await asyncio.wait({self._next, gone}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                await _put(send, f"event: beat\nid: {self._newest}\ndata: {self._newest}\n\n".encode())
                return seen
        missed = [item for item in self._ring if item.number > seen]
        if missed and missed[0].number > seen + 1:
            await _put(send, f"id: {self._newest}\nevent: reload\ndata: too much changed\n\n".encode())
            return self._number
        if hit := _wanted(topics, frozenset(name for item in missed for name in item.names)):
            await _put(send, _message(missed[-1].newest, hit))
        return missed[-1].number if missed else seen


HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def _message(newest: int, names: Sequence[str]) -> bytes:
    return f"id: {newest}\ndata: {json.dumps(list(names))}\n\n".encode()


def _wanted(topics: Sequence[str], names: Sequence[str] | frozenset[str]) -> list[str]:
    """Return the topics that changed; `incident:*` takes all incidents, the name `*` means everything."""
    return [
        topic
        for topic in topics
        if "*" in names
        or topic in names
        or (topic.endswith(":*") and any(name.startswith(topic[:-1]) for name in names))
    ]


async def _put(send: Send, piece: bytes) -> None:
    await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}), STUCK_S)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

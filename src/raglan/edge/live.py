"""Live streams: names of what changed, as server-sent events, and what everybody may read of it.

A message carries names and the id of the newest event; the browser fetches again with its own rights. What is new and
may be read by everybody who is signed in travels with the names, written once for all who see it in the same way: with
thousands in one room there is no time to be asked by each. After a break the browser sends the last id that it heard
and is told what changed since, or to load anew. Changes of a short window travel together, so that a storm costs a
bounded number of rounds. Each reader's connection is written to at once, without a task of its own.

Those who stand where all stand and see it alike are told together (`choir`); who does not read stands behind and is
told the sum of what it missed. Whether somebody falls behind is looked at when all have been told.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs
from weakref import WeakValueDictionary

from prometheus_client import Gauge

from raglan.core import bus, logs, metrics
from raglan.core.errors import NotSignedIn, Overloaded, RaglanError
from raglan.edge import choir, courtesy, streams
from raglan.edge.answers import Receive, Scope, Send, WrongMethod, check_head, cut, header, refuse
from raglan.edge.courtesy import Turn
from raglan.edge.messages import HEADERS, changed, chunked, in_words, load_anew, put, wanted
from raglan.edge.rounds import Happenings, Rounds, Seen, Sight, Told
from raglan.edge.streams import BEHIND, Eyes, Stream

# The name of a change of who may know of what: whoever listens to one thing comes back, and is looked at anew.
SIGHT = "privacy"
WINDOW_S = 0.06
BEAT_S = 10.0
AGAIN_S = 0.2
TELL_S = 1.0
MAX_CLIENTS = 5_000
MAX_TOPICS = 20
CROWD = 100
A_READER_MS = 40
log = logs.get("raglan.live")
open_streams = Gauge("raglan_live_streams", "Open live streams", registry=metrics.REGISTRY)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who listens: the topics that they may hear, and how they see what everybody may read."""

    topics: frozenset[str]
    person: int = 0
    sight: Sight | None = None


# Who asks and which of the topics they may hear; None for somebody unknown.
Authorize = Callable[[Scope, Sequence[str]], Awaitable[Reader | None]]
# The names of what changed after an event; None when that is too much to tell.
Replay = Callable[[int, Sequence[str]], Awaitable[list[str] | None]]
# What everybody may read of what happened.
Tell = Callable[[Happenings], Awaitable[Told]]


class Hub:
    """Takes names from the bus and hands them to streams."""

    def __init__(
        self, *, authorize: Authorize, replay: Replay, tell: Tell | None = None, max_clients: int = MAX_CLIENTS
    ) -> None:
        self._authorize = authorize
        self._replay = replay
        self._tell = tell
        self._max_clients = max_clients
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rounds = Rounds()
        self._waiting: set[str] = set()
        self._events: list[int] = []
        self._turns: list[Turn] = []
        self._written: dict[tuple[int, Eyes], bytes] = {}
        self._eyes: WeakValueDictionary[tuple[tuple[str, ...], Sight | None], Eyes] = WeakValueDictionary()
        self._missed: dict[tuple[int, tuple[str, ...]], asyncio.Future[list[str] | None]] = {}
        self._streams: dict[Stream, None] = {}  # in the order of their coming: that is the order in memory, too
        self._behind: dict[Stream, None] = {}  # those of them who are not level
        self._seen: Counter[Seen] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._newest = 0
        self._number = 0
        self._sights = 0
        self._last = 0.0
        self._planned = False
        self._closing = False
        self._beating: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
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
        for stream in list(self._streams):
            self._end(stream)

    # From the bus to a round.

    def _heard(self, names: Sequence[str], event_id: int) -> None:
        """Called on whatever thread committed."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        turn = Turn() if self.clients >= CROWD and courtesy.is_due() else None
        loop.call_soon_threadsafe(self._gather, tuple(names), event_id, turn)
        if turn is not None:
            turn.wait()

    def _gather(self, names: Sequence[str], event_id: int, turn: Turn | None = None) -> None:
        self._waiting.update(names)
        self._events.append(event_id)
        if turn is not None:
            self._let_pass(turn)
        self._plan()

    def _let_pass(self, turn: Turn) -> None:
        """Whoever made the first change after some quiet waits until it is told; who comes in a busy time goes on."""
        if self._planned:
            turn.give_back()
        else:
            self._turns.append(turn)

    def _plan(self) -> None:
        """The first change after some quiet is told at once, those that follow at the end of its window."""
        if self._planned or self._loop is None:
            return
        self._planned = True
        self._loop.call_later(max(0.0, self._last + WINDOW_S - self._loop.time()), self._begin)

    def _begin(self) -> None:
        assert self._loop is not None
        self._last = self._loop.time()
        happened = self._take()
        if self._tell is not None and happened.wanted:
            self._keep(self._put_in_words(self._tell, happened))
        else:
            self._close(happened, Told())

    def _take(self) -> Happenings:
        names, events = frozenset(self._waiting), tuple(self._events)
        self._waiting.clear()
        self._events.clear()
        return Happenings(names, events, self._newest, tuple(seen for seen in self._seen if seen[0] in names))

    async def _put_in_words(self, tell: Tell, happened: Happenings) -> None:
        """Tell a round in words if that does not take long; names are always told."""
        told = Told()
        try:
            async with asyncio.timeout(TELL_S):
                told = await tell(happened)
        except (RaglanError, TimeoutError) as error:
            log.info("a change is told by its name only", extra={"error": str(error)})
        except Exception:  # whatever is wrong with the words of one entry must not end the streams
            log.exception("a change could not be put into words")
        self._close(happened, told)

    def _close(self, happened: Happenings, told: Told) -> None:
        self._flush(happened, told)
        while self._turns:
            self._turns.pop().give_back()
        self._planned = False
        if self._events:
            self._plan()

    def _flush(self, happened: Happenings | None = None, told: Told | None = None) -> None:
        happened = happened or self._take()
        self._newest = max(self._newest, *happened.events, 0)
        self._number += 1
        self._rounds.add(happened.names, told or Told())
        self._written.clear()
        self._missed.clear()
        self._look_anew(happened.names)
        self._tell_all()
        if SIGHT in happened.names:
            self._see_off()

    def _look_anew(self, names: frozenset[str]) -> None:
        """Who was changed, and may have lost a right, is told names only until they come back and are looked at."""
        changed = {name.partition(":")[2] for name in names if name.startswith("person:")}
        if not changed and "*" not in names:
            return
        for stream in self._streams:
            if str(stream.person) in changed or "*" in names:
                self._forget(stream.eyes)
                before, stream.eyes = stream.eyes, self._eyes_of(stream.eyes.topics, None)
                if before.level.pop(stream, None):
                    stream.eyes.level[stream] = stream.write

    def _see_off(self) -> None:
        """Let those come back who listen to single things: some of them may not know of those any more."""
        self._sights += 1
        for stream in list(self._streams):
            if any(":" in topic for topic in stream.eyes.topics):
                self._end(stream)

    def _tell_all(self) -> None:
        """Tell the newest round: first those who are level, who may be thousands."""
        all_eyes = [eyes for eyes in self._eyes.values() if eyes.level]
        for eyes in all_eyes:
            self._tell_level(eyes)
        for eyes in all_eyes:
            for stream in [stream for stream in eyes.level if stream.size() > BEHIND]:
                self._fall_behind(stream)
        self._tell_behind()

    def _tell_level(self, eyes: Eyes) -> None:
        """Tell those who stand where all stood before this round; whom it concerns themselves hear the names only."""
        before, but = self._number - 1, self._rounds.told.but
        apart = [stream for stream in eyes.level if stream.person in but] if but and eyes.sight else ()
        for stream in apart:
            del eyes.level[stream]
        if piece := self._piece(before, eyes):
            choir.write_all(eyes.level.values(), piece)
        for stream in apart:
            choir.write_all([stream.write], self._piece(before, self._eyes_of(eyes.topics, None)))
            eyes.level[stream] = stream.write

    def _tell_behind(self) -> None:
        """Tell those who read again what they missed, and look at the others soon."""
        for stream in list(self._behind):
            self._catch_up(stream)
        if self._behind and self._again is None and self._loop is not None and not self._closing:
            self._again = self._loop.call_later(AGAIN_S, self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self._tell_behind()

    def _fall_behind(self, stream: Stream) -> None:
        """From now on a reader is told the sum of what it missed, once it has taken what was written."""
        if stream.eyes.level.pop(stream, None):
            stream.seen = self._number
            self._behind[stream] = None

    def _catch_up(self, stream: Stream) -> None:
        """Write what a reader has not heard yet, unless it has much to take already."""
        if stream.is_behind():
            return
        eyes = self._eyes_of(stream.eyes.topics, None) if stream.person in self._rounds.told.but else stream.eyes
        if stream.seen != self._number and (piece := self._piece(stream.seen, eyes)):
            choir.write_all([stream.write], piece)
        self._behind.pop(stream, None)
        stream.eyes.level[stream] = stream.write

    def _piece(self, seen: int, eyes: Eyes) -> bytes:
        """Return what those hear who stand at a place and see it alike; it is made once."""
        key = (seen, eyes)
        if key not in self._written:
            self._written[key] = chunked(self._since(seen, eyes.topics, eyes.sight))
        return self._written[key]

    def _beat(self) -> None:
        at = time.monotonic()
        piece = chunked(f"id: {self._newest}\nevent: beat\ndata: {self._newest}\n\n".encode() + self._pace())
        self._tell_behind()
        for stream in list(self._streams):
            if at > stream.until:
                self._end(stream)
            elif stream in self._behind:
                continue
            elif stream.is_behind():
                self._fall_behind(stream)
            else:
                choir.write_all([stream.write], piece)
        if self._loop is not None and not self._closing:
            self._beating = self._loop.call_later(BEAT_S, self._beat)

    def _pace(self) -> bytes:
        """Ask a crowd not to come all at once: over how many milliseconds to spread what is fetched."""
        return b"event: pace\ndata: %d\n\n" % (self.clients * A_READER_MS) if self.clients >= CROWD else b""

    # From a round to a reader.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until the client or the process ends."""
        self.clients += 1
        open_streams.set(self.clients)
        looked = self._sights
        try:
            stream, since = await self._admit(scope, send)
        except RaglanError as error:
            await refuse(send, error)
        else:
            stream.looked = looked
            await self._serve(stream, scope, receive, since)
        finally:
            self.clients -= 1
            open_streams.set(self.clients)

    async def _admit(self, scope: Scope, send: Send) -> tuple[Stream, int | None]:
        """Return the stream of whoever it is, and what they heard last. Raises BadInput, Overloaded, NotSignedIn."""
        check_head(scope)
        if scope["method"] != "GET":
            raise WrongMethod("A stream is read with GET.", allow="GET")
        if self.clients > self._max_clients or self._closing:
            raise Overloaded("Too many streams at once.", retry_after=5)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        topics = [word for part in query.get("topics", []) for word in part.replace(",", " ").split()][:MAX_TOPICS]
        reader = await self._authorize(scope, topics)
        if reader is None:
            raise NotSignedIn("Sign in first.")
        said = [header(scope, b"last-event-id"), *query.get("since", []), *query.get("last", [])]
        since = next((int(word) for word in said if word.isascii() and word.isdigit() and len(word) < 19), None)
        eyes = self._eyes_of(tuple(topic for topic in topics if topic in reader.topics), reader.sight)
        return Stream(scope, send, reader.person, eyes), since

    async def _serve(self, stream: Stream, scope: Scope, receive: Receive, since: int | None) -> None:
        """Say the first words; what follows is written as it comes, until the reader is gone."""
        stream.seen = self._number
        scope["headers"].clear()  # there are thousands of streams, and nobody reads their heads again
        try:
            async with asyncio.timeout(streams.STUCK_S):
                await stream.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                await put(stream.send, await self._first_words(stream.eyes.topics, since))
        except TimeoutError:
            await cut(scope)
            return
        self._join(stream)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._leave(stream)

    def _join(self, stream: Stream) -> None:
        self._streams[stream] = None
        self._seen.update(stream.eyes.seen_as)
        if self._closing or stream.looked != self._sights:  # what this reader may know of changed meanwhile
            self._end(stream)
        else:
            self._behind[stream] = None
            self._tell_behind()

    def _eyes_of(self, topics: tuple[str, ...], sight: Sight | None) -> Eyes:
        """Return what a reader has in common with others; those who listen keep it."""
        key = (topics, sight)
        found = self._eyes.get(key)
        if found is None:
            found = self._eyes[key] = Eyes(topics, sight)
        return found

    def _leave(self, stream: Stream) -> None:
        self._pass_over(stream)
        self._forget(stream.eyes)

    def _pass_over(self, stream: Stream) -> None:
        """Write nothing more to a reader."""
        self._streams.pop(stream, None)
        self._behind.pop(stream, None)
        stream.eyes.level.pop(stream, None)

    def _forget(self, eyes: Eyes) -> None:
        """One reader less who sees it so."""
        self._seen.subtract(eyes.seen_as)
        for seen in eyes.seen_as:
            if not self._seen[seen]:
                del self._seen[seen]

    def _end(self, stream: Stream) -> None:
        """Say bye, and nothing after it: the connection may go on with another request."""
        self._pass_over(stream)
        self._keep(_say_bye(stream))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _first_words(self, topics: tuple[str, ...], since: int | None) -> bytes:
        """Say hello, and what changed since the reader last heard something."""
        hello = f"retry: 1000\nid: {self._newest}\nevent: hello\ndata: {json.dumps(list(topics))}\n\n".encode()
        hello += self._pace()
        if since is None or since == self._newest:
            return hello
        newest = self._newest
        try:
            names = await self._missed_since(since, topics)
        except RaglanError:
            names = None
        if names is None:
            return b"retry: 1000\n" + load_anew(newest)
        hit = wanted(topics, names)
        return hello + (changed(newest, hit) if hit else b"")

    async def _missed_since(self, since: int, topics: tuple[str, ...]) -> list[str] | None:
        """Look up what changed; readers who left together ask together, until something changes again."""
        key = (since, topics)
        if key not in self._missed:
            self._missed[key] = asyncio.ensure_future(self._replay(since, topics))
        return await asyncio.shield(self._missed[key])

    def _since(self, seen: int, topics: Sequence[str], sight: Sight | None = None) -> bytes:
        """Return what has not been heard yet by those who stand at the same place and see it alike."""
        missed = self._number - seen
        newest, names, told = self._newest, self._rounds.names(missed), self._rounds.told
        if names is None:
            return load_anew(newest)
        if missed > 1 or sight is None:  # one round is told in words; who has missed more fetches
            return changed(newest, hit) if (hit := wanted(topics, names)) else b""
        words = b"".join(in_words(newest, told.words[topic, sight]) for topic in topics if (topic, sight) in told.words)
        hit = wanted(topics, names - told.whole)
        return words + (changed(newest, hit) if hit else b"")


async def _say_bye(stream: Stream) -> None:
    try:
        async with asyncio.timeout(streams.STUCK_S):
            await put(stream.send, b"event: bye\ndata: come again\n\n", more=False)
    except TimeoutError:
        stream.abort()

"""Live streams over a real socket: delivery, coalescing, replay, refusal, and an end that says so."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from raglan.core import bus
from raglan.edge import live, rounds
from raglan.edge.answers import Scope
from raglan.edge.live import Hub, wanted
from tests.edge.loopback import Loopback, listening, until


@dataclass
class Message:
    """One server-sent event."""

    event: str = "message"
    id: str = ""
    data: str = ""

    @property
    def names(self) -> list[str]:
        """The names that it carries."""
        return list(json.loads(self.data))


class Reader:
    """A small EventSource."""

    def __init__(self, loopback: Loopback, query: str, *headers: str, timeout: float = 60) -> None:
        self._socket = socket.create_connection(("127.0.0.1", loopback.port), timeout=timeout)
        lines = [f"GET /live?{query} HTTP/1.1", "Host: a", *headers]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = dict(self._header_lines())

    def _header_lines(self) -> Iterator[tuple[str, str]]:
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            yield name.lower(), value.strip()

    def messages(self) -> Iterator[Message]:
        """Give messages until the stream ends."""
        message = Message()
        for line in self._lines():
            name, _, value = line.partition(": ")
            if line == "":
                if message.data:
                    yield message
                message = Message(id=message.id)
            elif name in ("event", "id", "data"):
                setattr(message, name, value)

    def _lines(self) -> Iterator[str]:
        while size := int(self._file.readline() or b"0", 16):
            yield from self._file.read(size).decode().removesuffix("\n").split("\n")
            self._file.readline()

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self._socket.close()


@dataclass
class World:
    """Who may listen, and what is known of the past."""

    may: Callable[[Sequence[str]], frozenset[str] | None] = frozenset
    past: list[str] | None = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    async def authorize(self, scope: Scope, topics: Sequence[str]) -> live.Reader | None:
        """Decide."""
        heard = self.may(topics)
        return None if heard is None else live.Reader(heard)

    async def replay(self, since: int, topics: Sequence[str]) -> list[str] | None:
        """Tell of the past."""
        self.asked.append(since)
        return self.past


@contextmanager
def hub(world: World | None = None, *, newest: int = 100, max_clients: int = 2_000) -> Iterator[tuple[Loopback, Hub]]:
    known = world or World()
    streams = Hub(authorize=known.authorize, replay=known.replay, max_clients=max_clients)
    with listening(streams) as loopback:
        loopback.on_loop(lambda: streams.start(newest))
        yield loopback, streams
        loopback.on_loop(streams.stop)


@contextmanager
def reading(loopback: Loopback, query: str, *headers: str) -> Iterator[tuple[Reader, Iterator[Message]]]:
    reader = Reader(loopback, query, *headers)
    try:
        yield reader, reader.messages()
    finally:
        reader.close()


@pytest.fixture(autouse=True)
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no beat wake a stream, so that what comes does so for its own reason."""
    monkeypatch.setattr(live, "BEAT_S", 600.0)


def test_a_change_reaches_a_reader_from_any_thread_and_waits_for_no_beat() -> None:
    with hub() as (loopback, _), reading(loopback, "topics=incident:42,now") as (reader, messages):
        assert reader.status == 200
        assert reader.headers["content-type"].startswith("text/event-stream")
        assert reader.headers["cache-control"] == "no-store"
        assert next(messages).event == "hello"
        thread = threading.Thread(target=bus.deliver, args=(["incident:42", "incident:7"], 101))
        thread.start()
        message = next(messages)
        thread.join()
    assert (message.event, message.id, message.names) == ("message", "101", ["incident:42"])


def test_changes_of_a_short_while_travel_together() -> None:
    def storm() -> None:
        for number in range(1, 40):
            bus.deliver([f"incident:{number}"], 100 + number)

    with hub() as (loopback, _), reading(loopback, "topics=incident:*") as (_, messages):
        next(messages)
        loopback.on_loop(storm)
        message = next(messages)
    assert message.id == "139"
    assert len(message.names) == 39


def test_other_topics_are_not_told() -> None:
    with hub() as (loopback, _), reading(loopback, "topics=now") as (_, messages):
        next(messages)
        bus.deliver(["incident:1"], 101)
        bus.deliver(["person:3"], 102)
        time.sleep(live.WINDOW_S * 2)
        bus.deliver(["now"], 103)
        assert next(messages).names == ["now"]


def test_who_may_hear_what_is_asked_anew_when_that_changes() -> None:
    with hub() as (loopback, _), reading(loopback, "topics=incident:42") as (_, messages):
        next(messages)
        bus.deliver(["incident:42", live.SIGHT], 101)
        assert [message.event for message in messages] == ["message", "bye"]


def test_after_a_break_the_names_that_were_missed_come_first() -> None:
    world = World(past=["incident:42", "incident:7", "now"])
    with hub(world) as (loopback, _):
        for ask in (("topics=incident:42,now&since=90",), ("topics=incident:42,now", "Last-Event-ID: 90")):
            with reading(loopback, *ask) as (_, messages):
                hello, missed = next(messages), next(messages)
            assert (hello.event, hello.id) == ("hello", "100")
            assert (missed.event, missed.id, missed.names) == ("message", "100", ["incident:42", "now"])
    assert set(world.asked) == {90}


def test_the_last_id_of_the_browser_counts_more_than_that_of_the_page() -> None:
    world = World()
    with hub(world) as (loopback, _), reading(loopback, "topics=now&since=10", "Last-Event-ID: 90") as (_, messages):
        assert next(messages).event == "hello"
    assert world.asked == [90]


def test_who_has_heard_everything_is_not_looked_up() -> None:
    world = World()
    with hub(world) as (loopback, _), reading(loopback, "topics=now&since=100") as (_, messages):
        assert next(messages).event == "hello"
    assert world.asked == []


@pytest.mark.parametrize("since", ["3", "100000"])
def test_too_much_or_an_unknown_past_means_load_anew(since: str) -> None:
    with hub(World(past=None)) as (loopback, _), reading(loopback, f"topics=now&since={since}") as (_, messages):
        message = next(messages)
    assert (message.event, message.id) == ("reload", "100")


@pytest.mark.parametrize("since", ["", "abc", "-1", "9" * 40, "%C2%B2"])
def test_an_id_that_is_none_is_taken_for_none(since: str) -> None:
    world = World()
    with hub(world) as (loopback, _), reading(loopback, f"topics=now&since={since}") as (_, messages):
        assert next(messages).event == "hello"
    assert world.asked == []


def test_strangers_are_refused() -> None:
    with hub(World(may=lambda topics: None)) as (loopback, _):
        assert loopback.get("/live?topics=now")[0] == 401


def test_a_reader_hears_only_what_it_may() -> None:
    world = World(may=lambda topics: frozenset(topics) & {"page:3"})
    with hub(world) as (loopback, _), reading(loopback, "topics=page:3,now") as (_, messages):
        assert json.loads(next(messages).data) == ["page:3"]
        bus.deliver(["now", "page:3"], 101)
        assert next(messages).names == ["page:3"]


def test_beyond_the_bound_a_reader_is_told_to_come_back() -> None:
    with hub(max_clients=1) as (loopback, streams), reading(loopback, "topics=now") as (_, messages):
        next(messages)
        status, headers, _ = loopback.get("/live?topics=now")
        assert (status, headers["retry-after"]) == (503, "5")
        until(lambda: streams.clients == 1)


def test_a_reader_that_leaves_makes_room() -> None:
    with hub(max_clients=1) as (loopback, streams):
        with reading(loopback, "topics=now") as (_, messages):
            next(messages)
        until(lambda: streams.clients == 0)
        with reading(loopback, "topics=now") as (reader, _):
            assert reader.status == 200


def test_a_beat_comes_from_time_to_time_and_carries_the_newest_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    with hub() as (loopback, _), reading(loopback, "topics=now") as (_, messages):
        next(messages)
        bus.deliver(["incident:9"], 101)
        beat = next(message for message in messages if message.id == "101")
    assert (beat.event, beat.data) == ("beat", "101")


def test_at_the_end_every_stream_says_bye_and_waits_for_no_beat() -> None:
    with hub() as (loopback, streams), reading(loopback, "topics=now") as (_, messages):
        next(messages)
        loopback.on_loop(streams.stop)
        assert [message.event for message in messages] == ["bye"]
        assert loopback.get("/live?topics=now")[0] == 503


def test_a_stream_ends_after_a_while_so_that_its_reader_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    monkeypatch.setattr("raglan.edge.streams.LIFE_S", 0.0)
    with hub() as (loopback, _), reading(loopback, "topics=now") as (_, messages):
        assert [message.event for message in messages] == ["hello", "bye"]


def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.edge.streams.STUCK_S", 0.3)
    with hub() as (loopback, streams), socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", loopback.port))
        deaf.sendall(b"GET /live?topics=* HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: streams.clients == 1)
        number = 100
        end = time.monotonic() + 60
        while streams.clients and time.monotonic() < end:
            number += 1
            bus.deliver([f"incident:{number}-{part}-{'x' * 200}" for part in range(500)], number)
            time.sleep(0.02)
        assert streams.clients == 0


def test_a_reader_that_fell_behind_the_ring_loads_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "ROUNDS", 4)
    known = World()
    streams = Hub(authorize=known.authorize, replay=known.replay)
    streams._number = 0
    for number in range(1, 11):
        streams._gather([f"incident:{number}"], number)
        streams._flush()
    assert b"event: reload" in streams._since(2, ("incident:*",))
    assert json.loads(streams._since(7, ("incident:*",)).split(b"data: ")[1]) == [
        "incident:10",
        "incident:8",
        "incident:9",
    ]


def test_a_storm_of_names_is_not_kept_for_those_who_fell_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "NAMES", 10)
    known = World()
    streams = Hub(authorize=known.authorize, replay=known.replay)
    for number in range(1, 5):
        streams._gather([f"group:{number}-{part}" for part in range(4)], number)
        streams._flush()
    assert b"event: reload" in streams._since(1, ("group:*",))
    assert len(json.loads(streams._since(2, ("group:*",)).split(b"data: ")[1])) == 8
    streams._gather([f"group:5-{part}" for part in range(100)], 5)
    streams._flush()
    assert len(json.loads(streams._since(4, ("group:*",)).split(b"data: ")[1])) == 100


def test_an_unknown_extent_of_change_concerns_everybody() -> None:
    assert wanted(["now"], ["*"]) == ["*"]
    assert wanted([], ["*"]) == []
    assert wanted(["incident:*", "now"], {"incident:1", "incidents:2", "now"}) == ["incident:1", "now"]
    assert wanted(["*"], {"a", "b"}) == ["a", "b"]


def test_readers_who_come_back_together_are_looked_up_once() -> None:
    asked, all_are_there = [], threading.Event()

    class Slow(World):
        async def replay(self, since: int, topics: Sequence[str]) -> list[str] | None:
            asked.append(since)
            while not all_are_there.is_set():
                await asyncio.sleep(0.01)
            return ["now"]

    with hub(Slow()) as (loopback, _):
        readers = [Reader(loopback, "topics=now&since=90") for _ in range(20)]
        all_are_there.set()
        for reader in readers:
            messages = reader.messages()
            assert [next(messages).event, next(messages).event] == ["hello", "message"]
            reader.close()
    assert len(asked) < 5

"""What everybody may read travels with the names; who sees it in a way of their own hears the names."""

import asyncio
import json
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest

from raglan.core import bus
from raglan.edge import courtesy, live, streams
from raglan.edge.answers import Scope
from raglan.edge.courtesy import courteously
from raglan.edge.live import Hub, Reader
from raglan.edge.rounds import Happenings, Seen, Told
from tests.edge.loopback import listening, until
from tests.edge.test_streams import Message
from tests.edge.test_streams import Reader as Stream


class Room:
    """A room that everybody watches as `person=ID` in the address says."""

    def __init__(self) -> None:
        self.told = Told()
        self.asked: list[Happenings] = []
        self.fails: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def authorize(self, scope: Scope, topics: Sequence[str]) -> Reader:
        """Everybody may hear everything."""
        person = int(parse_qs(scope["query_string"].decode())["person"][0])
        return Reader(frozenset(topics), person, "UTC" if person else None)

    async def replay(self, since: int, topics: Sequence[str]) -> list[str]:
        """Nothing was missed."""
        return []

    async def tell(self, happened: Happenings) -> Told:
        """Say what the test wants said."""
        self.asked.append(happened)
        await self.gate.wait()
        if self.fails:
            raise self.fails
        return self.told


@contextmanager
def watching(room: Room, *people: int) -> Iterator[tuple[Hub, list[Iterator[Message]]]]:
    hub = Hub(authorize=room.authorize, replay=room.replay, tell=room.tell)
    with listening(hub) as loopback:
        loopback.on_loop(lambda: hub.start(100))
        streams = [Stream(loopback, f"topics=incident:42&person={person}") for person in people]
        messages = [stream.messages() for stream in streams]
        assert [next(one).event for one in messages] == ["hello"] * len(people)
        until(lambda: len(hub._streams) == len(people))
        yield hub, messages
        loopback.on_loop(hub.stop)
        for stream in streams:
            stream.close()


@pytest.fixture(autouse=True)
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no beat come between what is told, however slow the machine is."""
    monkeypatch.setattr(live, "BEAT_S", 600.0)


def words(text: str) -> dict[Seen, str]:
    return {("incident:42", "UTC"): json.dumps({"html": text})}


def test_an_entry_comes_with_the_stream_but_to_whom_it_concerns() -> None:
    room = Room()
    room.told = Told(words("<li>"), frozenset(("incident:42",)), frozenset((7,)))
    with watching(room, 1, 7, 0) as (_, (onlooker, author, link)):
        bus.deliver(["incident:42", "now"], 101)
        message = next(onlooker)
        assert (message.event, message.id, json.loads(message.data)) == ("told", "101", {"html": "<li>"})
        assert next(author).names == next(link).names == ["incident:42"]
    assert (room.asked[0].events, room.asked[0].after) == ((101,), 100)


def test_what_is_not_told_whole_is_followed_by_its_name() -> None:
    room = Room()
    room.told = Told(words("<li>"))
    with watching(room, 1) as (_, (onlooker,)):
        bus.deliver(["incident:42"], 101)
        assert [next(onlooker).event, next(onlooker).names] == ["told", ["incident:42"]]


@pytest.mark.parametrize("fails", [RuntimeError("a template"), TimeoutError()])
def test_names_are_told_when_the_words_can_not_be_found(fails: Exception) -> None:
    room = Room()
    room.fails = fails
    with watching(room, 1) as (_, (onlooker,)):
        bus.deliver(["incident:42"], 101)
        assert next(onlooker).names == ["incident:42"]


def test_what_comes_while_words_are_looked_for_is_a_round_of_its_own() -> None:
    room = Room()
    room.told = Told(words("<li>"), frozenset(("incident:42",)))
    room.gate.clear()
    with watching(room, 1) as (hub, (onlooker,)):
        bus.deliver(["incident:42"], 101)
        until(lambda: room.asked)
        bus.deliver(["incident:42"], 102)
        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(room.gate.set)
        assert [next(onlooker).id, next(onlooker).id] == ["101", "102"]
    assert [happened.events for happened in room.asked] == [(101,), (102,)]


def test_whoever_was_changed_hears_names_only_until_looked_at_anew() -> None:
    room = Room()
    room.told = Told(words("<li>"), frozenset(("incident:42",)))
    with watching(room, 1, 2) as (_, (changed, other)):
        bus.deliver(["person:1", "incident:42"], 101)
        assert (next(changed).event, next(other).event) == ("message", "told")


def test_a_crowd_is_asked_to_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CROWD", 2)
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    with watching(Room(), 1, 2) as (_, (first, _)):
        paced = next(message for message in first if message.event == "pace")
    assert int(paced.data) == 2 * live.A_READER_MS


def test_nothing_is_written_after_the_end_of_a_stream() -> None:
    with watching(Room(), 1) as (hub, (onlooker,)):
        written: list[bytes] = []

        def end_in_the_middle_of_a_change() -> None:
            (stream,) = hub._streams
            stream.write = written.append
            hub._end(stream)
            hub._gather(["incident:42"], 101)
            hub._flush()

        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(end_in_the_middle_of_a_change)
        assert [message.event for message in onlooker] == ["bye"]
        assert written == []


def streams_of(hub: Hub, *people: int) -> list[streams.Stream]:
    """Return the streams of some people."""
    return [next(stream for stream in hub._streams if stream.person == person) for person in people]


def test_a_connection_that_has_just_ended_keeps_nobody_from_hearing() -> None:
    room = Room()
    room.told = Told(words("<li>"), frozenset(("incident:42",)))
    with watching(room, 1, 2, 3) as (hub, (first, _, third)):

        def end(_: bytes) -> None:
            raise RuntimeError("unable to perform operation; the handler is closed")

        (ended,) = streams_of(hub, 2)
        ended.eyes.level[ended] = end
        bus.deliver(["incident:42"], 101)
        assert [next(one).id for one in (first, third)] == ["101", "101"]


def test_who_does_not_read_is_told_the_sum_later_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.01)
    room, waits = Room(), 0
    with watching(room, 1, 2, 7) as (hub, (slow, other, third)):
        (stream,) = streams_of(hub, 1)
        stream.size = lambda: waits
        waits = streams.BEHIND + 1
        room.told = Told(words("<li>"), frozenset(("incident:42",)), frozenset((7,)))
        bus.deliver(["incident:42"], 101)
        assert [next(one).event for one in (slow, other, third)] == ["told", "told", "message"]  # it was not known yet
        for number in (102, 103):
            bus.deliver(["incident:42", f"room:{number}"], number)
            assert [next(one).id for one in (other, third)] == [str(number), str(number)]
        assert (list(hub._behind), stream in stream.eyes.level) == ([stream], False)
        waits = 0
        sum_of_it = next(slow)
        assert (sum_of_it.event, sum_of_it.id, sum_of_it.names) == ("message", "103", ["incident:42"])
        bus.deliver(["incident:42"], 104)
        assert [next(one).event for one in (slow, other)] == ["told", "told"]
        until(lambda: not hub._behind)
    assert not hub._streams


def test_whoever_leaves_is_written_to_no_more() -> None:
    room = Room()
    with watching(room, 1, 2) as (hub, (first, second)):
        one, other = streams_of(hub, 1, 2)
        assert one.eyes is other.eyes
        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(hub._end, one)
        assert [message.event for message in first] == ["bye"]
        bus.deliver(["incident:42"], 101)
        assert next(second).id == "101"
        assert list(other.eyes.level) == [other]


@contextmanager
def crowd(monkeypatch: pytest.MonkeyPatch, room: Room) -> Iterator[tuple[Hub, Iterator[Message]]]:
    monkeypatch.setattr(live, "CROWD", 1)
    monkeypatch.setattr(courtesy, "MOST_S", 100.0)
    with watching(room, 1) as (hub, (onlooker,)):
        yield hub, onlooker


def changed(event: int) -> threading.Thread:
    """Change something on a thread that answers a screen."""
    thread = threading.Thread(target=courteously, args=(lambda: bus.deliver(["incident:42"], event),))
    thread.start()
    return thread


def test_whoever_changed_something_lets_a_crowd_hear_of_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    room.told = Told(words("<li>"), frozenset(("incident:42",)))
    room.gate.clear()
    with crowd(monkeypatch, room) as (hub, onlooker):
        first = changed(101)
        until(lambda: room.asked)
        changed(102).join(60)  # the room is being told of something: whoever comes now does not wait
        assert first.is_alive()
        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(room.gate.set)
        assert next(message.id for message in onlooker if message.event == "told") == "101"
        first.join(60)
        assert not first.is_alive()


def test_who_pages_waits_for_nobody_and_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    room.gate.clear()
    with crowd(monkeypatch, room) as (hub, _):
        bus.deliver(["incident:42"], 101)  # a thread of the engine
        until(lambda: room.asked)
        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(room.gate.set)
        until(lambda: not hub._planned)
        room.gate.clear()
        monkeypatch.setattr(courtesy, "MOST_S", 0.01)
        changed(102).join(60)
        until(lambda: len(room.asked) == 2)
        hub._loop.call_soon_threadsafe(room.gate.set)


def test_a_turn_is_given_back_when_the_words_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    room.fails = RuntimeError("a template")
    with crowd(monkeypatch, room):
        thread = changed(101)
        thread.join(60)
        assert not thread.is_alive()


def test_words_that_nobody_can_hear_any_more_are_not_kept() -> None:
    class Words(dict[Seen, str]):
        """Words of which one can see whether they are there."""

    room = Room()
    hub = Hub(authorize=room.authorize, replay=room.replay, tell=room.tell)
    said = Words(words("<li>"))
    there = weakref.ref(said)
    hub._flush(Happenings(frozenset(("incident:42",)), (101,), 100, ()), Told(said))
    del said
    assert there() is not None
    hub._flush(Happenings(frozenset(("incident:7",)), (102,), 101, ()), Told())

    assert there() is None
    assert json.loads(hub._since(0, ("incident:*",)).split(b"data: ")[1]) == ["incident:42", "incident:7"]

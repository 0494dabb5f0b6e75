"""Requests that are read straight from their bytes are answered as those that the parser reads."""

import asyncio
from datetime import timedelta
from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.alerts.ports import Outcome, Standing
from raglan.core.clock import now
from raglan.core.errors import Overloaded
from raglan.edge import intake as module
from raglan.edge import protocol as wire
from raglan.edge.exchange import Exchange, scope_of
from raglan.edge.journal import Away
from raglan.edge.lean import ABORT, WIRE
from raglan.edge.plain import END, MOST_HEAD, read_head
from raglan.edge.protocol import Protocol
from raglan.edge.repeats import Repeats
from tests.edge.wires import TOKEN, Wires, alert, plain, without_length
from tests.support.pace import SteadyLoop

OVER = alert(endsAt="2001-01-01T00:00:00Z")
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(alert()), alert())
BY_HEADER = plain(path="/-/api/v2/alerts", head=f"Authorization: Bearer {TOKEN}\r\n")
STREAMS = {
    "plain": plain(),
    "two": plain(alert("A")) + plain(alert("B")),
    "with a header": plain(path="/integrations/-/api/v2/alerts", head=f"Authorization: Bearer {TOKEN}\r\n"),
    "bare path": plain(path="/api/v2/alerts", head=f"authorization: Bearer {TOKEN}\r\n"),
    "usual headers": plain(head="User-Agent: P/3 (x; y)\r\nAccept:*/*\r\nContent-Type: application/json\r\n"),
    "stays": plain(head="Connection: keep-alive\r\n") + plain(),
    "closes": plain(head="Connection: close\r\n") + plain(),
    "over": plain(OVER) + plain(),
    "not JSON": plain(b"no JSON") + plain(),
    "nothing": plain(b"") + plain(),
    "a stranger": plain(path="/integrations/stranger/api/v2/alerts") + plain(),
    "no token": plain(path="/api/v2/alerts") + plain(),
    "no door": plain(path=f"/integrations/{TOKEN}/nowhere") + plain(),
    "reading": b"GET /api/v2/nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + plain(),
    "reads behind": plain() + b"GET /api/v2/nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
    "garbage": b"garbage\r\n\r\n" + plain(),
    "garbage behind": plain() + b"garbage\r\n\r\n",
    "empty lines before": b"\r\n\r\n" + plain(),
    "empty lines between": plain() + b"\r\n\r\n" + plain(),
    "expect": plain(head="Expect: 100-continue\r\n") + plain(),
    "chunked": without_length(plain(b""))[:-2] + CHUNKED + plain(),
    "chunked and a length": plain(b"")[:-2] + CHUNKED + plain(),
    "a length twice": plain(head="Content-Length: 5\r\n") + plain(),
    "the same length twice": plain(head=f"Content-Length: {len(alert())}\r\n") + plain(),
    "no length": without_length(plain(b"")) + plain(),
    "a length with a sign": without_length(plain(b"", head="Content-Length: +4\r\n")) + b"null",
    "a length in hex": without_length(plain(b"", head="Content-Length: 0x4\r\n")) + b"null",
    "a length with a nought": plain(b"", head="").replace(b"Length: 0", b"Length: 04") + b"null" + plain(),
    "too short a body": plain()[:-5],
    "too long a body": plain() + b"]]",
    "a body that seems whole": plain(alert() + b"   ")[:-3],
    "spaces behind": plain() + b"  ",
    "two hosts": plain(head="Host: y\r\n") + plain(),
    "no host": plain().replace(b"Host: x\r\n", b"") + plain(),
    "lines of LF": plain().replace(b"\r\n", b"\n"),
    "HTTP 1.0": plain().replace(b"HTTP/1.1", b"HTTP/1.0") + plain(),
    "HTTP 2.0": plain().replace(b"HTTP/1.1", b"HTTP/2.0") + plain(),
    "a folded header": plain(head="User-Agent: a\r\n b\r\n") + plain(),
    "a space before a colon": plain(head="User-Agent : a\r\n") + plain(),
    "a tab": plain(head="User-Agent:\ta\r\n") + plain(),
    "a space behind": plain(head="User-Agent: a \r\n") + plain(),
    "an empty header": plain(head="User-Agent:\r\n") + plain(),
    "NUL": plain(head="User-Agent: a\x00b\r\n") + plain(),
    "high letters": plain(head="User-Agent: é\r\n") + plain(),
    "CR alone": plain(head="User-Agent: a\rb\r\n") + plain(),
    "a query": plain(path=f"/integrations/{TOKEN}/api/v2/alerts?a=b") + plain(),
    "a fragment": plain(path=f"/integrations/{TOKEN}/api/v2/alerts#a") + plain(),
    "percents": plain(path=f"/integrations/{TOKEN}/api/v2/alert%73") + plain(),
    "two slashes": plain(path=f"//integrations/{TOKEN}/api/v2/alerts") + plain(),
    "a slash behind": plain(path=f"/integrations/{TOKEN}/api/v2/alerts/") + plain(),
    "a whole address": plain(path=f"http://x/integrations/{TOKEN}/api/v2/alerts") + plain(),
    "a small method": plain().replace(b"POST", b"post") + plain(),
    "two spaces": plain().replace(b"POST ", b"POST  ") + plain(),
    "put": plain().replace(b"POST", b"PUT") + plain(),
    "packed": plain(head="Content-Encoding: gzip\r\n") + plain(),
    "as it is": plain(head="Transfer-Encoding: identity\r\n") + plain(),
    "through a proxy": plain(head="X-Forwarded-For: 10.0.0.1\r\n") + plain(),
    "an upgrade": plain(head="Connection: Upgrade\r\nUpgrade: h2c\r\n") + plain(),
}


@pytest.fixture(autouse=True)
def without_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.actions, "note_error", lambda *_, **__: None)
    monkeypatch.setattr(module, "NOTE_EVERY_S", 1e9)


def run(test: Any) -> None:
    with asyncio.Runner(loop_factory=SteadyLoop) as runner:
        runner.run(asyncio.wait_for(test, 300))


@pytest.mark.parametrize("name", STREAMS)
def test_all_splits_of_a_stream_are_answered_as_by_the_parser(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = STREAMS[name]

    async def told(wires: Wires, pieces: list[bytes]) -> tuple[bytes, list[list[dict[str, str]]]]:
        wires.ledger.taken.clear()
        return await wires.tell(pieces), list(wires.ledger.taken)

    async def compare() -> None:
        wires = Wires()
        await wires.meet()
        ways = [[stream[:at], stream[at:]] if at else [stream] for at in range(len(stream))]
        plainly = [await told(wires, pieces) for pieces in ways]
        with monkeypatch.context() as patch:
            patch.setattr(Protocol, "_is_taken_plainly", lambda *_: False)
            parsed = [await told(wires, pieces) for pieces in ways]
        assert wires.intake.close(60)
        assert plainly == parsed

    run(compare())


async def starts(stream: bytes) -> bool:
    """Tell whether the first request of a stream is taken as it came."""
    wires = Wires()
    await wires.meet()
    wires.ledger.waits = True
    protocol, _ = wires.open()
    protocol.data_received(stream)
    is_taken = isinstance(protocol.cycle, Exchange)
    wires.ledger.go_on()
    for _ in range(50):
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    wires.intake.close(60)
    return is_taken


@pytest.mark.parametrize("name", ["plain", "with a header", "bare path", "usual headers"])
def test_what_is_plain_is_taken_as_it_came(name: str) -> None:
    assert asyncio.run(starts(STREAMS[name]))


@pytest.mark.parametrize("name", sorted(set(STREAMS) - {"plain", "with a header", "bare path", "usual headers"}))
def test_what_is_not_plain_or_not_alone_is_left_to_the_parser(name: str) -> None:
    assert not asyncio.run(starts(STREAMS[name]))


class Sink:
    """What the parser found in one request."""

    def __init__(self) -> None:
        self.url, self.body = b"", b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_whole = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_whole = True


PIECES = st.sampled_from(
    [*(b"Host", b"host", b"Content-Length", b"Authorization", b"Accept", b"Connection", b"X-Odd", b"content-type")]
)
VALUES = st.sampled_from(
    [b"x", b"keep-alive", b"close", b"3", b"03", b"3, 3", b"a b", b" a", b"a ", b"\x80", b"a\tb", b""]
)
COLONS = st.sampled_from([b": ", b":", b" : ", b":  ", b"\t:", b""])
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"\r\n "])
LINES = st.lists(st.tuples(PIECES, COLONS, VALUES, ENDS).map(b"".join), max_size=5).map(b"".join)
TARGETS = st.sampled_from(
    [b"/a/b", b"/", b"//a", b"/a//b", b"/a?b", b"*", b"/\xff", b"/a%20", b"http://x/a", b"/.-_~", b"/a b"]
)
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"http/1.1", b"HTTP/1.10"])
BASE = st.sampled_from(
    [b"Host: x\r\nContent-Length: 3", b"Content-Length: 3\r\nHost: x", b"Host: x", b"Content-Length: 3"]
)


@given(TARGETS, VERSIONS, LINES, BASE)
def test_a_head_is_read_as_the_parser_reads_it(target: bytes, version: bytes, lines: bytes, base: bytes) -> None:
    head = b"POST %b %b\r\n%b%b" % (target, version, lines, base)
    found = read_head(head)
    if found is None:
        return
    sink = Sink()
    parser = httptools.HttpRequestParser(sink)
    parser.feed_data(head + END + b"x" * found.size)

    assert sink.is_whole
    assert (parser.get_method(), parser.get_http_version(), parser.should_keep_alive()) == (b"POST", "1.1", True)
    assert (found.path.encode(), found.headers, found.size) == (sink.url, sink.headers, len(sink.body))


def test_a_long_head_is_left_to_the_parser() -> None:
    line = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nAccept: "
    assert read_head(line + b"x" * (MOST_HEAD - len(line))) is not None
    assert read_head(line + b"x" * (MOST_HEAD - len(line) + 1)) is None


def test_the_scope_is_that_of_the_parser() -> None:
    async def compare() -> None:
        found: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            found.extend((scope, (await receive())["body"]))

        wires = Wires(app)
        protocol, pipe = wires.open()
        protocol.data_received(BY_HEADER)
        await asyncio.sleep(0)
        about = {name: found[0][name] for name in ("asgi", "server", "client", "scheme", "root_path", "state")}
        extensions = {ABORT: {"abort": pipe.abort}, WIRE: {"transport": pipe}}

        assert scope_of(BY_HEADER, {**about, "extensions": extensions}) == tuple(found)
        wires.intake.close(60)

    run(compare())


def test_one_that_the_database_does_not_take_starts_anew_before_what_is_behind_it() -> None:
    async def play() -> None:
        class Spool:
            is_needed = False

            def open(self) -> None:
                pass

            def add(self, record: object) -> bool:
                return True

        wires = Wires(spool=Spool())
        await wires.meet()
        wires.ledger.waits, wires.ledger.outcome = True, Away("away")
        protocol, pipe = wires.open()
        protocol.data_received(plain(alert("A")))
        assert isinstance(protocol.cycle, Exchange)
        protocol.data_received(plain(alert("B")))
        wires.ledger.waits = False
        wires.ledger.go_on()
        for _ in range(2_000):
            await asyncio.sleep(0.001)
            if pipe.said.count(b"HTTP/1.1 200") == 2:
                break

        assert pipe.said.count(b"x-raglan-stored: spool") == 2
        assert [labels["alertname"] for (labels,) in wires.ledger.taken] == ["A", "A", "B"]
        wires.intake.close(60)

    run(play())


async def under_way(wires: Wires) -> tuple[Protocol, Any]:
    """Return a connection whose plain request waits for its commit."""
    await wires.meet()
    wires.ledger.waits = True
    protocol, pipe = wires.open()
    protocol.data_received(plain())
    assert isinstance(protocol.cycle, Exchange)
    return protocol, pipe


def test_an_orderly_stop_answers_what_is_under_way_and_ends() -> None:
    async def play() -> None:
        wires = Wires()
        protocol, pipe = await under_way(wires)
        protocol.shutdown()
        assert not pipe.has_ended
        wires.ledger.go_on()

        assert bytes(pipe.said).startswith(b"HTTP/1.1 200")
        assert b"connection: close" in pipe.said
        assert pipe.has_ended
        wires.intake.close(60)

    run(play())


def test_a_client_that_has_left_is_told_nothing() -> None:
    async def play() -> None:
        wires = Wires()
        protocol, pipe = await under_way(wires)
        pipe.close()
        protocol.connection_lost(None)
        wires.ledger.go_on()

        assert bytes(pipe.said) == b""
        wires.intake.close(60)

    run(play())


def test_a_refusal_is_told_in_the_same_words() -> None:
    async def play() -> None:
        said = []
        for reads in (True, False):
            wires = Wires()
            await wires.meet()
            wires.ledger.outcome = Overloaded("Too much at once.", retry_after=7)
            with pytest.MonkeyPatch.context() as patch:
                if not reads:
                    patch.setattr(Protocol, "_is_taken_plainly", lambda *_: False)
                said.append(await wires.tell([plain()]))
            wires.intake.close(60)

        assert said[0] == said[1]
        assert b"retry-after: 7" in said[0]

    run(play())


def test_memory_for_a_body_is_given_back() -> None:
    async def play() -> None:
        wires = Wires()
        await under_way(wires)
        assert wires.intake._named._held
        wires.ledger.go_on()

        assert not wires.intake._named._held
        wires.intake.close(60)

    run(play())


def test_heads_of_strangers_are_not_kept() -> None:
    async def play() -> None:
        wires = Wires()
        await wires.meet()
        for number in range(3):
            await wires.tell([plain(path=f"/integrations/stranger-{number}/api/v2/alerts")])
            await wires.tell([plain()])

        assert len(wires.intake._at_once._heads) == 1
        assert TOKEN not in str(wires.intake._at_once._heads)
        wires.intake.close(60)

    run(play())


def test_a_connection_on_which_nothing_is_asked_ends_after_its_time() -> None:
    async def play() -> None:
        wires = Wires()
        await wires.meet()
        protocol, pipe = wires.open()
        protocol.timeout_keep_alive = 0.3  # type: ignore[assignment]  # seconds
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        for _ in range(4):
            protocol.data_received(plain())
            await asyncio.sleep(0.1)
        assert not pipe.has_ended
        last = loop.time() - 0.1
        while not pipe.has_ended:
            assert loop.time() - began < 10
            await asyncio.sleep(0.01)

        assert loop.time() - last >= 0.25
        wires.intake.close(60)

    run(play())


@pytest.mark.parametrize("first", ["plain", "parsed", ""])
def test_an_empty_line_keeps_no_connection_for_ever(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.edge.protocol.HEAD_S", 0.1)

    async def play() -> None:
        wires = Wires()
        await wires.meet()
        protocol, pipe = wires.open()
        if first:
            protocol.data_received(plain() if first == "plain" else plain().replace(b"\r\n", b"\r\nX-Odd: 1\r\n", 1))
            await asyncio.sleep(0.05)
            assert pipe.said
        protocol.data_received(b"\r\n")
        began = asyncio.get_running_loop().time()
        while not pipe.has_ended:
            assert asyncio.get_running_loop().time() - began < 5
            await asyncio.sleep(0.01)
        wires.intake.close(60)

    run(play())


def test_its_time_does_not_end_a_connection_whose_request_is_under_way() -> None:
    async def play() -> None:
        wires = Wires()
        await wires.meet()
        protocol, pipe = wires.open()
        protocol.timeout_keep_alive = 0.1  # type: ignore[assignment]  # seconds
        protocol.data_received(plain())
        await asyncio.sleep(0.05)
        wires.ledger.waits = True
        protocol.data_received(plain())
        await asyncio.sleep(0.3)
        assert not pipe.has_ended
        wires.ledger.go_on()
        assert pipe.said.count(b"HTTP/1.1 200") == 2
        await asyncio.sleep(0.3)

        assert pipe.has_ended
        wires.intake.close(60)

    run(play())


def test_a_slow_head_behind_a_plain_request_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.2)

    async def play() -> None:
        wires = Wires()
        await wires.meet()
        protocol, pipe = wires.open()
        protocol.data_received(plain())
        await asyncio.sleep(0.4)
        assert not pipe.has_ended  # its first head came in time
        protocol.data_received(b"POST /slow HTTP/1.1\r\n")
        await asyncio.sleep(0.4)
        assert pipe.has_ended

        protocol, pipe = wires.open()
        protocol.data_received(plain())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        protocol.data_received(b"POST /long HTTP/1.1\r\nX: ")
        protocol.data_received(b"x" * (wire.HEAD_LIMIT + 1))
        assert b"HTTP/1.1 431" in pipe.said
        wires.intake.close(60)

    run(play())


def test_repeats_are_answered_from_memory() -> None:
    async def play() -> None:
        wires = Wires(repeats=Repeats(lambda *_: None))
        await wires.meet()
        wires.ledger.outcome = Outcome(new=1, standing=[Standing(5, now() + timedelta(minutes=4))])
        body = alert("R")
        first = await wires.tell([plain(body)])
        again = await wires.tell([plain(body)])

        assert first == again
        assert len(wires.ledger.taken) == 1
        wires.intake.close(60)

    run(play())

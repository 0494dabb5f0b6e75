"""POSTs that are on their way at the same time end as each would alone, and none is written twice."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from raglan.config import config
from raglan.core import exchange, http, posts
from raglan.core.errors import DeliveryError
from raglan.core.posts import Post, Posts
from tests.core.test_exchange import ANSWERS
from tests.support.receiver import TAKEN, Receiver, receiving

LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX-Request-Id: 7\r\n\r\n" + b"x" * 100_000


@pytest.fixture(params=["http", "https"])
def receiver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Receiver]:
    tls = sealed(monkeypatch, tmp_path) if request.param == "https" else None
    with receiving(monkeypatch.setattr, tls) as there:
        yield there


def sealed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> ssl.SSLContext:
    """Return what a server seals its connections with; whoever asks it trusts its authority."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    return context


def lines(receiver: Receiver, count: int) -> None:
    """Have so many connections kept."""
    meet = threading.Barrier(count)

    def says(body: bytes) -> bytes:
        meet.wait(10)
        return TAKEN

    def ask() -> None:
        with http.keeping():
            http.post(receiver.url, b"warm", {})

    receiver.says = says
    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    receiver.says = lambda body: TAKEN
    receiver.came.clear()


def end_all(on_way: Posts[str]) -> dict[str, posts.Result]:
    found: dict[str, posts.Result] = {}
    while on_way:
        found |= dict(on_way.ended(10))
    return found


def outcome(result: posts.Result) -> object:
    return (result.sentence, result.permanent, result.unknown) if isinstance(result, DeliveryError) else result


def test_all_are_written_before_any_is_answered_and_each_gets_its_own_answer(receiver: Receiver) -> None:
    lines(receiver, 3)
    meet = threading.Barrier(3)

    def says(body: bytes) -> bytes:
        meet.wait(10)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body

    receiver.says = says
    on_way = Posts[str]()
    assert [on_way.begin(Post(receiver.url, name.encode(), {}), name) for name in "abc"] == [True] * 3

    found = end_all(on_way)

    assert {name: outcome(result) for name, result in found.items()} == {
        name: http.Answer(200, {"content-length": "1"}, name.encode()) for name in "abc"
    }
    assert (receiver.lines, len(http.kept)) == (3, 3)


def test_without_a_connection_that_was_kept_nothing_is_written(receiver: Receiver) -> None:
    lines(receiver, 1)
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"a", {}), "a")

    assert not on_way.begin(Post(receiver.url, b"b", {}), "b")

    assert list(end_all(on_way)) == ["a"]
    assert receiver.bodies == [b"a"]


@pytest.mark.parametrize(
    "one",
    [Post("/hook", b"x" * 20_000, {}), Post("/hook", b"", {"Title": "Jörg"}), Post("/hook", b"", {"X": "1\r\nY: 2"})],
    ids=["long", "other letters", "a line of its own"],
)
def test_what_is_not_plain_is_not_written_and_its_connection_stays(receiver: Receiver, one: Post) -> None:
    lines(receiver, 1)

    assert not Posts[str]().begin(Post(receiver.url, one.body, one.headers), "a")

    assert (receiver.came, len(http.kept)) == ([], 1)


def test_what_the_other_side_had_ended_was_not_written(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    lines(receiver, 1)
    ((line,),) = http.kept._lines.values()
    line.connection.sock.shutdown(socket.SHUT_WR)
    monkeypatch.setattr("raglan.core.kept.Line.has_news", False)  # it ends right after that was looked at

    assert not Posts[str]().begin(Post(receiver.url, b"a", {}), "a")

    assert (receiver.came, line.connection.sock) == ([], None)


@pytest.mark.parametrize("name", [*ANSWERS, "in pieces"])
def test_each_answer_means_what_it_means_to_one_that_is_asked_alone(receiver: Receiver, name: str) -> None:
    said = LONG if name == "in pieces" else ANSWERS[name]
    is_whole = name in ("empty", "with a body", "no reason", "no content", "refused", "twice", "long", "in pieces")
    found = []
    for is_alone in (True, False):
        http.kept.forget()
        receiver.leaves = False
        lines(receiver, 1)
        receiver.says, receiver.leaves = (lambda body: said), not is_whole
        on_way = Posts[str]()
        if is_alone:
            try:
                with http.keeping():
                    result: posts.Result = http.post(receiver.url, b"a", {})
            except DeliveryError as error:
                result = error
        else:
            assert on_way.begin(Post(receiver.url, b"a", {}), "a")
            (result,) = end_all(on_way).values()
        found.append((outcome(result), len(http.kept), receiver.bodies, receiver.heads[-1]))

    assert found[0] == found[1]
    if is_whole:
        assert found[0][1] == 1


def test_an_answer_that_does_not_come_in_time_is_unknown_and_its_connection_ends(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines(receiver, 2)
    never = threading.Event()
    receiver.says = lambda body: TAKEN if body == b"quick" or never.wait(60) else b""
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"quick", {}), "quick")
    monkeypatch.setattr(posts, "config", lambda: config().model_copy(update={"send_deadline_s": 0.1}))
    assert on_way.begin(Post(receiver.url, b"slow", {}), "slow")

    found = end_all(on_way)
    never.set()

    assert outcome(found["quick"]) == http.Answer(200, {"content-length": "0"}, b"")
    assert outcome(found["slow"]) == ("127.0.0.1 did not take it: it answered too slowly", False, True)
    assert len(http.kept) == 1


def test_an_odd_answer_that_never_ends_is_cut_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    lines(receiver, 1)
    receiver.says = lambda body: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    monkeypatch.setattr(posts, "config", lambda: config().model_copy(update={"send_deadline_s": 0.3}))
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"a", {}), "a")

    (result,) = end_all(on_way).values()

    assert outcome(result) == ("127.0.0.1 did not take it: it answered too slowly", False, True)


def test_what_is_taken_in_small_pieces_is_written_whole(receiver: Receiver) -> None:
    lines(receiver, 1)
    ((line,),) = http.kept._lines.values()

    class Narrow:
        """A socket that takes a few bytes at once."""

        def __init__(self, inner: socket.socket) -> None:
            self._inner = inner
            self.sent = 0

        def send(self, data: bytes) -> int:
            if self.sent:
                raise BlockingIOError
            self.sent = self._inner.send(data[:10])
            return self.sent

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    line.connection.sock = Narrow(line.connection.sock)  # type: ignore[assignment]
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"a" * 1_000, {}), "a")

    assert outcome(end_all(on_way)["a"]) == http.Answer(200, {"content-length": "0"}, b"")
    assert receiver.bodies == [b"a" * 1_000]


def test_what_is_left_on_its_way_is_named_and_its_connection_ends(receiver: Receiver) -> None:
    lines(receiver, 1)
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"a", {}), "a")

    assert on_way.leave() == ["a"]

    assert (len(on_way), len(http.kept)) == (0, 0)


@pytest.mark.parametrize("name", ["in chunks", "in chunks, in pieces", "nothing", "rubbish", "old"])
def test_an_odd_answer_does_not_wait_for_one_that_hangs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And so it is never too slow because another is."""
    lines(receiver, 2)
    never = threading.Event()
    said = ANSWERS[name.partition(",")[0]]
    receiver.says = lambda body: said if body == b"odd" or never.wait(60) else b""
    if name.endswith("pieces"):
        monkeypatch.setattr(exchange, "PIECE", 1)
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"hangs", {}), "hangs")
    assert on_way.begin(Post(receiver.url, b"odd", {}), "odd")
    found: dict[str, posts.Result] = {}

    while not found:
        found |= dict(on_way.ended(60))

    assert list(found) == ["odd"]
    with pytest.MonkeyPatch.context() as alone:
        alone.setattr(exchange, "PIECE", 65_536)
        never.set()
        on_way.leave()
        try:
            expected: posts.Result = http.post(receiver.url, b"odd", {})
        except DeliveryError as error:
            expected = error
    assert outcome(found["odd"]) == outcome(expected)


@pytest.mark.parametrize("name", ["with a body", "in chunks"])
def test_what_has_come_at_the_last_moment_is_not_too_slow(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """However long this thread was kept from reading it."""
    lines(receiver, 1)
    receiver.says = lambda body: ANSWERS[name]
    monkeypatch.setattr(exchange, "PIECE", 1)
    monkeypatch.setattr(posts, "MOST_LOOKS", 0)
    on_way = Posts[str]()
    assert on_way.begin(Post(receiver.url, b"a", {}), "a")
    (flight,) = on_way._flights.values()
    news = select.poll()
    news.register(flight.line.connection.sock, select.POLLIN)
    assert news.poll(60_000)
    flight.ends_at = 0.0

    ((_, result),) = on_way.ended(60)

    assert isinstance(result, http.Answer)


class Pieces:
    """A socket on which an answer comes in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)

    def recv(self, most: int) -> bytes:
        if not self.left:
            raise BlockingIOError
        return self.left.pop(0)


def flight_of(*pieces: bytes) -> posts._Flight[str]:
    line = SimpleNamespace(connection=SimpleNamespace(sock=Pieces(*pieces)))
    return posts._Flight("a", ("http", "127.0.0.1", 80), line, 0.0)  # type: ignore[arg-type]


def test_what_only_looks_like_the_end_is_looked_at_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends it again and again costs no more; what comes of it counts when its time is over."""
    looks, real = [0], exchange.whole_in

    def whole_in(*given: object, **named: object) -> exchange.Answer:
        looks[0] += 1
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(exchange, "whole_in", whole_in)
    monkeypatch.setattr(posts, "MOST_LOOKS", 2)
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n"
    seems = b"\r\n0\r\n\r\n"
    flight = flight_of(start + seems, *[b"\r\n7\r\n" + seems] * 40, b"\r\n0\r\n\r\n")

    result, _ = posts._read_last(flight)

    assert result == http.Answer(200, {"transfer-encoding": "chunked"}, seems * 41)
    assert looks == [2 + posts.MOST_ENDS + 1]


def test_of_an_odd_answer_that_is_too_long_no_more_is_held_than_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "MOST_LOOKS", 0)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n"
    flight = flight_of(head, *[b"x" * exchange.PIECE] * 200)

    result, _ = posts._read_last(flight)

    assert isinstance(result, http.Answer)
    assert len(result.body) == http.MAX_ANSWER
    assert len(flight.have) <= http.MAX_ANSWER + exchange.MOST_HEAD + exchange.PIECE

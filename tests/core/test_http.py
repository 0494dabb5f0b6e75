"""The one wrapper for outgoing HTTP: where it may go, how long it may take, how much it may bring back."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from raglan.config import Config, config
from raglan.core import http, kept
from raglan.core.errors import BadInput, DeliveryError

Answering = Callable[[BaseHTTPRequestHandler], None]
TOO_SLOW = "it answered too slowly|timed out"


@dataclass
class Stub:
    """A server that counts who comes."""

    answering: Answering
    port: int = 0
    came: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def serve() -> Iterator[Callable[[Answering], Stub]]:
    servers: list[ThreadingHTTPServer] = []

    def start(answering: Answering) -> Stub:
        stub = Stub(answering)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stub.came.append(self.path)
                stub.answering(self)

            do_GET = do_POST  # noqa: N815 -- named by the base class

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        stub.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return stub

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change options of this process."""

    def change(**values: object) -> None:
        changed: Config = config().model_copy(update=values)
        monkeypatch.setattr(http, "config", lambda: changed)

    return change


def says(status: int, body: bytes = b"ok", **headers: str) -> Answering:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def resolves_to(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Answer each look-up of a name with the next list of addresses; return the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        found = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(http.socket, "getaddrinfo", getaddrinfo)
    return asked


INSIDE = (
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2001:db8::1",
)


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_reached(
    monkeypatch: pytest.MonkeyPatch, options: Callable[..., None], address: str
) -> None:
    options(allow_networks=[])
    resolves_to(monkeypatch, [address])

    with pytest.raises(DeliveryError, match="may not reach") as caught:
        http.resolve("hooks.example.test", 443)

    assert caught.value.permanent


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/hook",
        "http://[::ffff:127.0.0.1]:{port}/hook",
        "http://2130706433:{port}/hook",
        "http://0x7f000001:{port}/hook",
        "http://0177.0.0.1:{port}/hook",
        "http://127.1:{port}/hook",
        "http://localhost:{port}/hook",
        "http://0:{port}/hook",
    ],
)
def test_every_way_to_write_loopback_is_refused_and_nobody_comes(
    serve: Callable[[Answering], Stub], options: Callable[..., None], url: str
) -> None:
    stub = serve(says(200))
    options(allow_networks=[])

    with pytest.raises(DeliveryError):
        http.post(url.format(port=stub.port), b"{}", {})

    assert stub.came == []


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_outside_are_fine(
    monkeypatch: pytest.MonkeyPatch, options: Callable[..., None], address: str
) -> None:
    options(allow_networks=[])
    resolves_to(monkeypatch, [address])

    assert str(http.resolve("hooks.example.test", 443)) == address


def test_one_bad_address_among_good_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    with pytest.raises(DeliveryError):
        http.resolve("hooks.example.test", 443)


def test_the_metadata_address_is_refused_even_when_its_network_is_allowed(
    monkeypatch: pytest.MonkeyPatch, options: Callable[..., None]
) -> None:
    options(allow_networks=["169.254.0.0/16"])
    resolves_to(monkeypatch, ["169.254.169.254"])

    with pytest.raises(DeliveryError):
        http.resolve("metadata.example.test", 80)


def test_a_name_that_changes_its_address_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[Answering], Stub], options: Callable[..., None]
) -> None:
    stub = serve(says(200))
    options(allow_networks=[])
    reached: list[object] = []

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError("no way out from here")

    asked = resolves_to(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    monkeypatch.setattr(http.socket, "create_connection", connect)

    with pytest.raises(DeliveryError, match="could not be reached"):
        http.post(f"http://rebinding.example.test:{stub.port}/hook", b"{}", {})

    assert (asked, reached, stub.came) == (["rebinding.example.test"], ["93.184.215.14"], [])


def test_a_redirect_is_an_answer_and_is_not_followed(serve: Callable[[Answering], Stub]) -> None:
    target = serve(says(200))
    stub = serve(says(307, Location=target.url))

    answer = http.post(stub.url, b"{}", {})

    assert (answer.status, target.came) == (307, [])


def test_proxies_of_the_environment_are_ignored(
    serve: Callable[[Answering], Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert http.post(serve(says(200)).url, b"{}", {}).status == 200


def test_a_slow_body_ends_at_the_deadline(serve: Callable[[Answering], Stub], options: Callable[..., None]) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not ended.wait(0.05):
            try:
                handler.wfile.write(b".")
            except OSError:
                return

    options(send_deadline_s=0.6)
    try:
        with pytest.raises(DeliveryError, match=TOO_SLOW) as caught:
            http.post(serve(drip).url, b"{}", {})  # the other side would go on for ever
    finally:
        ended.set()

    assert not caught.value.permanent


def test_slow_headers_end_at_the_deadline(serve: Callable[[Answering], Stub], options: Callable[..., None]) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not ended.wait(0.05):
            try:
                handler.wfile.write(b".")
            except OSError:
                return

    options(send_deadline_s=0.6)
    try:
        with pytest.raises(DeliveryError, match=TOO_SLOW):
            http.post(serve(drip).url, b"{}", {})
    finally:
        ended.set()


def test_a_server_that_hangs_ends_at_the_deadline(
    serve: Callable[[Answering], Stub], options: Callable[..., None]
) -> None:
    ended = threading.Event()
    options(send_deadline_s=2.0)  # so that it has the request by then, also where all is slow

    try:
        with pytest.raises(DeliveryError, match=TOO_SLOW) as caught:
            http.post(serve(lambda handler: ended.wait() and None).url, b"{}", {})
    finally:
        ended.set()
    assert caught.value.unknown, "it may have taken it"


def test_an_answer_of_ten_megabytes_is_read_up_to_the_limit(serve: Callable[[Answering], Stub]) -> None:
    def much(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10):
                handler.wfile.write(b"x" * 1024 * 1024)
        except OSError:
            return

    assert len(http.post(serve(much).url, b"{}", {}).body) == http.MAX_ANSWER


def test_rubbish_in_place_of_http_is_a_failure_for_now(serve: Callable[[Answering], Stub]) -> None:
    stub = serve(lambda handler: handler.wfile.write(b"220 smtp.example.test ready\r\n") and None)

    with pytest.raises(DeliveryError) as caught:
        http.post(stub.url, b"{}", {})

    assert not caught.value.permanent


def test_a_name_that_is_not_known_is_a_failure_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(http.socket, "getaddrinfo", unknown)

    with pytest.raises(DeliveryError, match="is not known") as caught:
        http.post("https://nowhere.example.test/", b"{}", {})

    assert not caught.value.permanent
    assert not caught.value.unknown


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.test/",
        "file:///etc/passwd",
        "gopher://x/",
        "//example.test/",
        "http://",
        "javascript:alert(1)",
        "http://user:secret@example.test/",
        "example.test",
        "",
        "http://[::1",
        "http://example.test:99999/",
        "http://example.test:0/",
    ],
)
def test_addresses_that_are_not_plain_http_are_refused_when_saved(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        http.check_url(url, "address")

    assert caught.value.field == "address"


class _Kept(BaseHTTPRequestHandler):
    """Says the same on one connection again and again, and ends some connections after an answer without a word."""

    protocol_version = "HTTP/1.1"
    came: ClassVar[list[tuple[int, bytes]]] = []
    body: ClassVar[bytes] = b""
    is_ending: ClassVar[bool] = False

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.came.append((self.client_address[1], said))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = self.is_ending

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
        pass


def _has_ended() -> bool:
    ((line,),) = http.kept._lines.values()
    return line.has_news


@pytest.mark.parametrize("body", [b"", b"taken"])
@pytest.mark.parametrize("is_ending", [False, True])
def test_a_connection_is_used_again_while_that_is_asked_for_and_never_when_it_has_ended(
    options: Callable[..., None],
    eventually: Callable[[Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    is_ending: bool,
) -> None:
    monkeypatch.setattr(kept, "IDLE_S", 3600.0)  # however busy the machine is
    monkeypatch.setattr(http, "kept", kept.Kept())
    options(allow_networks=["127.0.0.0/8"])
    handler = type("Handler", (_Kept,), {"came": [], "body": body, "is_ending": is_ending})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        with http.keeping():
            for number in range(3):
                answer = http.post(url, f"{number}".encode(), {})
                assert (answer.status, answer.body) == (200, body)
                if is_ending:
                    eventually(_has_ended)
        http.post(url, b"3", {})
        server.shutdown()

    ports = [port for port, _ in handler.came]
    assert [said for _, said in handler.came] == [b"0", b"1", b"2", b"3"]
    assert len(set(ports[:3])) == (3 if is_ending else 1)
    assert ports[3] not in ports[:3]

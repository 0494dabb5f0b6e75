import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.webhook.channel import Webhook, sign, signing_key
from raglan.paging import circuit
from raglan.paging.ports import Message

Make = Callable[..., Message]


@dataclass
class Receiver:
    """Somebody's own program that takes pages."""

    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taken = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            taken.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(taken.status)
            self.send_header("X-Request-Id", "request-7")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    taken.url = f"http://127.0.0.1:{server.server_address[1]}/pages?of=mara"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield taken
    server.shutdown()
    server.server_close()


def test_a_page_is_posted_as_json(receiver: Receiver, message: Make) -> None:
    receipt = Webhook().send(receiver.url, message(title="Zürich is down"))

    body = json.loads(receiver.bodies[0])
    assert (body["version"], body["page"], body["title"]) == (1, 12, "Zürich is down")
    assert (body["link"], body["may_be_a_repeat"]) == ("https://raglan.example.test/p/abc/", False)
    assert receipt.provider_id == "request-7"
    assert receiver.headers[0]["idempotency-key"] == "12:0.0:3:email:0"


def test_the_receiver_can_tell_it_from_a_forgery(receiver: Receiver, message: Make) -> None:
    Webhook().send(receiver.url, message())

    parts = dict(part.split("=", 1) for part in receiver.headers[0]["x-raglan-signature"].split(","))
    signed = f"{parts['t']}.".encode() + receiver.bodies[0]
    assert parts["v1"] == hmac.new(signing_key(receiver.url), signed, hashlib.sha256).hexdigest()


def test_a_signature_holds_for_one_address_one_body_and_one_moment() -> None:
    one = sign("https://a.example.test/", b"{}", 1000)

    others = [sign("https://b.example.test/", b"{}", 1000), sign("https://a.example.test/", b"{ }", 1000)]
    assert one not in [*others, sign("https://a.example.test/", b"{}", 1001)]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_handed_over(receiver: Receiver, message: Make, status: int) -> None:
    receiver.status = status

    assert Webhook().send(receiver.url, message()).received is False


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (410, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
        (301, False),
        (307, False),
    ],
)
def test_a_refusal_says_whether_trying_again_can_help(
    receiver: Receiver, message: Make, status: int, permanent: bool
) -> None:
    receiver.status = status

    with pytest.raises(DeliveryError, match=str(status)) as caught:
        Webhook().send(receiver.url, message())

    assert caught.value.permanent is permanent


@pytest.mark.parametrize("status", [500, 410, 502, 503, 504])
def test_a_receiver_that_is_broken_leaves_the_others_of_its_server_alone(
    receiver: Receiver, message: Make, status: int
) -> None:
    receiver.status = status
    lane = Webhook().lane(receiver.url)
    for _ in range(circuit.FAILURES):
        with pytest.raises(DeliveryError), circuit.hand_over(f"webhook {lane}", receiver.url):
            Webhook().send(receiver.url, message())

    assert not circuit.rests(f"webhook {lane}")
    assert circuit.rests(f"webhook {lane}", receiver.url) is (status in (502, 503, 504))


def test_a_server_where_nobody_listens_rests_whole(message: Make) -> None:
    for _ in range(circuit.FAILURES):
        with pytest.raises(DeliveryError), circuit.hand_over("webhook 127.0.0.1:9", "http://127.0.0.1:9/pages"):
            Webhook().send("http://127.0.0.1:9/pages", message())

    assert circuit.rests("webhook 127.0.0.1:9", "http://127.0.0.1:9/others")


@pytest.mark.parametrize(
    ("address", "lane"),
    [
        ("https://hooks.example.test/a", "hooks.example.test"),
        ("https://hooks.example.test:443/b", "hooks.example.test"),
        ("http://hooks.example.test:80/c", "hooks.example.test"),
        ("https://hooks.example.test:8443/a", "hooks.example.test:8443"),
        ("http://hooks.example.test:443/a", "hooks.example.test:443"),
    ],
)
def test_what_listens_at_another_port_is_another_server(address: str, lane: str) -> None:
    assert Webhook().lane(address) == lane


def test_an_address_that_is_not_one_is_refused_when_saved() -> None:
    with pytest.raises(BadInput):
        Webhook().check("file:///etc/passwd")
    Webhook().check("https://hooks.example.test/mara")

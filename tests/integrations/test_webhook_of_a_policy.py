"""A step of a policy that tells a program, over the real channel and a real connection."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from raglan.integrations.webhook.channel import signing_key
from raglan.paging import actions
from raglan.paging.models import WebhookCall
from raglan.paging.plan import Target
from raglan.testing import world

pytestmark = pytest.mark.django_db(transaction=True)
Taken = list[tuple[dict[str, str], bytes]]


@pytest.fixture
def program() -> Iterator[tuple[str, Taken, list[int]]]:
    """A program that takes POSTs; it answers with the next of some statuses, 200 when there is none."""
    taken: Taken = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/steps", taken, statuses
    server.shutdown()
    server.server_close()


def start(url: str) -> int:
    mara = world.person("Mara Keller")
    mara.contact_methods.all().delete()
    steps = (actions.StepDraft(600, (Target("webhook", 0, url),)), actions.StepDraft(600, (world.target(mara),)))
    return world.page(world.policy_of(*steps, slug=f"web-{mara.pk}")).pk


def test_a_program_is_told_of_a_step_with_a_signature_that_it_can_check(
    program: tuple[str, Taken, list[int]],
) -> None:
    url, taken, _ = program

    page = start(url)

    headers, body = taken[0]
    stamp, mac = (part.partition("=")[2] for part in headers["x-raglan-signature"].split(","))
    expected = hmac.new(signing_key(url), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    said = json.loads(body)
    assert hmac.compare_digest(mac, expected)
    assert (said["page"], said["person"], said["link"].endswith(f"/pages/{page}/")) == (page, "", True)
    assert said["why"].startswith("step 1 of the policy web-")


def test_each_try_has_the_same_key_until_it_is_taken(program: tuple[str, Taken, list[int]]) -> None:
    url, taken, statuses = program
    statuses.extend((503, 500))
    start(url)

    world.fast_forward(timedelta(minutes=2))

    assert len(taken) == 3
    assert len({headers["idempotency-key"] for headers, _ in taken}) == 1
    assert WebhookCall.objects.get().state == "handed_over"

"""One provider hangs: pages by all others go out as if it were not there."""

import threading
from collections.abc import Iterator

import pytest

from tests.integrations.fakes import Answer, Request, http_server
from tests.support.pace import timed
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
PAGES = 24


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


def only_by(running: Running, name: str, kind: str, address: str = "") -> None:
    """Let one way be the only one that is tried for a person."""
    who = running.people[name]
    if address:
        running.api("POST", f"/people/{who}/contact-methods", {"kind": kind, "address": address})
    ways = running.api("GET", f"/people/{who}/contact-methods")
    assert isinstance(ways, list)
    rules = [{"contact_method_id": way["id"], "delay_s": 0} for way in ways if way["kind"] == kind]
    running.api("PUT", f"/people/{who}/notification-rules", rules)


def pages_to(running: Running, address: str) -> int:
    return len([mail for mail in running.mailbox.to(address) if mail["X-Raglan"] == "page"])


def test_pages_by_mail_go_out_while_a_webhook_hangs(raglan: Running) -> None:
    let_go, waiting = threading.Event(), []

    def hang(request: Request) -> Answer:
        waiting.append(request.path)
        let_go.wait(100)
        return Answer(204)

    with http_server(hang) as url:
        only_by(raglan, "ike", "webhook", f"{url}/pages")
        only_by(raglan, "mara", "email")
        for number in range(PAGES):
            raglan.api(
                "POST", "/pages", {"person_id": raglan.people["ike"], "title": f"To a program that hangs {number}"}
            )
        until(lambda: len(waiting) >= 3)
        with timed() as pace:
            for number in range(3):
                raglan.api("POST", "/pages", {"person_id": raglan.people["mara"], "title": f"To a person {number}"})
            until(lambda: pages_to(raglan, "mara@example.test") == 3)
        shown = raglan.api("GET", "/channels")
        let_go.set()

    assert pace.s < 6, f"{pace.s:.1f} s; without lanes all threads hang for 10 s and more"
    assert isinstance(shown, list)
    hooks = next(row for row in shown if row["channel"] == "webhook")
    assert 0 < sum(lane["in_flight"] for lane in hooks["lanes"]) < 8

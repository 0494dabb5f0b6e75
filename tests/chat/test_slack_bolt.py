"""Slack's own library against what the tests take for Slack, and against the door that Slack calls.

raglan does not use the library (docs/decisions/0022): here it says whether the tests' Slack behaves like the real one,
and whether raglan signs, acknowledges and answers as the library does.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient
from websockets.sync.server import serve

from raglan.chat.models import Workspace
from raglan.core.clock import now
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.test_slack import SECRET, TOKEN, Api, connected, declared, room_of
from tests.chat.test_slack_socket import APP, Lines, Talk, stamp, until
from tests.integrations.fakes import http_server

pytestmark = pytest.mark.django_db
FIELDS = {"command": "/raglan", "user_id": "U0BO", "user_name": "bo", "team_id": "T1", "trigger_id": "1"}


@contextmanager
def lines() -> Iterator[tuple[Lines, str]]:
    there = Lines()
    with serve(there.handle, "127.0.0.1", 0) as server, http_server(there.respond) as url:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link/?ticket=1"
        yield there, url
        for line in there.begun:
            line.close()


def tell(there: Lines, room: str) -> None:
    """Let it say what people do in a room: words, a command, a button."""
    there.message(room, "hello", "e1", stamp())
    slash = {**FIELDS, "channel_id": room, "text": "nonsense"}
    there.send("slash_commands", slash, "s1", accepts_response_payload=True)
    pressed = {"type": "block_actions", "user": {"id": "U0BO"}, "channel": {"id": room}, "trigger_id": "3"}
    there.send("interactive", {**pressed, "team": {"id": "T1"}, "actions": [{"value": "x", "action_id": "x"}]}, "b1")
    until(lambda: len(there.acks) >= 3)


def acks_of_bolt(url: str, there: Lines) -> dict[str, Any]:
    app = App(token=TOKEN, signing_secret=SECRET, client=WebClient(token=TOKEN, base_url=f"{url}/api/"))
    app.event("message")(lambda event: None)
    app.command("/raglan")(lambda ack: ack(response_type="ephemeral", text="There is no !nonsense. !help"))
    app.action("x")(lambda ack: ack())
    handler = SocketModeHandler(app, APP, web_client=WebClient(token=TOKEN, base_url=f"{url}/api/"))
    handler.connect()
    try:
        until(lambda: there.begun)
        tell(there, "C1")
    finally:  # the library may wait for good for a thread of its own, which ends when the line does
        closing = threading.Thread(target=handler.close, daemon=True)
        closing.start()
        closing.join(5)
    return {one["envelope_id"]: one.get("payload") for one in there.acks}


def acks_of_raglan(url: str, there: Lines, mara: Person, bo: Person) -> dict[str, Any]:
    slack = connected(url, app_token=APP, way="socket")
    incident = declared(slack, mara, bo)
    talk = Talk(slack, there)
    teller = threading.Thread(target=tell, args=(there, room_of(slack, incident)))
    teller.start()
    deadline = time.monotonic() + 60
    while teller.is_alive() and time.monotonic() < deadline:
        talk.hear(0.05)
    talk.line.close()
    teller.join(60)
    return {one["envelope_id"]: one.get("payload") for one in there.acks}


def test_envelopes_are_acknowledged_as_slacks_library_does(mara: Person, bo: Person, outbox: world.Outbox) -> None:
    with lines() as (there, url):
        ours = acks_of_raglan(url, there, mara, bo)
    with lines() as (there, url):
        theirs = acks_of_bolt(url, there)
    assert ours["s1"] == theirs["s1"] == {"response_type": "ephemeral", "text": "There is no !nonsense. !help"}
    assert ours.keys() == theirs.keys() == {"e1", "s1", "b1"}
    assert not any((ours["e1"], theirs["e1"], ours["b1"], theirs["b1"]))  # nothing, or an empty text


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def slack(api: Api, outbox: world.Outbox) -> Iterator[Workspace]:
    with http_server(api.respond) as url:
        yield connected(url, signing_secret=SECRET)


def test_what_the_library_signs_is_let_in_and_what_it_refuses_is_refused(
    slack: Workspace, mara: Person, bo: Person
) -> None:
    incident: Incident = declared(slack, mara, bo)
    room = room_of(slack, incident)
    signer = SignatureVerifier(SECRET)
    body = urlencode({**FIELDS, "channel_id": room, "text": "found the log is full"})
    at = str(int(now().timestamp()))
    right = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signer.generate_signature(timestamp=at, body=body)}
    others = SignatureVerifier("another").generate_signature(timestamp=at, body=body)
    old = str(int(at) - 600)
    cases = (
        (right, 200),
        ({**right, "X-Slack-Signature": others}, 401),
        ({**right, "X-Slack-Request-Timestamp": str(int(at) - 1)}, 401),
        (
            {
                "X-Slack-Request-Timestamp": old,
                "X-Slack-Signature": signer.generate_signature(timestamp=old, body=body),
            },
            401,
        ),
    )
    for headers, status in cases:
        named = {name.lower(): value for name, value in headers.items()}
        assert signer.is_valid_request(body, named) == (status == 200)
        kind = "application/x-www-form-urlencoded"
        answered = Client().post(f"/slack/{slack.pk}/", body, content_type=kind, headers=headers)
        assert (answered.status_code == 200) == (status == 200)
    world.fire_all()
    assert Entry.objects.get(incident=incident, kind=Entry.Kind.FOUND).text == "the log is full"


def test_a_message_is_written_as_the_library_writes_it(
    api: Api, outbox: world.Outbox, mara: Person, bo: Person
) -> None:
    with http_server(api.respond) as url:
        declared(connected(url, signing_secret=SECRET), mara, bo)
        ours = api.posted[-1]
        client = WebClient(token=TOKEN, base_url=f"{url}/api/")
        assert client.auth_test()["team_id"] == "T1"
        assert client.chat_postMessage(**ours)["ts"] == f"{len(api.posted)}.0"
    assert api.posted[-1] == ours
    assert ours["blocks"][1]["elements"]  # with its buttons

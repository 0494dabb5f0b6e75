"""Slack by Socket Mode, over a real websocket to a small server that sends envelopes as Slack does."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from raglan.chat import actions, hearing, lines, queries
from raglan.chat.models import Workspace
from raglan.chat.ports import Heard, Wait
from raglan.core import websocket
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.incidents.models import Entry, Incident
from raglan.integrations.slack.platform import Slack
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.test_slack import SECRET, Api, connected, declared, room_of
from tests.integrations.fakes import Answer, Request, http_server

pytestmark = pytest.mark.django_db
APP = "xapp-for-tests"


@dataclass
class Lines:
    """The end of lines at Slack: what it sends, and what is acknowledged."""

    api: Api = field(default_factory=Api)
    url: str = ""
    begun: list[ServerConnection] = field(default_factory=list)
    acks: list[dict[str, Any]] = field(default_factory=list)
    says_hello: bool = True
    opens: list[Answer] = field(default_factory=list)

    def respond(self, request: Request) -> Answer:
        if not request.path.endswith("/apps.connections.open"):
            return self.api.respond(request)
        if self.opens:
            return self.opens.pop(0)
        is_known = request.headers.get("authorization") == f"Bearer {APP}"
        return self.api.said(url=self.url) if is_known else self.api.said(ok=False, error="invalid_auth")

    def handle(self, line: ServerConnection) -> None:
        line.send(json.dumps({"type": "hello" if self.says_hello else "goodbye", "num_connections": 1}))
        self.begun.append(line)
        try:
            for text in line:
                self.acks.append({**json.loads(text), "line": self.begun.index(line)})
        except ConnectionClosed:
            return

    def send(self, kind: str, payload: dict[str, Any], key: str, **more: object) -> None:
        frame = {"type": kind, "envelope_id": key, "payload": {"team_id": "T1", **payload}, **more}
        self.begun[-1].send(json.dumps(frame))

    def message(self, room: str, text: str, key: str, ts: str) -> None:
        event = {"type": "message", "channel": room, "user": "U0BO", "ts": ts, "text": text}
        body = {"type": "event_callback", "event_id": f"Ev{ts}", "event": event}
        self.send("events_api", body, key, accepts_response_payload=False, retry_attempt=0, retry_reason="")


@pytest.fixture
def there() -> Iterator[Lines]:
    found = Lines()
    with serve(found.handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link/?ticket=1"
        yield found
        for line in found.begun:
            line.close()


@pytest.fixture
def slack(there: Lines, outbox: world.Outbox) -> Iterator[Workspace]:
    with http_server(there.respond) as url:
        yield connected(url, app_token=APP, way="socket")


@pytest.fixture
def incident(slack: Workspace, mara: Person, bo: Person) -> Incident:
    return declared(slack, mara, bo)


class Talk:
    """One line of ours, kept as a process keeps it."""

    def __init__(self, slack: Workspace, there: Lines) -> None:
        self.slack, self.line = slack, actions.line_to(slack)
        assert self.line.hears
        self.hear()
        until(lambda: there.begun)  # which the other end notes when it has said hello

    def hear(self, wait_s: float = 0.0) -> Heard:
        heard = self.line.hear(self.slack.cursor, wait_s)
        hearing.hear(self.slack, heard)
        world.fire_all()
        return heard


@pytest.fixture
def talk(slack: Workspace, there: Lines, incident: Incident) -> Iterator[Talk]:
    found = Talk(slack, there)
    yield found
    found.line.close()


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def stamp() -> str:
    return f"{now().timestamp():.6f}"


def test_envelopes_are_acknowledged_once_what_they_say_is_kept(
    there: Lines, slack: Workspace, talk: Talk, incident: Incident, bo: Person
) -> None:
    room = room_of(slack, incident)
    assert not queries.door_of(slack)
    there.send("events_api", {"event": {"type": "reaction_added"}}, "e0")
    there.message(room, "hello", "e1", stamp())
    lost = talk.line.hear(slack.cursor, 20)  # the process could not keep it
    assert [one.text for one in lost.messages] == ["hello"]
    until(lambda: [one["envelope_id"] for one in there.acks] == ["e0"])
    assert talk.hear().messages == lost.messages
    talk.hear()
    until(lambda: [one["envelope_id"] for one in there.acks] == ["e0", "e1"])
    assert Entry.objects.get(incident=incident).author == bo


def test_slash_commands_and_buttons(there: Lines, slack: Workspace, talk: Talk, incident: Incident, bo: Person) -> None:
    room = room_of(slack, incident)
    fields = {"command": "/raglan", "channel_id": room, "user_id": "U0BO", "user_name": "bo"}
    there.send(
        "slash_commands", {**fields, "text": "verify slow?", "trigger_id": "1"}, "s1", accepts_response_payload=True
    )
    talk.hear(20)
    entry = Entry.objects.get(kind=Entry.Kind.VERIFY)
    there.send("slash_commands", {**fields, "text": "nonsense", "trigger_id": "2"}, "s2", accepts_response_payload=True)
    talk.hear(20)
    pressed = {"type": "block_actions", "user": {"id": "U0BO"}, "channel": {"id": room}, "trigger_id": "3"}
    there.send("interactive", {**pressed, "team": {"id": "T1"}, "actions": [{"value": f"yes {entry.pk}"}]}, "b1")
    talk.hear(20)
    talk.hear()
    assert entry.answers.get().person == bo
    until(lambda: len(there.acks) == 3)
    said = {one["envelope_id"]: one.get("payload") for one in there.acks}
    assert (said["s1"], said["b1"]) == (None, None)
    assert said["s2"] == {"response_type": "ephemeral", "text": "There is no !nonsense. !help"}


def test_a_slash_command_from_elsewhere_is_answered_with_its_envelope(
    there: Lines, slack: Workspace, talk: Talk
) -> None:
    fields = {"command": "/raglan", "channel_id": "C0ELSE", "user_id": "U0BO", "trigger_id": "9"}
    there.send("slash_commands", {**fields, "text": "declare mail is slow"}, "s9", accepts_response_payload=True)
    talk.hear(20)
    talk.hear()
    until(lambda: there.acks)
    made = Incident.objects.latest("pk")
    assert there.acks[-1]["payload"]["text"].startswith(f"Incident {made.pk} is open: ")


def test_a_new_line_in_time_and_what_comes_again_counts_once(
    there: Lines, slack: Workspace, talk: Talk, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = websocket.Line.receive

    def until_the_end(line: websocket.Line, wait_s: float) -> str | None:
        """The end of the first line comes right behind its message, however late that is on a busy machine."""
        return receive(line, 20 if len(there.begun) == 1 else wait_s)

    monkeypatch.setattr(websocket.Line, "receive", until_the_end)
    room, at = room_of(slack, incident), stamp()
    there.message(room, "hello", "e1", at)
    there.begun[0].send(json.dumps({"type": "disconnect", "reason": "warning", "debug_info": {"host": "x"}}))
    talk.hear(20)
    talk.hear()
    until(lambda: len(there.begun) == 2)
    there.message(room, "hello", "e1", at)  # was not acknowledged by the old line
    there.message(room, "more", "e2", stamp())
    until(lambda: (talk.hear(), len(there.acks) >= 2)[1])
    assert [one.text for one in Entry.objects.filter(incident=incident).order_by("pk")] == ["hello", "more"]
    assert {one["line"] for one in there.acks} == {1}


def test_a_line_that_breaks_is_opened_anew(there: Lines, slack: Workspace, talk: Talk, incident: Incident) -> None:
    there.begun[0].close()
    with pytest.raises(DeliveryError) as ended:  # which waits a little before the next try
        talk.hear(20)
    assert not ended.value.permanent
    talk.hear()
    until(lambda: len(there.begun) == 2)
    there.message(room_of(slack, incident), "hello", "e1", stamp())
    talk.hear(20)
    assert Entry.objects.get(incident=incident).text == "hello"


def test_what_was_said_while_a_line_was_broken_comes_in_before_what_follows(
    there: Lines, slack: Workspace, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, line, at = room_of(slack, incident), lines.Line(slack), now().timestamp()
    assert there.api.history is not None
    line._hear()
    until(lambda: there.begun)
    there.begun[0].close()
    there.opens = [there.api.said(ok=False, error="internal_error")]
    for _ in range(2):  # the end of the line, and no new one
        line._hear()
    there.api.history.append({"type": "message", "user": "U0BO", "ts": f"{at:.6f}", "text": "missed"})
    history = there.api.conversations_history

    def read(fields: dict[str, Any]) -> Answer:
        until(lambda: len(there.begun) == 2)  # it is read once the line is up again
        if there.api.history is not None and len(there.api.history) == 1:
            there.api.history.append({"type": "message", "user": "U0BO", "ts": f"{at + 1:.6f}", "text": "after"})
            there.message(room, "after", "e1", f"{at + 1:.6f}")
        return history(fields)

    monkeypatch.setattr(there.api, "conversations_history", read)
    line._hear()
    monkeypatch.setattr(lines, "HEAR_S", 30.0)
    line._hear()
    assert [one.text for one in Entry.objects.filter(incident=incident).order_by("pk")] == ["missed", "after"]
    line._connection.close()


def test_what_is_in_the_way_is_told(there: Lines, slack: Workspace, talk: Talk) -> None:
    there.begun[0].send(json.dumps({"type": "disconnect", "reason": "link_disabled"}))
    with pytest.raises(DeliveryError, match="switched off"):
        talk.hear(20)
    limited = Answer(429, b"", (("Retry-After", "7"),))
    there.opens = [limited, there.api.said(ok=False, error="invalid_auth"), there.api.said(url="https://evil.example")]
    with pytest.raises(Wait):
        talk.hear()
    for words in ("invalid_auth", "named no address"):
        with pytest.raises(DeliveryError, match=words) as refused:
            talk.hear()
        assert not refused.value.permanent
    there.says_hello = False
    with pytest.raises(DeliveryError, match="hello"):
        talk.hear()


def test_another_slack_workspace_changes_nothing(
    there: Lines, slack: Workspace, talk: Talk, incident: Incident
) -> None:
    given = {"type": "message", "channel": room_of(slack, incident), "user": "U0BO", "ts": stamp(), "text": "hello"}
    there.send("events_api", {"team_id": "T2", "event": given}, "e1")
    until(lambda: (talk.hear(), there.acks)[1])
    assert not Entry.objects.filter(incident=incident).exists()


def test_the_door_is_shut_where_a_line_is_open(slack: Workspace) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "x"})
    headers = {"X-Slack-Request-Timestamp": str(int(now().timestamp())), "X-Slack-Signature": "v0="}
    answered = Client().post(f"/slack/{slack.pk}/", body, content_type="application/json", headers=headers)
    assert answered.status_code == 403


@pytest.mark.parametrize(
    "url", ["ws://169.254.169.254/", "https://slack.com/", "ws://[", "ws://u:p@127.0.0.1/", "ws:///x"]
)
def test_a_line_goes_only_where_it_may(url: str) -> None:
    with pytest.raises(DeliveryError):
        websocket.connect(url)


@pytest.mark.parametrize("settings", [{"way": "socket", "signing_secret": SECRET}, {"app_token": APP}])
def test_each_way_needs_its_secret(settings: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        Slack().check({"url": "", "signing_secret": "", "app_token": "", **settings})

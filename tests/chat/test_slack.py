"""Slack over HTTP: its Web API outward, and what it signs inward, against a small server that speaks as it does."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from raglan.chat import actions, lines, queries, sending
from raglan.chat.models import Message, Room, Workspace
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.integrations.slack.platform import Slack
from raglan.paging import actions as paging
from raglan.paging.plan import Target
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.fakes import Answer, Request, http_server

pytestmark = pytest.mark.django_db
TOKEN, SECRET = "xoxb-for-tests", "signed-for-tests"


@dataclass
class Api:
    """Slack's Web API, as far as it is called."""

    channels: dict[str, str] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    topics: dict[str, str] = field(default_factory=dict)
    invited: list[tuple[str, str]] = field(default_factory=list)
    whispered: list[tuple[str, str, str]] = field(default_factory=list)
    history: list[dict[str, object]] | None = field(default_factory=list)  # what people wrote; None: may not be read
    asked: list[str] = field(default_factory=list)
    loses_answers: bool = False
    next: Answer | None = None

    def respond(self, request: Request) -> Answer:
        self.asked.append(request.path)
        if self.next is not None and "history" not in request.path:
            answer, self.next = self.next, None
            return answer
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.said(ok=False, error="invalid_auth")
        parts = urlsplit(request.path)
        method = parts.path.removeprefix("/api/").replace(".", "_").lower()
        fields = json.loads(request.body) if request.body else {k: v[0] for k, v in parse_qs(parts.query).items()}
        return getattr(self, method)(fields)  # type: ignore[no-any-return]

    @staticmethod
    def said(**fields: object) -> Answer:
        return Answer(200, json.dumps({"ok": True, **fields}).encode())

    def auth_test(self, fields: dict[str, Any]) -> Answer:
        return self.said(user_id="UBOT", team="Example", team_id="T1")

    def conversations_create(self, fields: dict[str, Any]) -> Answer:
        if fields["name"] in self.channels:
            return self.said(ok=False, error="name_taken")
        self.channels[fields["name"]] = f"C{len(self.channels) + 1}"
        return self.said(channel={"id": self.channels[fields["name"]]})

    def conversations_list(self, fields: dict[str, Any]) -> Answer:
        found = [{"id": key, "name": name, "is_member": True} for name, key in self.channels.items()]
        return self.said(channels=found, response_metadata={"next_cursor": ""})

    def conversations_join(self, fields: dict[str, Any]) -> Answer:
        if fields["channel"].startswith("G"):
            return self.said(ok=False, error="method_not_supported_for_channel_type")
        return self.said()

    def conversations_settopic(self, fields: dict[str, Any]) -> Answer:
        self.topics[fields["channel"]] = fields["topic"]
        return self.said()

    def conversations_invite(self, fields: dict[str, Any]) -> Answer:
        if (fields["channel"], fields["users"]) in self.invited:
            return self.said(ok=False, error="already_in_channel")
        self.invited.append((fields["channel"], fields["users"]))
        return self.said()

    def chat_postmessage(self, fields: dict[str, Any]) -> Answer:
        if fields["channel"] not in self.channels.values():
            return self.said(ok=False, error="channel_not_found")
        self.posted.append(fields)
        if self.loses_answers:
            return Answer(502, b"<html>")
        return self.said(ts=f"{len(self.posted)}.0")

    def chat_postephemeral(self, fields: dict[str, Any]) -> Answer:
        self.whispered.append((fields["channel"], fields["user"], fields["text"]))
        return self.said(message_ts="1.0")

    def conversations_history(self, fields: dict[str, Any]) -> Answer:
        if self.history is None:
            return self.said(ok=False, error="missing_scope")
        posted = [
            {"type": "message", "bot_id": "B1", "ts": f"{number}.0", "metadata": one["metadata"]}
            for number, one in enumerate(self.posted, 1)
            if one["channel"] == fields["channel"] and "include_all_metadata" in fields
        ]
        shown = [
            *posted,
            *(one for one in self.history if one.get("thread_ts", one["ts"]) == one["ts"] or is_shown(one)),
        ]
        return self._page(shown[::-1], fields)

    def conversations_replies(self, fields: dict[str, Any]) -> Answer:
        thread = [one for one in self.history or [] if one.get("thread_ts") == fields["ts"]]
        if not thread:
            return self.said(ok=False, error="thread_not_found")
        return self._page(thread, fields, always=fields["ts"])

    def _page(self, messages: list[dict[str, object]], fields: dict[str, Any], always: str = "") -> Answer:
        """Answer with two messages, in Slack's order; its bounds are left out, except where they are asked for."""
        oldest, latest = float(fields.get("oldest", "0")), float(fields.get("latest", "inf"))

        def is_asked_for(one: dict[str, object]) -> bool:
            at = float(str(one["ts"]))
            return oldest < at < latest or (at == latest and "inclusive" in fields) or one["ts"] == always

        found = [one for one in messages if is_asked_for(one)]
        start, most = int(fields.get("cursor", "0")), 100 if fields["limit"] == "100" else 2
        more = str(start + most) if len(found) > start + most else ""
        return self.said(messages=found[start : start + most], response_metadata={"next_cursor": more})


def is_shown(reply: dict[str, object]) -> bool:
    """Tell whether an answer in a thread is shown in the channel as well."""
    return reply.get("subtype") == "thread_broadcast"


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def slack(api: Api, outbox: world.Outbox) -> Iterator[Workspace]:
    with http_server(api.respond) as url:
        yield connected(url, signing_secret=SECRET)


def connected(url: str, **settings: str) -> Workspace:
    """Connect a workspace whose Slack answers at an address."""
    told = {"token": TOKEN, "rooms": "public", "url": f"{url}/api", **settings}
    made = actions.connect(Slack(), actions.Draft("Slack", told), actor="raglan")
    actions.try_it(made)
    made.refresh_from_db()
    return made


@pytest.fixture
def incident(slack: Workspace, mara: Person, bo: Person) -> Incident:
    return declared(slack, mara, bo)


def declared(slack: Workspace, mara: Person, bo: Person) -> Incident:
    """Declare an incident whose room on Slack is open."""
    actions.know_as(slack, "U0BO", bo, actor="raglan")
    incident = incidents.declare("Apache is down", by=mara)
    send(slack)
    return incident


def send(slack: Workspace) -> None:
    world.fire_all()
    sending.send_waiting(slack, actions.line_to(slack))


def answer(
    slack: Workspace, body: bytes, kind: str, *, secret: str = SECRET, stamp: str = "", signature: str = ""
) -> HttpResponse:
    """Call our door as Slack does."""
    stamp = stamp or str(int(now().timestamp()))
    mac = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature or f"v0={mac}"}
    answered = Client().post(f"/slack/{slack.pk}/", body, content_type=kind, headers=headers)
    world.fire_all()
    return answered


def call(slack: Workspace, body: bytes, kind: str, **how: str) -> int:
    """Call our door as Slack does; return the status."""
    return answer(slack, body, kind, **how).status_code


def event(slack: Workspace, room: str, *, team: str = "T1", **fields: object) -> int:
    given = {"type": "message", "channel": room, "user": "U0BO", "ts": f"{time.time():.6f}", **fields}
    body = {"type": "event_callback", "event_id": f"Ev{time.monotonic_ns()}", "team_id": team, "event": given}
    return call(slack, json.dumps(body).encode(), "application/json; charset=utf-8")


def form(slack: Workspace, **fields: str) -> int:
    team = {} if "payload" in fields else {"team_id": "T1"}
    return call(slack, urlencode({**team, **fields}).encode(), "application/x-www-form-urlencoded")


def room_of(slack: Workspace, incident: Incident) -> str:
    return Room.objects.get(workspace=slack, incident=incident).external_id


def test_an_incident_has_a_channel_with_buttons_under_its_asks(
    api: Api, slack: Workspace, incident: Incident, bo: Person
) -> None:
    entry = incidents.post(incident, incidents.Said(Entry.Kind.VERIFY, "Slow for <!channel> too?"), by=bo)
    send(slack)
    room = room_of(slack, incident)
    assert api.channels == {f"inc-{incident.pk}": room}
    assert api.topics[room].startswith("Not known")
    assert api.invited == [(room, "U0BO")]
    last = api.posted[-1]
    assert last["text"].startswith("*Bo Silva asks to verify:* Slow for &lt;!channel&gt; too?")
    assert [one["value"] for one in last["blocks"][1]["elements"]] == [f"yes {entry.pk}", f"no {entry.pk}"]


def press(slack: Workspace, room: str, command: str) -> None:
    """Press a button; each press has an id of its own."""
    payload = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U0BO", "username": "bo"},
        "channel": {"id": room},
        "trigger_id": f"{time.monotonic_ns()}",
        "actions": [{"action_id": command, "value": command}],
    }
    assert form(slack, payload=json.dumps(payload)) == 200


def test_buttons_join_lead_and_have_a_page(
    api: Api, slack: Workspace, incident: Incident, mara: Person, bo: Person
) -> None:
    room, first = room_of(slack, incident), api.posted[0]
    assert [one["value"] for one in first["blocks"][1]["elements"]] == ["join", "lead if-free", "update"]
    page = world.page(world.policy((600, [bo])))
    incidents.follow(incident, page)
    send(slack)
    assert [one["value"] for one in api.posted[-1]["blocks"][1]["elements"]] == [f"ack {page.pk}"]
    for command in ("join", "lead if-free", f"ack {page.pk}"):
        press(slack, room, command)
    incident.refresh_from_db()
    page.refresh_from_db()
    assert (incident.lead, page.state) == (bo, "acknowledged")
    incidents.take_lead(incident, mara, by=mara)
    press(slack, room, "lead if-free")
    incident.refresh_from_db()
    assert incident.lead == mara


@pytest.mark.parametrize("channel", ["C0OPS", "G0OPS"], ids=["public", "private"])
def test_a_step_of_a_policy_tells_a_channel_with_a_button(
    api: Api, slack: Workspace, mara: Person, bo: Person, channel: str
) -> None:
    api.channels["operations"] = channel
    actions.know_as(slack, "U0BO", bo, actor="raglan")
    step = paging.StepDraft(600, (world.target(mara), Target("chat", slack.pk, room="#operations")))
    page = world.page(world.policy_of(step))
    send(slack)
    (told,) = [one for one in api.posted if one["channel"] == channel]
    assert told["text"].startswith("*Page (critical):* “Apache is not running on web-014”, since ")
    assert [one["value"] for one in told["blocks"][1]["elements"]] == [f"ack {page.pk}"]
    press(slack, channel, f"ack {page.pk}")
    send(slack)
    page.refresh_from_db()
    assert page.acknowledged_by == bo
    assert [one["text"] for one in api.posted if one["channel"] == channel][1:] == [f"{bo.name} has “{page.title}”."]


def test_a_channel_of_an_earlier_try_is_found_again(api: Api, slack: Workspace, incident: Incident) -> None:
    Room.objects.filter(workspace=slack).update(external_id="", opened_at=None)
    send(slack)
    assert room_of(slack, incident) == api.channels[f"inc-{incident.pk}"]


def test_messages_commands_and_buttons_come_in_once(api: Api, slack: Workspace, incident: Incident, bo: Person) -> None:
    room, stamp = room_of(slack, incident), f"{now().timestamp():.6f}"
    for _ in range(2):
        event(slack, room, text="see <https://example.org|this> &amp; that", ts=stamp)
    event(slack, room, text="mine", bot_id="B1")
    for _ in range(2):
        form(slack, command="/raglan", text="verify it is slow", channel_id=room, user_id="U0BO", trigger_id="1.2")
    entry = Entry.objects.get(kind=Entry.Kind.VERIFY)
    payload = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U0BO", "username": "bo"},
        "channel": {"id": room},
        "trigger_id": "3.4",
        "actions": [{"action_id": "x", "value": f"yes {entry.pk}"}],
    }
    assert form(slack, payload=json.dumps(payload)) == 200
    said = [(one.kind, one.author, one.text) for one in Entry.objects.filter(incident=incident).order_by("pk")]
    assert said == [("note", bo, "see this (https://example.org) & that"), ("verify", bo, "it is slow")]
    assert entry.answers.get().side == "yes"


def test_a_message_with_words_and_a_file_names_the_file(slack: Workspace, incident: Incident) -> None:
    files = [{"name": "graph.png"}, {"name": "log.txt"}]
    event(slack, room_of(slack, incident), text="look", subtype="file_share", files=files)
    assert Entry.objects.get(incident=incident).text == "look\n(put a file into chat: graph.png, log.txt)"


def test_a_correction_and_what_is_taken_back(slack: Workspace, incident: Incident, bo: Person) -> None:
    room, stamp = room_of(slack, incident), f"{now().timestamp():.6f}"
    event(slack, room, text="web0021", ts=stamp)
    new = {"user": "U0BO", "ts": stamp, "text": "web0012"}
    event(slack, room, subtype="message_changed", message=new, previous_message={**new, "text": "web0021"})
    event(slack, room, subtype="message_deleted", deleted_ts=new["ts"], previous_message=new)
    first, last = Entry.objects.filter(incident=incident).order_by("pk")
    assert (first.text, first.author) == ("web0012", bo)
    assert last.text == "“web0012”, which Bo Silva wrote, was taken back in chat. It stays in this record."


def test_the_challenge_is_answered(slack: Workspace) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    answered = answer(slack, body, "application/json")
    assert (answered.status_code, json.loads(answered.content)) == (200, {"challenge": "abc"})


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "wrong"},
        {"stamp": "1"},
        {"stamp": "soon"},
        {"stamp": "٣"},
        {"signature": "v0=ä"},
        {"signature": "v0="},
    ],
)
def test_what_is_not_signed_freshly_changes_nothing(slack: Workspace, incident: Incident, how: dict[str, str]) -> None:
    before = Entry.objects.count()
    body = urlencode(
        {"team_id": "T1", "text": "found it", "channel_id": room_of(slack, incident), "user_id": "U0BO"}
    ).encode()
    assert call(slack, body, "application/x-www-form-urlencoded", **how) == 403
    assert Entry.objects.count() == before


def test_the_same_signature_counts_once(slack: Workspace, incident: Incident) -> None:
    stamp = str(int(now().timestamp()))
    body = urlencode(
        {"team_id": "T1", "text": "found it", "channel_id": room_of(slack, incident), "user_id": "U0BO"}
    ).encode()
    answers = [call(slack, body, "application/x-www-form-urlencoded", stamp=stamp) for _ in range(2)]
    assert (answers, Entry.objects.filter(kind=Entry.Kind.FOUND).count()) == ([200, 403], 1)


def test_too_many_requests_and_an_outage_wait_and_a_lost_channel_does_not(
    api: Api, slack: Workspace, incident: Incident, bo: Person
) -> None:
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "first"), by=bo)
    send(slack)
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    for answer in (
        Answer(429, b"", (("Retry-After", "7"),)),
        Answer(503, b"<html>"),
        api.said(ok=False, error="fatal_error"),
        api.said(ok=False, error="token_revoked"),
    ):
        api.next = answer
        with pytest.raises(DeliveryError) as refused:
            send(slack)
        assert not refused.value.permanent
    assert [post.text for post in queries.waiting(slack)] == ["hello"]
    api.channels.clear()
    send(slack)
    assert queries.waiting(slack).count() == 0
    assert Room.objects.get(incident=incident).problem == "Slack refused: channel_not_found"


@pytest.mark.parametrize("why", ["message_limit_exceeded", "user_is_bot", "any_word_to_come"])
def test_one_refusal_does_not_hold_back_what_comes_after_it(
    api: Api, slack: Workspace, incident: Incident, bo: Person, why: str
) -> None:
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    send(slack)  # who is here is invited
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "refused now"), by=bo)
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "the last"), by=bo)
    api.next = api.said(ok=False, error=why)
    send(slack)
    assert (queries.waiting(slack).count(), api.posted[-1]["text"]) == (0, "*Bo Silva:* the last")


def test_invitations_and_topics_hold_nothing_back(api: Api, slack: Workspace, incident: Incident, bo: Person) -> None:
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    world.fire_all()
    assert queries.waiting(slack)[0].text == "U0BO"
    api.next = api.said(ok=False, error="internal_error")
    send(slack)
    assert (queries.waiting(slack).count(), api.invited) == (0, [])
    assert api.posted[-1]["text"] == "*Bo Silva:* hello"


@pytest.mark.parametrize("team", ["T2", "", "T1x"])
def test_another_slack_workspace_changes_nothing(slack: Workspace, incident: Incident, team: str) -> None:
    room, before = room_of(slack, incident), Entry.objects.count()
    pressed = {"type": "block_actions", "user": {"id": "U0BO"}, "channel": {"id": room}, "trigger_id": "3.4"}
    payload = {**pressed, "team": {"id": team}, "actions": [{"value": "doing restart httpd"}]}
    answers = [
        event(slack, room, team=team, text="hello"),
        form(slack, team_id=team, text="found it", channel_id=room, user_id="U0BO", trigger_id="1.2"),
        form(slack, payload=json.dumps(payload)),
    ]
    assert (answers, Entry.objects.count(), Message.objects.count()) == ([200] * 3, before, 0)


def test_until_raglan_knows_its_workspace_slack_has_to_come_again(slack: Workspace, incident: Incident) -> None:
    Workspace.objects.update(identity="UBOT in Example")  # of an earlier version
    assert event(slack, room_of(slack, incident), text="hello") == 503
    lines.Line(slack)._send()
    assert event(slack, room_of(slack, incident), text="hello") == 200


def test_an_organisation_of_workspaces_is_known_by_its_own_id(slack: Workspace, incident: Incident) -> None:
    Workspace.objects.update(identity="UBOT in Example, E1")
    room = room_of(slack, incident)
    body = {"type": "event_callback", "team_id": "T7", "enterprise_id": "E1"}
    given = {"type": "message", "channel": room, "user": "U0BO", "ts": f"{time.time():.6f}", "text": "hello"}
    assert call(slack, json.dumps({**body, "event": given}).encode(), "application/json") == 200
    assert Message.objects.count() == 1

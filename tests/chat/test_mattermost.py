"""Mattermost: a bot over API v4, slash command, webhooks, buttons, against a small server that speaks as it does."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client

from raglan.chat import actions, hearing, queries, sending
from raglan.chat.models import Message, Room, Workspace
from raglan.chat.ports import Heard, Wait
from raglan.core.errors import BadInput, DeliveryError
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.integrations.mattermost.platform import Mattermost
from raglan.integrations.mattermost.words import plain
from raglan.paging import actions as paging
from raglan.paging import foresight
from raglan.paging.plan import Target
from raglan.paging.queries import plan_of
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.mattermost_api import ME, TOKEN, Api
from tests.integrations.fakes import Answer, http_server

pytestmark = pytest.mark.django_db
BO, STRANGER = "o" * 26, "s" * 26
BOT = {"team": "ops", "token": TOKEN, "rooms": "private", "command_token": "slash-1", "outgoing_token": "out-1"}


@pytest.fixture
def api() -> Api:
    return Api(users={ME: "raglan", BO: "bo", STRANGER: "kim"})


@pytest.fixture
def there(api: Api, outbox: world.Outbox) -> Iterator[str]:
    with http_server(api.respond) as url:
        yield url


def connect(url: str, **settings: str) -> Workspace:
    made = actions.connect(Mattermost(), actions.Draft("Team chat", {"url": url, **settings}), actor="raglan")
    actions.try_it(made)
    made.refresh_from_db()
    return made


@pytest.fixture
def chat(there: str) -> Workspace:
    return connect(there, **BOT)


class Talk:
    """One line to the server, kept as a process keeps it."""

    def __init__(self, chat: Workspace) -> None:
        self.chat, self.line = chat, actions.line_to(chat)

    def send(self) -> None:
        world.fire_all()
        sending.send_waiting(self.chat, self.line)

    def hear(self) -> Heard:
        heard = self.line.hear(self.chat.cursor, 0)
        hearing.hear(self.chat, heard)
        world.fire_all()
        return heard


@pytest.fixture
def talk(chat: Workspace) -> Talk:
    found = Talk(chat)
    found.hear()  # where news begins
    return found


@pytest.fixture
def incident(talk: Talk, mara: Person, bo: Person) -> Incident:
    actions.know_as(talk.chat, BO, bo, actor="raglan")
    declared = incidents.declare("Apache is down", by=mara)
    talk.send()
    return declared


def room_of(chat: Workspace, incident: Incident) -> str:
    return Room.objects.get(workspace=chat, incident=incident).external_id


def notes(incident: Incident) -> list[tuple[object, str]]:
    found = Entry.objects.filter(incident=incident, kind=Entry.Kind.NOTE).order_by("pk")
    return [(one.author or one.author_words, one.text) for one in found]


def call(chat: Workspace, fields: dict[str, Any], *, is_json: bool = False) -> HttpResponse:
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    body = json.dumps(fields) if is_json else urlencode(fields)
    answered = Client().post(f"/mattermost/{chat.pk}/", body, content_type=kind)
    world.fire_all()
    return answered


def slash(chat: Workspace, room: str, text: str, **more: str) -> HttpResponse:
    fields = {"channel_id": room, "user_id": BO, "user_name": "bo", "command": "/raglan", "text": text}
    return call(chat, {**fields, "token": "slash-1", "trigger_id": "t-1", **more})


def test_an_incident_has_a_channel_and_people_in_it(api: Api, talk: Talk, incident: Incident, bo: Person) -> None:
    assert talk.chat.identity == f"raglan in Operations, {ME}"
    room = room_of(talk.chat, incident)
    channel = api.channels[room]
    assert (channel["name"], channel["type"], channel["display_name"]) == (
        f"inc-{incident.pk}",
        "P",
        f"Incident {incident.pk}: Apache is down",
    )
    incidents.post(incident, incidents.Said(Entry.Kind.VERIFY, "Slow for @channel *too*?"), by=bo)
    talk.send()
    assert BO in api.members[room]
    post = list(api.posts.values())[-1]
    assert post["message"].startswith("**Bo Silva asks to verify:** Slow for @\u200bchannel \\*too\\*? – Please say")
    assert [one["name"] for one in post["props"]["attachments"][0]["actions"]] == ["Yes, me too", "No, fine here"]
    Room.objects.filter(workspace=talk.chat).update(external_id="", opened_at=None)
    talk.send()
    assert room_of(talk.chat, incident) == room  # found again, and no second one


def test_what_people_write_comes_in_once(api: Api, talk: Talk, incident: Incident, bo: Person) -> None:
    room = room_of(talk.chat, incident)
    first = api.write(room, BO, "see this", metadata={"files": [{"name": "graph.png"}]})
    api.write(room, STRANGER, "me too")
    api.write(room, BO, "by a program", props={"from_webhook": "true"})
    api.write(room, BO, "bo joined", type="system_join_channel")
    talk.hear()
    assert talk.hear().messages == []
    again = Talk(talk.chat)  # a new start reads the last seconds again
    assert len(again.hear().messages) == 2
    api.edit(first, "see that")
    again.hear()
    api.delete(first)
    again.hear()
    file = "(put a file into chat: graph.png)"
    told = f"“see that {file}”, which Bo Silva wrote, was taken back in chat. It stays in this record."
    assert notes(incident) == [(bo, f"see that\n{file}"), (f"kim ({STRANGER})", "me too")]
    assert Entry.objects.get(kind=Entry.Kind.MACHINE, text__startswith="“see").text == told


def test_nothing_is_lost_by_a_gap_and_what_was_not_kept_comes_again(api: Api, talk: Talk, incident: Incident) -> None:
    room = room_of(talk.chat, incident)
    talk.hear()
    api.write(room, BO, "before")
    lost = talk.line.hear(talk.chat.cursor, 0)  # heard, and the process could not keep it
    assert [one.text for one in lost.messages] == ["before"]
    for number in range(1_100):  # more than the server tells at once, of which it leaves out any
        api.write(room, STRANGER if number % 2 else BO, f"line {number}")
    heard = Talk(talk.chat).line.hear(talk.chat.cursor, 0)
    texts = [one.text for one in heard.messages]
    assert texts == ["before", *(f"line {number}" for number in range(1_100))]
    assert [one.text for one in talk.line.hear(talk.chat.cursor, 0).messages] == texts


def test_a_line_that_begins_anew_does_not_hear_what_was_said_before(api: Api, talk: Talk, incident: Incident) -> None:
    """A workspace that is ended and connected again does not do a command a second time."""
    room = room_of(talk.chat, incident)
    api.write(room, BO, "!declare mail is slow")
    begins = talk.line.hear("", 0)
    assert begins.messages == []
    api.write(room, BO, "after")
    assert [one.text for one in talk.line.hear(begins.cursor, 0).messages] == ["after"]
    assert [one.text for one in Talk(talk.chat).line.hear(begins.cursor, 0).messages] == ["after"]


def test_a_channel_into_which_we_are_asked_hears_commands(api: Api, talk: Talk, incident: Incident) -> None:
    made = json.loads(api.make({"name": "web-team"}, by=BO).body)["id"]
    api.members[made].add(ME)
    api.write(made, BO, "hello")
    api.write(made, BO, "!declare mail is slow")
    talk.hear()
    assert Incident.objects.get(title="mail is slow").declared_by
    assert Message.objects.filter(room__external_id=made).count() == 1


def test_a_line_goes_once_whatever_becomes_of_the_answer(api: Api, talk: Talk, incident: Incident, bo: Person) -> None:
    room = room_of(talk.chat, incident)
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    world.fire_all()
    api.loses_answers = True
    for _ in range(2):
        with pytest.raises(DeliveryError):
            talk.send()
    api.loses_answers = False
    api.pending.clear()  # the server forgets them after half a minute
    Talk(talk.chat).send()
    assert [text for text in api.said(room) if "hello" in text] == ["**Bo Silva:** hello"]


def test_refusals(api: Api, talk: Talk, incident: Incident, bo: Person) -> None:
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "first"), by=bo)
    talk.send()
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    limited = Answer(429, b"limit exceeded", (("X-Ratelimit-Limit", "10"), ("X-Ratelimit-Reset", "7")))
    for answer in (limited, api.no(401, "x", "expired"), Answer(503, b"<html>"), Answer(200, b"<html>")):
        api.next = [answer, answer]
        with pytest.raises(DeliveryError) as refused:
            talk.send()
        assert not refused.value.permanent
        assert not isinstance(refused.value, Wait) or refused.value.seconds == 7
        api.next = []
    assert [post.text for post in queries.waiting(talk.chat)] == ["hello"]
    api.members[room_of(talk.chat, incident)].discard(ME)
    talk.send()
    assert queries.waiting(talk.chat).count() == 0
    assert "appropriate permissions" in Room.objects.get(incident=incident).problem


def test_a_channel_of_that_name_that_is_not_ours_is_left_alone(api: Api, talk: Talk, mara: Person) -> None:
    declared = incidents.declare("Apache is down", by=mara)
    api.make({"name": f"inc-{declared.pk}"}, by=STRANGER)
    talk.send()
    assert "somebody else" in Room.objects.get(incident=declared).problem


def test_the_slash_command_answers_whoever_gave_it(chat: Workspace, incident: Incident, bo: Person) -> None:
    room = room_of(chat, incident)
    assert slash(chat, room, "doing restart httpd").content == b"{}"
    assert Entry.objects.get(kind=Entry.Kind.DOING).author == bo
    assert slash(chat, room, "doing restart httpd").content == b"{}"  # the same again
    assert Entry.objects.filter(kind=Entry.Kind.DOING).count() == 1
    help_words = json.loads(slash(chat, room, "", trigger_id="t-2").content)
    assert (help_words["response_type"], "!declare" in help_words["text"]) == ("ephemeral", True)
    unknown = json.loads(slash(chat, room, "lead", trigger_id="t-3", user_id=STRANGER).content)
    assert "do not know who you are" in unknown["text"]


def test_the_slash_command_in_a_channel_where_the_bot_is_not_is_answered_by_itself(
    chat: Workspace, incident: Incident
) -> None:
    said = json.loads(slash(chat, "d" * 26, "declare mail is slow").content)
    assert f"Incident {Incident.objects.latest('pk').pk} is open: " in said["text"]
    assert not queries.waiting(chat).filter(room__external_id="d" * 26).exists()


@pytest.mark.parametrize("token", ["", "slash-2", "out-1", "ä"])
def test_without_its_token_nothing_changes(chat: Workspace, incident: Incident, token: str) -> None:
    assert slash(chat, room_of(chat, incident), "found it", token=token).status_code == 403
    assert call(chat, {"text": "!found it", "token": token and "x", "post_id": "p"}).status_code == 403
    assert call(chat, {}).status_code == 403
    assert not Entry.objects.filter(kind=Entry.Kind.FOUND).exists()


def test_an_outgoing_webhook_and_the_bot_hear_the_same_once(
    api: Api, talk: Talk, incident: Incident, bo: Person
) -> None:
    room = room_of(talk.chat, incident)
    post = api.write(room, BO, "from the channel")
    fields = {"token": "out-1", "channel_id": room, "user_id": BO, "user_name": "bo", "post_id": post}
    for is_json in (False, True):
        sent = {**fields, "text": "from the channel", "timestamp": api.posts[post]["create_at"]}
        assert call(talk.chat, sent, is_json=is_json).status_code == 200
    talk.hear()
    assert notes(incident) == [(bo, "from the channel")]


def pressed(api: Api, chat: Workspace, room: str, **context: str) -> HttpResponse:
    """Press the first button of the newest post, as Mattermost tells it."""
    action = list(api.posts.values())[-1]["props"]["attachments"][0]["actions"][0]
    assert action["integration"]["url"].endswith(f"/mattermost/{chat.pk}/")
    sealed = {**action["integration"]["context"], **context}
    fields = {"user_id": BO, "user_name": "bo", "channel_id": room, "trigger_id": "t-9", "context": sealed}
    return call(chat, fields, is_json=True)


def test_a_button_does_what_we_sealed_and_nothing_else(
    api: Api, talk: Talk, incident: Incident, bo: Person, mara: Person
) -> None:
    room = room_of(talk.chat, incident)
    entry = incidents.post(incident, incidents.Said(Entry.Kind.VERIFY, "slow?"), by=mara)
    talk.send()
    assert pressed(api, talk.chat, room, command="declare everything").status_code == 403
    assert pressed(api, talk.chat, room, seal="ä").status_code == 403
    assert pressed(api, talk.chat, "c" * 26).status_code == 403
    assert not entry.answers.exists()
    for _ in range(2):
        assert pressed(api, talk.chat, room).status_code == 200
    assert entry.answers.get().person == bo


def test_a_step_of_a_policy_tells_a_channel_with_a_button(api: Api, talk: Talk, mara: Person, bo: Person) -> None:
    room = json.loads(api.make({"name": "operations", "display_name": "Operations"}).body)["id"]
    actions.know_as(talk.chat, BO, bo, actor="raglan")
    step = paging.StepDraft(600, (world.target(mara), Target("chat", talk.chat.pk, room="#Operations")))
    page = world.page(world.policy_of(step))
    talk.send()
    (told,) = [post for post in api.posts.values() if post["channel_id"] == room]
    assert told["message"].startswith("**Page (critical):** “Apache is not running on web-014”, since ")
    for _ in range(2):
        assert pressed(api, talk.chat, room).status_code == 200
    talk.send()
    page.refresh_from_db()
    assert page.acknowledged_by == bo
    after = [post["message"] for post in api.posts.values() if post["channel_id"] == room][1:]
    assert after == [f"{bo.name} has “{page.title}”."]


def test_without_a_bot_no_channel_can_be_entered_and_the_policy_says_so(api: Api, there: str, mara: Person) -> None:
    chat = connect(there, hook=f"{there}/hooks/abc", rooms="public", team="", token="")
    step = paging.StepDraft(600, (world.target(mara), Target("chat", chat.pk, room="operations")))
    policy = world.policy_of(step)
    Talk(chat).send()
    assert foresight.warnings(plan_of(policy)) == [
        "Step 1 tells the room operations in Team chat, which can not be told: "
        "an incoming webhook can enter no channel; leave the room empty."
    ]


def test_without_a_bot_incidents_are_told_by_an_incoming_webhook(api: Api, there: str, mara: Person) -> None:
    chat = connect(there, hook=f"{there}/hooks/abc", command_token="slash-1", rooms="public", team="", token="")
    actions.know_as(chat, BO, mara, actor="raglan")
    first, second = (incidents.declare(title, by=mara) for title in ("Apache is down", "Mail <!channel> @all"))
    Talk(chat).send()
    assert [one["text"].split(": ", 1)[0] for one in api.hooked] == [f"inc-{first.pk}", f"inc-{second.pk}"]
    assert "Mail \\<!channel\\> @\u200ball" in api.hooked[1]["text"]
    said = json.loads(slash(chat, "d" * 26, "declare disks are full").content)
    assert "is open" in said["text"]
    assert queries.waiting(chat).filter(room__external_id="d" * 26).count() == 0


@pytest.mark.parametrize(
    "settings", [{"token": "t", "team": "No Team"}, {"token": "", "hook": ""}, {"token": "", "hook": "file:///x"}]
)
def test_settings_that_can_not_work(settings: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        Mattermost().check({"url": "https://chat.example.org", "team": "", "hook": "", **settings})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://example.org/a_b?c=1. [x](http://evil)", "see https://example.org/a_b?c=1. \\[x\\](http://evil)"),
        ("![x](https://evil/p.png)", "!\\[x\\](https://evil/p.png)"),
        ("# big\n    code\u202e\x07", "\\# big\n" + "\u00a0" * 4 + "code"),
        ("@here `a` <!here> | ~town", "@\u200bhere \\`a\\` \\<!here\\> \\| \\~town"),
    ],
)
def test_texts_stand_there_as_they_were_written(text: str, shown: str) -> None:
    assert plain(text) == shown

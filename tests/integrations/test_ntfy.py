"""Pages by ntfy, against a server on loopback that checks a message as the real one does."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.test import Client
from pydantic import SecretStr

from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.ntfy.channel import Ntfy, missing
from raglan.paging import actions, ports
from raglan.paging.models import Notification, Page
from raglan.paging.ports import Message
from raglan.people import actions as people
from raglan.testing import world
from tests.integrations.fakes import Answer, Request, http_server

Make = Callable[..., Message]
TOPIC = "mara-at-night"


@dataclass
class NtfyServer:
    """Takes messages for topics from whoever has the token."""

    url: str = ""
    token: str = "tk_raglan"
    published: list[dict[str, object]] = field(default_factory=list)
    refusal: Answer | None = None

    def respond(self, request: Request) -> Answer:
        if self.refusal is not None:
            return self.refusal
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.error(403, 40301, "forbidden")
        body = json.loads(request.body)
        if not body.get("topic"):
            return self.error(400, 40009, "invalid topic: path invalid")
        if not 1 <= body.get("priority", 3) <= 5:
            return self.error(400, 40007, "invalid priority parameter")
        if len(body.get("actions", [])) > 3:
            return self.error(400, 40018, "invalid actions: only 3 actions allowed")
        self.published.append(body)
        said = {"id": f"id{len(self.published)}", "event": "message", "time": 1_764_000_000, **body}
        return Answer(200, json.dumps(said).encode(), (("Content-Type", "application/json"),))

    @staticmethod
    def error(status: int, code: int, words: str) -> Answer:
        return Answer(status, json.dumps({"code": code, "http": status, "error": words}).encode())


@pytest.fixture
def server(options: Callable[..., None]) -> Iterator[NtfyServer]:
    taken = NtfyServer()
    with http_server(taken.respond) as url:
        taken.url = url
        options(ntfy_url=url, ntfy_token=SecretStr(taken.token))
        yield taken


def test_a_page_is_published_with_buttons_that_answer_by_post(server: NtfyServer, message: Make) -> None:
    receipt = Ntfy().send(TOPIC, message(have_url="https://r.example.test/a/have/1/", pass_url="https://r/a/pass/1/"))

    sent = server.published[0]
    assert (sent["topic"], sent["priority"], sent["title"]) == (TOPIC, 5, "Apache is not running on web-014")
    assert "on call for Web duty" in str(sent["message"])
    assert "Bo Silva is paged in 5 min" in str(sent["message"])
    assert (receipt.provider_id, receipt.received) == ("id1", False)
    have, passing, opening = sent["actions"]  # type: ignore[misc]  # three of them
    assert (have["action"], have["method"], have["url"]) == ("http", "POST", "https://r.example.test/a/have/1/")
    assert (passing["method"], opening["action"]) == ("POST", "view")


def test_a_quiet_word_is_plain_and_its_buttons_open_screens(server: NtfyServer, message: Make) -> None:
    taps = tuple(ports.Tap(words, f"https://r.example.test/{words}/") for words in ("heads-up", "hold", "room", "more"))
    Ntfy().send(TOPIC, message(page_id=0, why="", next_words="", taps=taps))

    sent = server.published[0]
    assert (sent["priority"], sent["message"]) == (3, "Since the roll-out of 14:02.")
    assert [(one["action"], one["url"]) for one in sent["actions"]] == [  # type: ignore[attr-defined]  # a list
        ("view", f"https://r.example.test/{words}/") for words in ("heads-up", "hold", "room")
    ]


def test_a_repeat_and_a_test_say_so(server: NtfyServer, message: Make) -> None:
    Ntfy().send(TOPIC, message(may_repeat=True, is_test=True))

    assert str(server.published[0]["title"]).startswith("[test] (may be a repeat) ")


def test_tries_of_one_notification_have_one_sequence(server: NtfyServer, message: Make) -> None:
    for values in ({}, {"may_repeat": True}, {"key": "12:0.0:3:ntfy:1"}):
        Ntfy().send(TOPIC, message(**values))

    first, again, other = (sent["sequence_id"] for sent in server.published)
    assert first == again != other


def test_a_long_page_stays_a_message(server: NtfyServer, message: Make) -> None:
    Ntfy().send(TOPIC, message(text="ü" * 20_000, title="ä" * 300))

    assert len(str(server.published[0]["message"])) == 3_000


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (403, True), (500, False), (507, False), (302, False)])
def test_a_refusal_says_whether_trying_again_can_help(
    server: NtfyServer, message: Make, status: int, permanent: bool
) -> None:
    server.refusal = server.error(status, status * 100, "the reason")

    with pytest.raises(DeliveryError, match=str(status)) as caught:
        Ntfy().send(TOPIC, message())

    assert caught.value.permanent is permanent


def test_too_many_messages_are_a_reason_to_wait(server: NtfyServer, message: Make) -> None:
    server.refusal = server.error(429, 42901, "limit reached")

    with pytest.raises(ports.TooFast) as caught:
        Ntfy().send(TOPIC, message())

    assert caught.value.seconds == 30


@pytest.mark.parametrize("topic", ["a/b", "mara at night", "ü" * 10, "x" * 65, "short", "alerts?x=1"])
def test_a_topic_that_is_none_or_is_easy_to_guess_is_refused_when_saved(topic: str) -> None:
    with pytest.raises(BadInput):
        Ntfy().check(topic)


def test_without_a_server_the_way_can_not_be_added(db: None) -> None:
    assert missing() == "ntfy_url is not set"
    with pytest.raises(BadInput, match="not set up here"):
        people.add_contact(world.person(), kind="ntfy", address=TOPIC, actor="raglan")


def test_from_a_page_to_the_button_on_the_phone(server: NtfyServer, db: None) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    for someone, topic in ((mara, TOPIC), (bo, "bo-at-night")):
        people.add_contact(someone, kind="ntfy", address=topic, actor="raglan")
        actions.set_rules(someone, [(someone.contact_methods.get(kind="ntfy").pk, 0)], by=someone)
    page = world.page(world.policy((600, [mara, bo])))
    button = server.published[0]["actions"][0]  # type: ignore[index]  # a list

    pressed = Client().post(button["url"].partition("testserver")[2] or "/a/" + button["url"].partition("/a/")[2])
    world.fire_all()

    page.refresh_from_db()
    assert (pressed.status_code, pressed.content) == (200, b"You have it.\n")
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)
    assert Notification.objects.get(person=mara).confirmed_at is not None
    assert mara.contact_methods.get(kind="ntfy").confirmed_at is not None
    quiet = server.published[-1]
    assert (quiet["topic"], quiet["priority"], quiet["message"]) == ("bo-at-night", 2, "Mara Keller has it.")

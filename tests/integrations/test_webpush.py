"""Pages by web push: a service on loopback checks each message, and another implementation opens it."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.errors import BadInput, DeliveryError
from raglan.core.models import Event
from raglan.integrations.webpush import channel, crypt
from raglan.integrations.webpush.channel import Subscription, WebPush
from raglan.paging import actions, ports
from raglan.paging.models import ChannelSecret, Page
from raglan.paging.ports import Message
from raglan.people import ports as people_ports
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.fakes import Answer
from tests.integrations.push_service import Browser, PushService, push_service

pytestmark = pytest.mark.django_db
Make = Callable[..., Message]


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as running:
        yield running


@pytest.fixture
def browser(service: PushService) -> Browser:
    return Browser(f"{service.url}/send/abc")


def pushed(browser: Browser, message: Message) -> ports.Receipt:
    subscription = Subscription(**browser.form)
    subscription.check()
    return WebPush().send(subscription.address, message)


def for_browser(browser: Browser, make: Make, **values: object) -> Message:
    return make(secret=Subscription(**browser.form).text, have_url="https://r.example.test/a/have/1/", **values)


def test_the_browser_reads_the_page_and_nobody_on_the_way_does(
    service: PushService, browser: Browser, message: Make
) -> None:
    receipt = pushed(browser, for_browser(browser, message, title="Zürich is down", may_repeat=True))

    body = service.taken[0].body
    page = browser.open(body)
    assert (page["title"], page["have"], page["link"]) == ("(may be a repeat) Zürich is down", "/a/have/1/", "/p/abc/")
    assert "on call for Web duty" in str(page["body"])
    assert b"rich is down" not in body
    assert receipt == ports.Receipt(f"{service.url}/message/1", received=False)


def test_a_quiet_word_is_less_urgent_and_leads_to_screens(
    service: PushService, browser: Browser, message: Make
) -> None:
    taps = (ports.Tap("Hold it", "https://r.example.test/changes/1/next/hold/"),)
    word = message(secret=Subscription(**browser.form).text, page_id=0, why="", next_words="", taps=taps)
    pushed(browser, word)

    said = browser.open(service.taken[0].body)
    assert (said["word"], said["taps"]) == (True, [{"title": "Hold it", "link": "/changes/1/next/hold/"}])
    assert "have" not in said
    assert service.taken[0].headers["urgency"] == "normal"


def test_only_the_browser_with_the_keys_can_open_it(service: PushService, browser: Browser, message: Make) -> None:
    pushed(browser, for_browser(browser, message))

    with pytest.raises(Exception, match=r"tag|decrypt|Invalid|^$"):
        Browser(browser.endpoint).open(service.taken[0].body)


def test_a_message_is_urgent_and_a_repeat_replaces_what_waits(
    service: PushService, browser: Browser, message: Make
) -> None:
    for values in ({}, {"may_repeat": True}, {"key": "12:0.0:3:push:1"}):
        pushed(browser, for_browser(browser, message, **values))

    assert {request.headers["urgency"] for request in service.taken} == {"high"}
    first, again, other = (request.headers["topic"] for request in service.taken)
    assert first == again != other


@pytest.mark.parametrize("text", ["x" * 20_000, "ü" * 20_000, "👀" * 20_000, '"\\' * 20_000])
def test_a_long_page_is_cut_to_what_a_push_can_carry(
    service: PushService, browser: Browser, message: Make, text: str
) -> None:
    pushed(browser, for_browser(browser, message, text=text, title=text[:300]))

    assert browser.open(service.taken[0].body)["title"]


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (401, True), (403, True), (413, True), (500, False), (503, False)]
)
def test_a_refusal_says_whether_trying_again_can_help(
    service: PushService, browser: Browser, message: Make, status: int, permanent: bool
) -> None:
    service.refusal = Answer(status)

    with pytest.raises(DeliveryError, match=str(status)) as caught:
        pushed(browser, for_browser(browser, message))

    assert caught.value.permanent is permanent


def test_a_wish_for_fewer_messages_says_for_how_long(service: PushService, browser: Browser, message: Make) -> None:
    service.refusal = Answer(429, b"", (("Retry-After", "75"),))

    with pytest.raises(ports.TooFast) as caught:
        pushed(browser, for_browser(browser, message))

    assert caught.value.seconds == 75


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_was_reset_is_taken_away_and_its_person_told(
    service: PushService, browser: Browser, status: int
) -> None:
    mara = with_browser(browser)
    service.refusal = Answer(status)

    world.page(world.policy((600, [mara])))

    assert not mara.contact_methods.filter(kind="push").exists()
    assert "ended" in [event.data.get("what") for event in timeline.about(mara)]


def signed_in(someone: Person) -> Client:
    someone.set_password("four words that differ")
    someone.save()
    client = Client(SERVER_NAME="localhost")
    client.post("/account/login/", {"login": someone.email, "password": "four words that differ"})
    return client


def with_browser(browser: Browser, name: str = "Mara Keller") -> Person:
    """Add a browser on the profile as its script does."""
    someone = world.person(name)
    client = signed_in(someone)
    answer = client.post("/you/push/", {**browser.form, "label": "phone"})
    assert (answer.status_code, answer["Location"]) == (302, "/you/#reach"), answer.content
    way = someone.contact_methods.get(kind="push")
    actions.set_rules(someone, [(way.pk, 0)], by=someone)
    return someone


def test_from_the_profile_to_the_button_of_the_notification(service: PushService, browser: Browser) -> None:
    mara, other = with_browser(browser), Browser(f"{service.url}/send/bo")
    bo = with_browser(other, "Bo Silva")
    page = world.page(world.policy((600, [mara, bo])))

    read = browser.open(service.taken[0].body)
    said = Client().post(str(read["have"]))
    world.fire_all()

    page.refresh_from_db()
    assert (said.content, page.state, page.acknowledged_by) == (b"You have it.\n", Page.State.ACKNOWLEDGED, mara)
    quiet = other.open(service.taken[-1].body)
    assert (quiet["body"], quiet["quiet"], "have" in quiet) == ("Mara Keller has it.", True, False)
    assert quiet["tag"] == other.open(service.taken[1].body)["tag"]


def test_a_test_message_goes_to_the_browser(service: PushService, browser: Browser) -> None:
    mara = with_browser(browser)

    people_ports.send_test(mara.contact_methods.get(kind="push"), mara)
    world.fire_all()

    assert str(browser.open(service.taken[0].body)["title"]).startswith("[test] ")


def test_our_key_is_made_once_and_stands_nowhere_in_the_clear() -> None:
    keys = {channel.sender().public for _ in range(3)}

    assert len(keys) == 1
    kept = ChannelSecret.objects.get()
    private = channel.sender().text
    assert crypt.Sender.read(private).public in keys
    assert private not in kept.sealed
    assert private not in json.dumps([event.data for event in Event.objects.all()])


def test_keys_and_endpoints_of_a_browser_are_kept_sealed(service: PushService, browser: Browser) -> None:
    mara = with_browser(browser)

    way = mara.contact_methods.get(kind="push")
    for secret in browser.form.values():
        assert secret not in f"{way.address} {way.sealed} {way.label}"
    assert way.address.startswith("127.0.0.1 ")


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "ftp://push.example.test/"},
        {"endpoint": "https://push.example.test/" + "x" * 3000},
        {"endpoint": ""},
        {"p256dh": "AAAA"},
        {"p256dh": crypt.encode(b"\x04" + b"\x01" * 64)},
        {"p256dh": "\x00"},
        {"auth": "AAAA"},
        {"auth": "no base64!"},
    ],
)
def test_what_no_browser_gives_is_refused(service: PushService, browser: Browser, change: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        Subscription(**{**browser.form, **change}).check()

    mara = world.person()
    client = signed_in(mara)
    assert client.post("/you/push/", {**browser.form, **change}).status_code == 302
    assert not mara.contact_methods.filter(kind="push").exists()


def test_a_browser_can_not_be_typed_in() -> None:
    with pytest.raises(BadInput):
        WebPush().check("https://push.example.test/send/abc")


def test_the_worker_and_the_manifest_are_open_and_strict() -> None:
    worker, manifest = Client().get("/push-worker.js"), Client().get("/app.webmanifest")

    assert worker["Content-Type"].startswith("text/javascript")
    assert worker["Service-Worker-Allowed"] == "/"
    assert "connect-src 'self'" in worker["Content-Security-Policy"]
    described = manifest.json()
    assert (described["display"], described["start_url"], described["scope"]) == ("standalone", "/", "/")
    assert described["icons"][0]["src"].endswith(".svg")


def test_the_key_is_made_by_a_post_and_only_for_who_is_signed_in() -> None:
    assert Client().post("/you/push/key/").status_code == 302
    mara = world.person()
    client = signed_in(mara)
    assert client.get("/you/push/key/").status_code == 405
    assert not ChannelSecret.objects.exists()

    key = client.post("/you/push/key/").json()["key"]

    assert len(crypt.decode(key)) == 65

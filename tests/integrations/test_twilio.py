"""Texts and calls by Twilio's API: made, confirmed by key and reply, and never by a machine."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from raglan.core import signs, timeline
from raglan.core.errors import BadInput, DeliveryError
from raglan.core.models import Sign
from raglan.integrations.twilio import wire
from raglan.integrations.twilio.call import Call
from raglan.integrations.twilio.sms import Sms, words_of
from raglan.paging import actions, ports, providers
from raglan.paging.models import Notification, Page
from raglan.paging.ports import Message
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.fakes import Answer, http_server
from tests.integrations.twilio_api import ACCOUNT, NUMBER, TOKEN, Twilio

pytestmark = pytest.mark.django_db
Make = Callable[..., Message]
MARA = "+491512345678"


@pytest.fixture
def twilio(options: Callable[..., None]) -> Iterator[Twilio]:
    api = Twilio()
    with http_server(api.respond) as api.url:
        secret = SecretStr(TOKEN)
        options(twilio_url=api.url, twilio_account=ACCOUNT, twilio_token=secret, twilio_from=NUMBER)
        yield api


def reached_by(kind: str, name: str = "Mara Keller", number: str = MARA) -> Person:
    someone = world.person(name)
    way = people.add_contact(someone, kind=kind, address=number, actor="raglan")
    actions.set_rules(someone, [(way.pk, 0), (world.mail_of(someone).pk, 900)], by=someone)
    return someone


def paged(kind: str) -> tuple[Page, Notification]:
    page = world.page(world.policy((1800, [reached_by(kind)]), (1800, [world.person("Bo Silva")])))
    return page, Notification.objects.get(page=page, channel=kind)


def texted(twilio: Twilio, sid: str) -> object:
    address = "http://127.0.0.1:8000/twilio/reply/"
    return twilio.call_back(address, From=MARA, To=NUMBER, Body="4", MessageSid=sid)


def said_in(answer: object) -> str:
    """Return what Twilio is told to do, as words."""
    root = ElementTree.fromstring(answer.content)  # type: ignore[attr-defined]  # a response of Django's client
    return " ".join(f"{one.tag} {one.text or ''}".strip() for one in root.iter() if one.tag != "Response")


def test_a_page_is_a_text_that_says_how_to_answer(twilio: Twilio) -> None:
    _, text = paged("sms")

    sent = twilio.made[0]
    assert (sent["To"], sent["From"]) == (MARA, NUMBER)
    assert sent["Body"].startswith("Apache is not running on web-014. Since ")
    assert "Reply 4: I have it, 6: pass it on." in sent["Body"]
    assert "/p/" in sent["Body"]
    assert (text.state, text.provider, text.provider_id) == ("handed_over", "twilio", sent["sid"])


def test_a_messaging_service_sends_in_place_of_a_number(
    twilio: Twilio, options: Callable[..., None], message: Make
) -> None:
    options(twilio_from="MG" + "1" * 32)

    Sms().send(MARA, message())

    assert (twilio.made[0]["MessagingServiceSid"], "From" in twilio.made[0]) == ("MG" + "1" * 32, False)


def test_a_long_or_strange_title_stays_one_text(message: Make) -> None:
    words = words_of(message(title="x\u202ey\r\n" + "z" * 3000, may_repeat=True, is_test=True))

    assert words.startswith("[test] (may be a repeat) xy zzz")
    assert "/p/abc/" in words
    assert len(words) <= 700


@pytest.mark.parametrize("number", ["0151 2345678", "+49 151 2345678", "+0123456789", "sip:mara@pbx", "+49", "911"])
def test_what_is_no_number_with_its_country_is_refused_when_saved(number: str) -> None:
    for channel in (Sms(), Call()):
        with pytest.raises(BadInput):
            channel.check(number)


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (401, True), (500, False), (503, False)])
def test_a_refusal_says_why_and_whether_trying_again_can_help(
    twilio: Twilio, message: Make, status: int, permanent: bool
) -> None:
    twilio.refusal = twilio.error(status, 21211, "not a valid phone number")

    with pytest.raises(DeliveryError, match="not a valid phone number") as caught:
        Sms().send(MARA, message())

    assert caught.value.permanent is permanent


def test_too_many_requests_are_a_reason_to_wait(twilio: Twilio, message: Make) -> None:
    twilio.refusal = Answer(429, b"<html>")

    with pytest.raises(ports.TooFast):
        Call().send(MARA, message())


def test_a_signature_is_as_twilio_documents_it(options: Callable[..., None]) -> None:
    options(twilio_token=SecretStr("12345"))
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }

    given = wire.signature("https://mycompany.com/myapp.php?foo=1&bar=2", fields)

    assert given == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_delivered_text_is_received_and_not_confirmed(twilio: Twilio) -> None:
    page, text = paged("sms")
    sid = text.provider_id

    answer = twilio.call_back(twilio.made[0]["StatusCallback"], MessageSid=sid, MessageStatus="delivered")

    text.refresh_from_db()
    page.refresh_from_db()
    assert answer.status_code == 204
    assert (text.received_at is not None, text.confirmed_at, page.state) == (True, None, Page.State.TRIGGERED)


def test_a_text_that_was_not_delivered_leads_to_the_next_way(twilio: Twilio) -> None:
    _, text = paged("sms")

    twilio.call_back(
        twilio.made[0]["StatusCallback"], MessageSid=text.provider_id, MessageStatus="undelivered", ErrorCode="30003"
    )

    text.refresh_from_db()
    assert (text.state, text.error) == ("failed", "the text message was undelivered (30003)")
    mail = Notification.objects.get(channel="email", page=text.page)
    assert mail.due_at < text.page.created_at + timedelta(minutes=5)


def test_a_forged_old_or_foreign_callback_changes_nothing(twilio: Twilio) -> None:
    _, text = paged("sms")
    other = world.page(world.policy((600, [reached_by("sms", "Ines Roth", "+491512345679")])))
    url, sid = twilio.made[0]["StatusCallback"], text.provider_id
    foreign = Notification.objects.get(page=other, channel="sms").provider_id
    before = list(Notification.objects.order_by("pk").values())

    calls = [
        twilio.call_back(url, sign=False, MessageSid=sid, MessageStatus="failed"),
        twilio.call_back(url, token="another", MessageSid=sid, MessageStatus="failed"),
        twilio.call_back(url, MessageSid=foreign, MessageStatus="failed"),
        twilio.call_back(url, MessageStatus="failed"),
        twilio.call_back(url.replace("/sms/", "/sms/f"), MessageSid=sid, MessageStatus="failed"),
    ]

    assert [answer.status_code for answer in calls] == [403, 403, 404, 404, 404]
    assert list(Notification.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("reply", "state"), [("4", "acknowledged"), ("Ack please", "acknowledged"), ("huh?", "triggered")]
)
def test_a_reply_takes_the_page(twilio: Twilio, reply: str, state: str) -> None:
    page, text = paged("sms")

    answer = twilio.call_back("http://127.0.0.1:8000/twilio/reply/", From=MARA, To=NUMBER, Body=reply)

    page.refresh_from_db()
    text.refresh_from_db()
    assert page.state == state
    assert (text.confirmed_at is not None) is (state == "acknowledged")
    assert said_in(answer).startswith("Message You have it" if state == "acknowledged" else "Message Reply 4")


def test_one_reply_after_another_takes_one_page_after_another_and_the_same_one_again_takes_nothing(
    twilio: Twilio,
) -> None:
    mara = reached_by("sms")
    for title in ("Disk 0", "Disk <1>"):
        world.page(world.policy((1800, [mara])), title)

    answers = [texted(twilio, sid) for sid in ("SM01", "SM01", "SM02", "SM01")]

    first, last = "You have it. Page: Disk <1>. 1 more waits for your answer.", "You have it. Page: Disk 0."
    assert [said_in(answer) for answer in answers] == [f"Message {words}" for words in (first, first, last, first)]
    assert [page.state for page in Page.objects.all()] == ["acknowledged"] * 2


def test_what_was_said_to_a_text_is_kept_with_the_answer_or_neither_is(
    twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _ = paged("sms")
    with monkeypatch.context() as broken:
        broken.setattr(signs, "note", Mock(side_effect=OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            texted(twilio, "SM01")
    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED

    texted(twilio, "SM01")

    page.refresh_from_db()
    assert page.state == Page.State.ACKNOWLEDGED


def test_what_was_said_to_a_text_is_forgotten_after_a_day(twilio: Twilio) -> None:
    paged("sms")
    texted(twilio, "SM01")
    world.fast_forward(timedelta(hours=25))
    texted(twilio, "SM02")

    kept = Sign.objects.filter(name__startswith="twilio.answered:").order_by("name")
    assert [sign.name for sign in kept] == ["twilio.answered:SM02"]


def test_a_reply_of_a_stranger_changes_nothing_and_tells_nothing(twilio: Twilio) -> None:
    page, _ = paged("sms")

    answer = twilio.call_back("http://127.0.0.1:8000/twilio/reply/", From="+15550001111", To=NUMBER, Body="4")

    page.refresh_from_db()
    assert (page.state, said_in(answer)) == (Page.State.TRIGGERED, "")


def taken(twilio: Twilio, call: Notification, by: str) -> object:
    return twilio.call_back(twilio.made[0]["Url"], CallSid=call.provider_id, CallStatus="in-progress", AnsweredBy=by)


def test_a_call_speaks_the_page_and_key_4_takes_it(twilio: Twilio) -> None:
    page, call = paged("voice")
    assert (twilio.made[0]["MachineDetection"], twilio.made[0]["To"]) == ("Enable", MARA)

    said = said_in(taken(twilio, call, "human"))
    key = twilio.made[0]["Url"].replace("/call/", "/key/")
    answer = twilio.call_back(key, CallSid=call.provider_id, Digits="4")
    twilio.call_back(twilio.made[0]["StatusCallback"], CallSid=call.provider_id, CallStatus="completed")

    assert "raglan pages Mara Keller. Apache is not running on web-014" in said
    assert "Press 4" in said
    assert said_in(answer) == "Say You have it. Hangup"
    page.refresh_from_db()
    call.refresh_from_db()
    assert (page.state, call.state) == ("acknowledged", "handed_over")
    assert None not in (call.handed_over_at, call.received_at, call.confirmed_at)
    assert [event.data["via"] for event in timeline.about(page) if event.kind == "page.acknowledged"] == ["keypad"]


def test_key_6_passes_it_on_and_another_key_asks_again(twilio: Twilio) -> None:
    page, call = paged("voice")
    key = twilio.made[0]["Url"].replace("/call/", "/key/")

    again = twilio.call_back(key, CallSid=call.provider_id, Digits="9")
    passed = twilio.call_back(key, CallSid=call.provider_id, Digits="6")

    assert said_in(again).startswith("Gather Say Press 4")
    assert said_in(passed) == "Say Passed on. Bo Silva is next. Hangup"
    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


@pytest.mark.parametrize("machine", ["machine_start", "machine_end_beep", "fax"])
def test_a_voicemail_never_counts_as_reached(twilio: Twilio, machine: str) -> None:
    page, call = paged("voice")

    answer = taken(twilio, call, machine)
    world.fire_all()

    assert said_in(answer) == "Hangup"  # nothing about the page lies on a machine
    call.refresh_from_db()
    assert (call.state, call.error) == ("failed", "an answering machine took the call")
    assert (call.received_at, call.confirmed_at) == (None, None)
    mail = Notification.objects.get(page=page, channel="email", person=call.person)
    assert mail.state != Notification.State.WAITING or mail.attempts > 0  # the next way was tried at once


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("busy", "the line was busy"),
        ("no-answer", "nobody took the call"),
        ("failed", "the call could not be made"),
        ("completed", "the call was taken and no key was pressed"),
    ],
)
def test_a_call_without_a_key_leads_to_the_next_way(twilio: Twilio, status: str, why: str) -> None:
    _, call = paged("voice")

    twilio.call_back(twilio.made[0]["StatusCallback"], CallSid=call.provider_id, CallStatus=status)

    call.refresh_from_db()
    assert (call.state, call.error) == ("failed", why)


def test_a_site_that_nobody_can_call_back_asks_for_the_result(twilio: Twilio, options: Callable[..., None]) -> None:
    options(twilio_callbacks=False)
    _, call = paged("voice")
    assert not {"Url", "StatusCallback"} & set(twilio.made[0])
    assert "Apache is not running" in twilio.made[0]["Twiml"]
    twilio.states[call.provider_id] |= {"status": "completed", "answered_by": "machine_start"}

    world.fast_forward(timedelta(seconds=31))

    call.refresh_from_db()
    assert (call.state, call.error) == ("failed", "an answering machine took the call")


def test_texts_and_calls_have_budgets_of_their_own(twilio: Twilio, options: Callable[..., None]) -> None:
    mara = reached_by("sms")
    for _ in range(3):
        world.page(world.policy((600, [mara])))

    assert len(twilio.made) == 3
    listed = [item for kind in ("sms", "voice") for item in providers.ordered(kind, MARA)]
    assert [(item.channel.kind, item.name, item.per_hour()) for item in listed] == [
        ("sms", "twilio", 60),
        ("voice", "twilio", 60),
    ]


def test_without_an_account_neither_way_can_be_added() -> None:
    for kind in ("sms", "voice"):
        with pytest.raises(BadInput, match="twilio_account and twilio_token and twilio_from not set"):
            people.add_contact(world.person(), kind=kind, address=MARA, actor="raglan")

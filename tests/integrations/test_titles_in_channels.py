"""Whatever a title holds, each channel makes a message of it that its other side can read."""

import json
from collections.abc import Callable
from xml.etree import ElementTree as Xml

import pytest

from raglan.integrations.apprise import channel as apprise
from raglan.integrations.email import channel as email
from raglan.integrations.ntfy import channel as ntfy
from raglan.integrations.sip import channel as sip
from raglan.integrations.twilio import call, sms
from raglan.integrations.webhook import channel as webhook
from raglan.integrations.webpush import channel as webpush
from raglan.paging.ports import Message

Make = Callable[..., Message]
TITLES = {
    "empty": "",
    "markup": '"><script>alert(1)</script><Say>&lt;]]>',
    "control": "".join(chr(number) for number in (*range(1, 32), 127, *range(128, 160))),
    "directions": "\u202a\u202e\u2066\u2069\u200f",
    "no letters": "\ufffe\uffff\ufdd0\U0001fffe\U0010ffff",
    "lines": "a\r\nb\u2028c\u2029d\x85e",
    "encoded": "=?utf-8?q?=0ABcc:_x@example.test?=",
    "long": "x" * 5_000,
    "wide": "🔥" * 5_000,
    "dash": "-w /etc/passwd --stdin",
    "format": "%s {0} {{x}} $(id) `id` \\",
}


@pytest.mark.parametrize("name", TITLES)
def test_each_channel_makes_a_message_of_each_title(message: Make, name: str) -> None:
    page = message(title=TITLES[name], text=TITLES[name])

    assert email.compose("mara@example.test", page).as_bytes()
    assert json.loads(json.dumps(ntfy.page_of("topic", page)).encode())["topic"] == "topic"
    assert json.loads(json.dumps(webhook.body_of(page)).encode())["title"] == TITLES[name]
    body = json.dumps({"title": page.title, "body": page.text}, ensure_ascii=False)
    assert len(webpush._short(body)) <= webpush.crypt.MOST
    assert page.link in apprise._text(page)
    assert sip.spoken(page).isprintable()
    words = sms.words_of(page)
    assert words.isprintable()
    assert words.endswith(page.link)
    said = Xml.fromstring(call.response(call.say(call.spoken(page)), call.ask_for_key(call.spoken(page), "/a?b&c")))
    assert [verb.tag for verb in said] == ["Say", "Gather"]

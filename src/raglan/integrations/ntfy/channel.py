"""Publishes a page to a topic of an ntfy server. Its buttons answer by a POST from the phone itself.

The answer of the server says that it took the message; whether a phone got it nobody tells. ntfy knows no idempotency
key, so the same sequence is given each time: a server from 2.16 on then replaces the message instead of adding one.
"""

import hashlib
import json
import re
from urllib.parse import urlsplit

from raglan.config import config
from raglan.core import http
from raglan.core.errors import BadInput, DeliveryError
from raglan.paging.ports import Message, Receipt, TooFast

PERMANENT = (400, 401, 403, 404, 413)
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
URGENT, PLAIN, QUIET = 5, 3, 2
MOST_ACTIONS = 3
MOST_TEXT = 3_000  # a message beyond 4,096 bytes becomes an attachment, which no lock screen shows


def missing() -> str:
    """Say what has to be set up first."""
    return "" if config().ntfy_url else "ntfy_url is not set"


class Ntfy:
    """The channel `ntfy`. An address is a topic of the server in `ntfy_url`."""

    kind = "ntfy"

    def check(self, address: str) -> None:
        """Refuse what can not be a topic, and topics that are easy to guess: whoever knows one reads it."""
        if not TOPIC.fullmatch(address):
            raise BadInput("address", "write a topic: up to 64 letters, digits, - and _")
        if len(address) < 8:
            raise BadInput("address", "choose a longer topic: whoever guesses it reads your pages")

    def lane(self, address: str) -> str:
        """Return the server."""
        return urlsplit(config().ntfy_url).hostname or ""

    def send(self, address: str, message: Message) -> Receipt:
        """Publish once."""
        return Receipt(provider_id=_publish(page_of(address, message)))

    def update(self, address: str, message: Message, words: str) -> None:
        """Replace the message by a quiet one that needs no answer."""
        _publish(
            {
                "topic": address,
                "sequence_id": sequence(message),
                "title": message.title[:250],
                "message": words,
                "priority": QUIET,
                "tags": ["white_check_mark"],
                "click": message.link,
            }
        )


def page_of(topic: str, message: Message) -> dict[str, object]:
    """Return what is published for a page."""
    marks = ("[test] " if message.is_test else "") + ("(may be a repeat) " if message.may_repeat else "")
    parts = [f"You are paged because: {message.why}." if message.why else "", message.text, message.next_words]
    text = "\n\n".join(part for part in parts if part)
    return {
        "topic": topic,
        "sequence_id": sequence(message),
        "title": (marks + message.title)[:250],
        "message": text[:MOST_TEXT] or message.title,
        "priority": PLAIN if message.is_word else URGENT,
        "tags": ["speech_balloon" if message.is_word else "rotating_light"],
        "click": message.link,
        "actions": _taps(message) if message.is_word else _answers(message),
    }


def _answers(message: Message) -> list[dict[str, object]]:
    return [
        {"action": "http", "label": "I have it", "url": message.have_url, "method": "POST", "clear": True},
        {"action": "http", "label": "Pass it on", "url": message.pass_url, "method": "POST", "clear": True},
        {"action": "view", "label": "Open", "url": message.link},
    ]


def _taps(message: Message) -> list[dict[str, object]]:
    return [{"action": "view", "label": tap.words, "url": tap.link} for tap in message.taps[:MOST_ACTIONS]]


def sequence(message: Message) -> str:
    """Return one name for all messages about the same notification."""
    return "raglan" + hashlib.sha256(message.key.encode()).hexdigest()[:20]


def _publish(body: dict[str, object]) -> str:
    headers = {"Content-Type": "application/json"}
    if token := config().ntfy_token.get_secret_value():
        headers["Authorization"] = f"Bearer {token}"
    answer = http.post(config().ntfy_url + "/", json.dumps(body, ensure_ascii=False).encode(), headers)
    if answer.status == 429:
        raise TooFast("ntfy wants fewer messages", seconds=30)
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"ntfy answered {answer.status}: {_why(answer.body)}", permanent=answer.status in PERMANENT)
    return str(_read(answer.body).get("id", ""))[:200]


def _why(body: bytes) -> str:
    return str(_read(body).get("error", "no reason given"))[:200]


def _read(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

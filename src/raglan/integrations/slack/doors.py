"""Reads Slack's incoming webhook, as JSON, as the form field `payload`, and as JSON that calls itself a form.

Such messages have no key and no status of their own. The title without its first bracket and without a value at its end
tells which condition is meant; `[RESOLVED]`, such words, or the colour good end it. A message without any sign of a
status ends by itself after a day.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta

from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, shorten
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

OVER = re.compile(r"\b(resolved|recovered|recovery|back to normal|cleared|clear|ok now)\b", re.IGNORECASE)
MARK = re.compile(r"^\s*(\[[^\]]{0,40}\]|:[a-z_]{1,40}:|[^\w\s]{1,4})\s*")
COLOURS = {
    "danger": "critical",
    "warning": "warning",
    "#ff0000": "critical",
    "#d00000": "critical",
    "#ffa500": "warning",
}
GOOD = ("good", "#36a64f", "#2eb886", "#00ff00")
ENDS_AFTER = timedelta(days=1)
DEEPEST = 4


class IncomingWebhook:
    """One message a request."""

    kinds: Sequence[str] = ("slack",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /slack."""
        return method == "POST" and path.rstrip("/") == "/slack"

    def token(self, request: IntakeRequest) -> str:
        """Path only: such senders can set no header."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read one message."""
        return Decoded([_read(shape.mapping(_body(request.body), ""))])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """As Slack answers; some senders look at the word."""
        return Answer(200, b"ok")

    def refuse(self, error: BadInput) -> Answer:
        """As Slack answers."""
        return Answer(error.status, b"invalid_payload")

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A message with one attachment."""
        body = {"text": "", "attachments": [{"title": "[FIRING:1] A test from Setup", "color": "warning"}]}
        return IntakeRequest("POST", "/slack", "", {}, json.dumps(body).encode(), "127.0.0.1")


def _body(body: bytes) -> Json:
    if body.lstrip()[:1] == b"{":
        return decode_json(body)
    fields = shape.query(body.decode("utf-8", "replace"))
    if "payload" not in fields:
        raise BadInput("payload", "is missing; send JSON, or a form with the field payload")
    return decode_json(fields["payload"][-1].encode("utf-8", "replace"))


def _read(message: dict[str, Json]) -> RawSignal:
    listed = message.get("attachments")
    attached = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    first = attached[0] if attached else {}
    texts = [shape.plain(message.get("text")), *_block_texts(message.get("blocks"), DEEPEST)]
    texts += [shape.plain(first.get(name)) for name in ("pretext", "text", "fallback")]
    words = [text.strip() for text in texts if text.strip()]
    title = shape.plain(first.get("title")).strip() or (words[0].partition("\n")[0] if words else "")
    if not title:
        raise BadInput("text", "is empty, and so are attachments and blocks")
    colour = shape.plain(first.get("color")).lower()
    is_over = (
        colour in GOOD or OVER.search(title) is not None or (not colour and bool(OVER.search(" ".join(words)[:300])))
    )
    severity = COLOURS.get(colour, "unknown")
    labels = {"alertname": condition(title), "sender": shape.plain(message.get("username")), "severity": severity}
    return RawSignal(
        status="resolved" if is_over else "firing",
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten(_facts(first, words)),
        title=title[:1_024],
        severity=severity,
        dedup_key=f"{labels['sender']}/{labels['alertname']}"[:1_024],
        link=shape.web(first.get("title_link")),
        expires_at=None if colour or MARK.match(title) else now() + ENDS_AFTER,
        raw=message,
    )


def condition(title: str) -> str:
    """Return what a title is about: without marks before it, words that it is over, and a value behind it."""
    text = title
    while (mark := MARK.match(text)) and mark.end() < len(text):
        text = text[mark.end() :]
    text = OVER.sub("", text.partition(" = ")[0])
    about = re.sub(r"\s+", " ", text).strip(" :-")
    return about if re.search(r"\w", about) else title


def _facts(attachment: dict[str, Json], words: Sequence[str]) -> dict[str, str]:
    fields = attachment.get("fields")
    named = [item for item in fields if isinstance(item, dict)] if isinstance(fields, list) else []
    facts = {shape.plain(item.get("title")): shape.plain(item.get("value")) for item in named}
    return ({"description": "\n".join(dict.fromkeys(words))} if words else {}) | {
        n: v for n, v in facts.items() if n and v
    }


def _block_texts(value: Json, depth: int) -> list[str]:
    """Return the texts of blocks, in order."""
    if depth == 0:
        return []
    if isinstance(value, list):
        return [text for item in value for text in _block_texts(item, depth - 1)]
    if not isinstance(value, dict):
        return []
    if isinstance(text := value.get("text"), str):
        return [text]
    return [text for name in ("text", "fields", "elements") for text in _block_texts(value.get(name), depth - 1)]

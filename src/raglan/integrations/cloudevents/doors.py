"""Reads CloudEvents 1.0: structured, binary, and in batches.

Source, type and subject tell which condition an event is about. A type that ends in a word such as `.resolved`, or
such a word in `data.status`, ends it; the word is left out of the type before they are compared.

A sender may ask first, by OPTIONS, whether events are welcome here (the webhook specification's protection from
abuse). Who has the token of a source is told so, at whatever rate was asked for. An address to answer later is never
called: the answer itself is enough, and the address may be anybody's.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from raglan.alerts.ports import MAX_SIGNALS, Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, shorten
from raglan.core.decode import Json, clean_text, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

OVER = ("resolved", "resolve", "recovered", "recovery", "closed", "ok", "cleared", "up")
OPENING = ("firing", "triggered", "opened", "created", "down", "failed")
NEEDED = ("id", "source", "specversion", "type")
METHODS = "OPTIONS, POST"
ORIGIN = re.compile(r"[!-~]{1,255}")
RATE = re.compile(r"[1-9]\d{0,9}", re.ASCII)
TITLES = ("title", "summary", "message", "name", "description")


class Events:
    """One event a request, or a batch of them."""

    kinds: Sequence[str] = ("cloudevents",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /cloudevents: events, and the question whether they are welcome."""
        return method in ("POST", "OPTIONS") and path.rstrip("/") == "/cloudevents"

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer | None:
        """Let a sender that asks first send what it has. Raises BadInput."""
        return Answer(200, headers=_welcome(request.headers)) if request.method == "OPTIONS" else None

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read by the content type, or by the headers of the binary form."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "ce-specversion" in request.headers:
            return Decoded([_read(_from_headers(request), "")])
        body = decode_json(request.body)
        if kind == "application/cloudevents-batch+json" or isinstance(body, list):
            items = shape.listing(body, "")
            if len(items) > MAX_SIGNALS:
                raise BadInput("", f"more than {MAX_SIGNALS} events at once", status=422)
            return shape.read_each(items, _read)
        return Decoded([_read(body, "")])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """The counts."""
        return shape.counted(decoded, outcome, status=202)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A structured event."""
        event = {"specversion": "1.0", "id": "1", "source": "/raglan/setup", "type": "test.firing"}
        body = json.dumps({**event, "data": {"title": "A test from Setup", "severity": "info"}}).encode()
        headers = {"content-type": "application/cloudevents+json"}
        return IntakeRequest("POST", "/cloudevents", "", headers, body, "127.0.0.1")


def _welcome(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what a sender is allowed; one that does not say who it is is only told what can be asked here."""
    origin, rate = headers.get("webhook-request-origin", "").strip(), headers.get("webhook-request-rate", "").strip()
    if not origin:
        return {"Allow": METHODS}
    if not ORIGIN.fullmatch(origin):
        raise BadInput("WebHook-Request-Origin", "is a name such as events.example.org, of up to 255 characters")
    if rate and not RATE.fullmatch(rate):
        raise BadInput("WebHook-Request-Rate", "is a number of requests a minute")
    return {"Allow": METHODS, "WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": rate or "*"}


def _from_headers(request: IntakeRequest) -> Json:
    """Return the event of the binary form: attributes in headers, data as the body, which may have no content type."""
    found: dict[str, Json] = {
        name.removeprefix("ce-"): clean_text(unquote(value))
        for name, value in request.headers.items()
        if name.startswith("ce-")
    }
    found["data"] = _said(request.body)
    return found


def _read(item: Json, field: str) -> RawSignal:
    event = shape.mapping(item, field)
    told = {name: _attribute(event, name, field) for name in NEEDED}
    if not told["specversion"].startswith("1."):
        raise BadInput(_within(field, "specversion"), "raglan reads version 1.0 of CloudEvents")
    data = _packed(event, field) if "data_base64" in event else event.get("data")
    facts: Mapping[str, Json] = data if isinstance(data, dict) else {}
    subject = shape.plain(event.get("subject"))
    condition, word = _split(told["type"])
    status = shape.plain(facts.get("status")).lower()
    title = (
        next((shape.plain(facts[name]) for name in TITLES if facts.get(name)), "") or f"{condition} {subject}".strip()
    )
    severity = shape.plain(facts.get("severity") or event.get("severity")) or "unknown"
    labels = {"alertname": condition, "source": told["source"], "subject": subject, "severity": severity}
    simple = {name: shape.plain(value) for name, value in facts.items() if name not in ("status", "severity")}
    return RawSignal(
        status="resolved" if word in OVER or status in OVER else "firing",
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten(simple or ({"data": shape.plain(data)} if data else {})),
        title=title[:1_024],
        severity=severity,
        dedup_key="\x1f".join((told["source"], condition, subject)),
        link=next((shape.web(facts.get(name)) for name in ("url", "link") if shape.is_web(facts.get(name))), ""),
        starts_at=shape.lenient_time(event.get("time")),
        raw=event,
    )


def _packed(event: dict[str, Json], field: str) -> Json:
    """Return data that came as base64: JSON where it is that, else its text. Raises BadInput."""
    if "data" in event:
        raise BadInput(_within(field, "data_base64"), "may not stand beside data")
    try:
        body = base64.b64decode(shape.text(event["data_base64"], _within(field, "data_base64")), validate=True)
    except ValueError:  # also of letters that are not ASCII
        raise BadInput(_within(field, "data_base64"), "is not base64") from None
    return _said(body)


def _said(body: bytes) -> Json:
    """Return what a body says: JSON where it is that, else its text."""
    try:
        return decode_json(body) if body.strip() else None
    except BadInput:
        return clean_text(body.decode("utf-8", "replace"))


def _attribute(event: dict[str, Json], name: str, field: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(_within(field, name), "is needed in every CloudEvent, as a text")
    return value


def _within(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _split(kind: str) -> tuple[str, str]:
    """Return the type without the word that says whether it holds, and that word."""
    before, _, word = kind.rpartition(".")
    return (before, word.lower()) if before and word.lower() in (*OVER, *OPENING) else (kind, "")

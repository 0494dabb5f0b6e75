"""Reads what SNS posts: signed notifications, and its question whether the topic may send here."""

import json
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from raglan.alerts import actions
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, Status, shorten
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape
from raglan.integrations.sns.address import check_address

if TYPE_CHECKING:
    from raglan.integrations.sns.signature import Certificates

STATES: dict[str, Status] = {"ALARM": "firing", "INSUFFICIENT_DATA": "firing", "OK": "resolved"}
ASKS = "AWS asks whether this topic may send here. A person confirms it on the screen of the source."


class Topic:
    """One message a request. A subscription is confirmed by a person only: its address comes from outside."""

    kinds: Sequence[str] = ("sns",)

    def __init__(self) -> None:
        self._certificates: Certificates | None = None

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /sns."""
        return method == "POST" and path.rstrip("/") == "/sns"

    def token(self, request: IntakeRequest) -> str:
        """Path only: SNS can set no header."""
        return ""

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer | None:
        """Check the signature; keep what is no notification for a person to see."""
        message = _message(request)
        self._check(message)
        _check_topic(source, message)
        match message.get("Type"):
            case "Notification":
                return None
            case "SubscriptionConfirmation":
                check_address(message.get("SubscribeURL", ""), "SubscribeURL")
                actions.note_error(source.id, ASKS, body=request.body)
                return Answer(200, {"status": "waits for a person"})
            case _:
                actions.note_error(source.id, "AWS says that this topic does not send here any more", body=request.body)
                return Answer(200, {"status": "noted"})

    def _check(self, message: dict[str, str]) -> None:
        """Check the signature. What reads certificates is large, so that it is loaded with the first message."""
        if self._certificates is None:
            self._certificates = import_module("raglan.integrations.sns.signature").Certificates()
        self._certificates.check(message)

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read the alarm, or the words, of a notification."""
        message = _message(request)
        try:
            told = decode_json(message.get("Message", "").encode())
        except BadInput:
            told = None
        alarm = told if isinstance(told, dict) and "AlarmName" in told else None
        return Decoded([_alarm(alarm) if alarm else _words(message)])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """The counts."""
        return shape.counted(decoded, outcome)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """An alarm as CloudWatch words it; only AWS can sign, so that a test leaves the signature out."""
        alarm = {"AlarmName": "raglan-test", "NewStateValue": "ALARM", "NewStateReason": "A test from Setup"}
        body = {"Type": "Notification", "MessageId": "raglan-test", "Message": json.dumps(alarm)}
        return IntakeRequest("POST", "/sns", "", {}, json.dumps(body).encode(), "127.0.0.1")


def _message(request: IntakeRequest) -> dict[str, str]:
    """Return the message; its type says text/plain, its body is JSON."""
    body = shape.mapping(decode_json(request.body), "")
    return {name: value for name, value in body.items() if isinstance(value, str)}


def _check_topic(source: SourceKey, message: dict[str, str]) -> None:
    topics = source.mapping.get("topics")
    is_known = not topics or (isinstance(topics, list) and message.get("TopicArn") in topics)
    if message.get("Type") == "Notification" and not is_known:
        raise BadInput("TopicArn", "this topic was not confirmed for this source", status=403)


def _alarm(alarm: dict[str, Json]) -> RawSignal:
    name, region = shape.plain(alarm.get("AlarmName")), shape.plain(alarm.get("Region"))
    state = shape.plain(alarm.get("NewStateValue"))
    if state not in STATES:
        raise BadInput("NewStateValue", "must be ALARM, OK or INSUFFICIENT_DATA")
    key = shape.plain(alarm.get("AlarmArn")) or f"{shape.plain(alarm.get('AWSAccountId'))}/{region}/{name}"
    severity = "critical" if state == "ALARM" else "warning"
    labels = {
        "alertname": name,
        "severity": severity,
        "region": region,
        "account": shape.plain(alarm.get("AWSAccountId")),
    }
    facts = {
        "description": shape.plain(alarm.get("AlarmDescription")),
        "reason": shape.plain(alarm.get("NewStateReason")),
        **_trigger(alarm.get("Trigger")),
    }
    return RawSignal(
        status=STATES[state],
        labels=shorten({n: value for n, value in {**_dimensions(alarm.get("Trigger")), **labels}.items() if value}),
        annotations=shorten({n: value for n, value in facts.items() if value}),
        title=f"{name}: no data" if state == "INSUFFICIENT_DATA" else name,
        severity=severity,
        dedup_key=key[:1_024],
        starts_at=shape.lenient_time(alarm.get("StateChangeTime")),
        raw=alarm,
    )


def _trigger(value: Json) -> dict[str, str]:
    trigger = value if isinstance(value, dict) else {}
    return {
        "metric": f"{shape.plain(trigger.get('Namespace'))} {shape.plain(trigger.get('MetricName'))}".strip(),
        "threshold": shape.plain(trigger.get("Threshold")),
    }


def _dimensions(value: Json) -> dict[str, str]:
    listed = value.get("Dimensions") if isinstance(value, dict) else None
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {shape.plain(item.get("name")): shape.plain(item.get("value")) for item in items}


def _words(message: dict[str, str]) -> RawSignal:
    """Return an alert for a notification that is no alarm: it is what its subject, or first line, says."""
    text = message.get("Message", "")
    title = message.get("Subject") or text.strip().partition("\n")[0] or "A notification without words"
    topic = message.get("TopicArn", "")
    return RawSignal(
        status="firing",
        labels=shorten({"alertname": title, "topic": topic}),
        annotations=shorten({"message": text}),
        title=title[:1_024],
        dedup_key=f"{topic}/{title}"[:1_024],
        starts_at=shape.lenient_time(message.get("Timestamp")),
        raw=dict(message),
    )

"""Reads `POST /v2/enqueue`: trigger, acknowledge, resolve. The routing key is the source's token."""

from collections.abc import Sequence

from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, Status, shorten
from raglan.core.decode import Json, decode_json, parse_time
from raglan.core.errors import BadInput
from raglan.core.secrets import random_token
from raglan.integrations import shape

ACTIONS: dict[str, Status] = {"trigger": "firing", "acknowledge": "acknowledged", "resolve": "resolved"}
SEVERITIES = ("critical", "error", "warning", "info")
MAX_KEY = 1_024


class Enqueue:
    """One event a request."""

    kinds: Sequence[str] = ("pagerduty",)

    def takes(self, method: str, path: str) -> bool:
        """The path of the Events API."""
        return method == "POST" and path.rstrip("/") == "/v2/enqueue"

    def token(self, request: IntakeRequest) -> str:
        """The routing key in the body; empty when the body can not be read, which decode says better."""
        try:
            body = decode_json(request.body)
        except BadInput:
            return ""
        return str(body.get("routing_key") or "") if isinstance(body, dict) else ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read one event. Raises BadInput naming the field."""
        body = shape.mapping(decode_json(request.body), "")
        action = shape.text(body.get("event_action"), "event_action")
        if action not in ACTIONS:
            raise BadInput("event_action", "must be trigger, acknowledge or resolve")
        key = shape.text(body.get("dedup_key"), "dedup_key")
        if len(key) > MAX_KEY:
            raise BadInput("dedup_key", f"has more than {MAX_KEY} characters")
        if not key and action != "trigger":
            raise BadInput("dedup_key", "says which alert this is about; only a trigger may leave it out")
        key = key or random_token()
        signal = _signal(body, action, key) if action == "trigger" else _closing(body, action, key)
        return Decoded([signal], extra={"dedup_key": key})

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202 with the key."""
        return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": decoded.extra["dedup_key"]})

    def refuse(self, error: BadInput) -> Answer:
        """400 as the Events API writes it."""
        return Answer(
            error.status,
            {
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": [error.sentence],
                "field": error.field,
            },
        )


def _signal(body: dict[str, Json], action: str, key: str) -> RawSignal:
    payload = shape.mapping(body.get("payload"), "payload")
    title = shape.text(payload.get("summary"), "payload.summary")
    if not title:
        raise BadInput("payload.summary", "says in one line what is wrong, and must not be empty")
    origin = shape.text(payload.get("source"), "payload.source")
    if not origin:
        raise BadInput("payload.source", "names what is affected, and must not be empty")
    severity = shape.text(payload.get("severity"), "payload.severity")
    if severity not in SEVERITIES:
        raise BadInput("payload.severity", f"must be one of {', '.join(SEVERITIES)}")
    labels = {"source": origin, "severity": severity}
    for name in ("component", "group", "class"):
        if value := shape.text(payload.get(name), f"payload.{name}"):
            labels[name] = value
    starts = parse_time(shape.text(payload.get("timestamp"), "payload.timestamp"), "payload.timestamp")
    return RawSignal(
        status=ACTIONS[action],
        labels=shorten(labels),
        annotations=shorten(_details(payload.get("custom_details")) | _links(body)),
        title=title[:1024],
        severity=severity,
        dedup_key=key,
        link=shape.text(body.get("client_url"), "client_url"),
        starts_at=starts,
        raw={name: value for name, value in body.items() if name != "routing_key"},
    )


def _closing(body: dict[str, Json], action: str, key: str) -> RawSignal:
    raw = {name: value for name, value in body.items() if name != "routing_key"}
    return RawSignal(status=ACTIONS[action], labels={}, annotations={}, title="", dedup_key=key, raw=raw)


def _details(value: Json) -> dict[str, str]:
    """Keep simple details as text; nested ones stay in the raw signal."""
    if not isinstance(value, dict):
        return {"details": str(value)} if isinstance(value, str) else {}
    return {name: shape.scalar(item, name) for name, item in value.items() if not isinstance(item, dict | list)}


def _links(body: dict[str, Json]) -> dict[str, str]:
    links = body.get("links")
    found = {}
    for number, item in enumerate(links if isinstance(links, list) else []):
        if isinstance(item, dict) and isinstance(href := item.get("href"), str):
            found[f"link {number + 1}"] = href
    return found

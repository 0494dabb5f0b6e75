"""Reads PagerDuty's Events API: version 2 with its change events, and version 1. The key is the source's token."""

from collections.abc import Sequence

from raglan.alerts import actions
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, Status, shorten
from raglan.changes import actions as changes
from raglan.core.decode import Json, decode_json, parse_time
from raglan.core.errors import BadInput
from raglan.core.secrets import random_token
from raglan.integrations import shape

ACTIONS: dict[str, Status] = {"trigger": "firing", "acknowledge": "acknowledged", "resolve": "resolved"}
SEVERITIES = ("critical", "error", "warning", "info")
MAX_KEY = 1_024
KEYS = ("routing_key", "service_key")


class Events:
    """What all three addresses of the Events API share."""

    kinds: Sequence[str] = ("pagerduty",)
    path = ""
    key_field = "routing_key"

    def takes(self, method: str, path: str) -> bool:
        """One path of the Events API."""
        return method == "POST" and path.rstrip("/") == self.path

    def token(self, request: IntakeRequest) -> str:
        """The key in the body; empty when the body can not be read, which decode says better."""
        if not request.body:  # asked before the body is there
            return ""
        try:
            body = decode_json(request.body)
        except BadInput:
            return ""
        return str(body.get(self.key_field) or "") if isinstance(body, dict) else ""

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


class Enqueue(Events):
    """One event a request, version 2."""

    path = "/v2/enqueue"

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read one event. Raises BadInput naming the field."""
        body = shape.mapping(decode_json(request.body), "")
        action = shape.text(body.get("event_action"), "event_action")
        if action not in ACTIONS:
            raise BadInput("event_action", "must be trigger, acknowledge or resolve")
        key = _key(body, "dedup_key", may_be_missing=action == "trigger")
        signal = _signal(body, action, key) if action == "trigger" else _closing(body, action, key)
        return Decoded([signal], extra={"dedup_key": key})

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202 with the key."""
        return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": decoded.extra["dedup_key"]})


class ChangeEnqueue(Events):
    """One change event a request: kept to be seen beside alerts, and pages nobody."""

    path = "/v2/change/enqueue"

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer:
        """Keep the change. Raises BadInput naming the field."""
        told = _change(shape.mapping(decode_json(request.body), ""))
        actions.heard(source.id)
        changes.record(told, told_by=source.slug, actor=f"source:{source.id}")
        return Answer(202, {"status": "success", "message": "Change event processed"})

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Nothing is left to decode."""
        return Decoded([])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """202."""
        return Answer(202, {"status": "success", "message": "Change event processed"})


class CreateEvent(Events):
    """One event a request, version 1, as old tools still send it."""

    path = "/generic/2010-04-15/create_event.json"
    key_field = "service_key"

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read one event. Raises BadInput naming the field."""
        body = shape.mapping(decode_json(request.body), "")
        action = shape.text(body.get("event_type"), "event_type")
        if action not in ACTIONS:
            raise BadInput("event_type", "must be trigger, acknowledge or resolve")
        key = _key(body, "incident_key", may_be_missing=action == "trigger")
        signal = _old_signal(body, key) if action == "trigger" else _closing(body, action, key)
        return Decoded([signal], extra={"incident_key": key})

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """200 with the key."""
        key = decoded.extra["incident_key"]
        return Answer(200, {"status": "success", "message": "Event processed", "incident_key": key})


def _key(body: dict[str, Json], field: str, *, may_be_missing: bool) -> str:
    key = shape.text(body.get(field), field)
    if len(key) > MAX_KEY:
        raise BadInput(field, f"has more than {MAX_KEY} characters")
    if not key and not may_be_missing:
        raise BadInput(field, "says which alert this is about; only a trigger may leave it out")
    return key or random_token()


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
    return RawSignal(
        status=ACTIONS[action],
        labels=shorten(labels),
        annotations=shorten(_around(body) | _details(payload.get("custom_details"))),
        title=title[:1024],
        severity=severity,
        dedup_key=key,
        link=shape.text(body.get("client_url"), "client_url"),
        starts_at=parse_time(shape.text(payload.get("timestamp"), "payload.timestamp"), "payload.timestamp"),
        raw=_raw(body),
    )


def _old_signal(body: dict[str, Json], key: str) -> RawSignal:
    title = shape.text(body.get("description"), "description")
    if not title:
        raise BadInput("description", "says in one line what is wrong, and must not be empty")
    client = shape.text(body.get("client"), "client")
    contexts = body.get("contexts")
    linked = shape.links(contexts) | shape.links(contexts, what="image", address="src", name="alt")
    return RawSignal(
        status="firing",
        labels=shorten({"source": client} if client else {"alertname": title}),
        annotations=shorten(linked | _details(body.get("details"))),
        title=title[:1024],
        severity="critical",  # version 1 knows no severity: everything pages
        dedup_key=key,
        link=shape.text(body.get("client_url"), "client_url"),
        raw=_raw(body),
    )


def _closing(body: dict[str, Json], action: str, key: str) -> RawSignal:
    return RawSignal(status=ACTIONS[action], labels={}, annotations={}, title="", dedup_key=key, raw=_raw(body))


def _raw(body: dict[str, Json]) -> dict[str, Json]:
    """Keep the body without the key, which is a secret."""
    return {name: value for name, value in body.items() if name not in KEYS}


def _details(value: Json) -> dict[str, str]:
    """Keep details as text, nested ones as JSON."""
    if not isinstance(value, dict):
        return {"details": str(value)} if isinstance(value, str) and value else {}
    return {name: shape.plain(item) for name, item in value.items()}


def _around(body: dict[str, Json]) -> dict[str, str]:
    """Keep links, images and the client's name. Images are links: showing them would tell a stranger who reads."""
    client = shape.text(body.get("client"), "client")
    images = shape.links(body.get("images"), what="image", address="src", name="alt")
    return ({"client": client} if client else {}) | shape.links(body.get("links")) | images


def _change(body: dict[str, Json]) -> changes.Told:
    payload = shape.mapping(body.get("payload"), "payload")
    title = shape.text(payload.get("summary"), "payload.summary")
    if not title:
        raise BadInput("payload.summary", "says in one line what was changed, and must not be empty")
    links = body.get("links")
    named = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return changes.Told(
        title=title,
        origin=shape.text(payload.get("source"), "payload.source"),
        at=parse_time(shape.text(payload.get("timestamp"), "payload.timestamp"), "payload.timestamp"),
        links=[
            {"href": shape.web(link.get("href")), "text": shape.plain(link.get("text"))}
            for link in named
            if shape.is_web(link.get("href"))
        ],
        details=_details(payload.get("custom_details")),
    )

"""Reads Sentry's webhooks: alerts on events and metrics, issues, errors. Field names are from its documentation."""

import json
from collections.abc import Callable, Sequence

from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, shorten
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

SIGNATURE = "sentry-hook-signature"
RESOURCE = "sentry-hook-resource"
LEVELS = {"fatal": "critical", "error": "error", "warning": "warning", "info": "info", "debug": "info"}
FIRING_ISSUES = ("created", "unresolved")
RESOLVED_ISSUES = ("resolved", "archived", "ignored")


class Webhook:
    """One message a request; what is about comments or installations is answered and left alone."""

    kinds: Sequence[str] = ("sentry",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /sentry."""
        return method == "POST" and path.rstrip("/") == "/sentry"

    def token(self, request: IntakeRequest) -> str:
        """Path only."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Check the signature, where the source has Sentry's client secret, and read the message."""
        if source.secret:
            shape.check_signature(source.secret, request.headers.get(SIGNATURE, ""), request.body, header=SIGNATURE)
        body = shape.mapping(decode_json(request.body), "")
        data = shape.mapping(body.get("data"), "data")
        action = shape.text(body.get("action"), "action")
        resource = request.headers.get(RESOURCE, "") or next((name for name in READERS if name in data), "")
        read = READERS.get(resource)
        signal = read(action, data) if read else None
        return Decoded([signal] if signal else [])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """The counts."""
        return shape.counted(decoded, outcome)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """An alert on an event, signed as Sentry signs it."""
        event = {"issue_id": "raglan-test", "title": "A test from Setup", "level": "info"}
        body = json.dumps({"action": "triggered", "data": {"event": event}}).encode()
        headers = {RESOURCE: "event_alert"} | (
            {SIGNATURE: shape.signature(source.secret, body)} if source.secret else {}
        )
        return IntakeRequest("POST", "/sentry", "", headers, body, "127.0.0.1")


def _event(action: str, data: dict[str, Json]) -> RawSignal:
    name = "event" if "event" in data else "error"  # the message about a single error calls it so
    event = shape.mapping(data.get(name), f"data.{name}")
    key = shape.keys(event.get("issue_id"), f"data.{name}.issue_id")
    rule = shape.plain(data.get("triggered_rule"))
    facts = {name: shape.plain(event.get(name)) for name in ("culprit", "platform", "release")} | {"rule": rule}
    return _firing(event, f"issue:{key}" if key else "", facts, f"data.{name}", raw=data)


def _issue(action: str, data: dict[str, Json]) -> RawSignal | None:
    issue = shape.mapping(data.get("issue"), "data.issue")
    key = f"issue:{shape.keys(issue.get('id'), 'data.issue.id')}"
    if action in RESOLVED_ISSUES:
        return RawSignal("resolved", {}, {}, "", dedup_key=key, raw=data)
    if action not in FIRING_ISSUES:
        return None
    return _firing(issue, key, {"culprit": shape.plain(issue.get("culprit"))}, "data.issue", raw=data)


def _metric(action: str, data: dict[str, Json]) -> RawSignal:
    alert = shape.mapping(data.get("metric_alert"), "data.metric_alert")
    rule = alert.get("alert_rule")
    number = rule.get("id") if isinstance(rule, dict) else None
    key = f"metric:{shape.plain(number if number is not None else alert.get('id'))}"
    if action == "resolved":
        return RawSignal("resolved", {}, {}, "", dedup_key=key, raw=data)
    title = shape.plain(data.get("description_title")) or "A metric alert"
    severity = {"critical": "critical", "warning": "warning"}.get(action, "unknown")
    return RawSignal(
        status="firing",
        labels=shorten({"alertname": title, "severity": severity}),
        annotations=shorten({"description": shape.plain(data.get("description_text"))}),
        title=title[:1_024],
        severity=severity,
        dedup_key=key,
        link=shape.web(data.get("web_url")),
        raw=data,
    )


def _firing(item: dict[str, Json], key: str, facts: dict[str, str], field: str, *, raw: Json) -> RawSignal:
    title = shape.plain(item.get("title"))
    if not title:
        raise BadInput(f"{field}.title", "says in one line what is wrong, and must not be empty")
    level = shape.plain(item.get("level"))
    project = item.get("project")
    labels = {
        "alertname": title,
        "severity": LEVELS.get(level, "unknown"),
        "project": shape.plain(project.get("slug") if isinstance(project, dict) else project),
        "environment": shape.plain(item.get("environment")),
    }
    links = (item.get("web_url"), item.get("permalink"), item.get("issue_url"), item.get("url"))
    return RawSignal(
        status="firing",
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten({name: value for name, value in facts.items() if value}),
        title=title[:1_024],
        severity=labels["severity"],
        dedup_key=key,
        link=next((shape.web(link) for link in links if shape.is_web(link)), ""),
        raw=raw,
    )


Reader = Callable[[str, dict[str, Json]], RawSignal | None]
READERS: dict[str, Reader] = {
    "event_alert": _event,
    "event": _event,
    "error": _event,
    "issue": _issue,
    "metric_alert": _metric,
}

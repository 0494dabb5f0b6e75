"""Reads what `raglan-notify` sends: one notification of Nagios or Icinga a request.

Host and service tell which condition is meant. An acknowledgement takes the page, unless its comment begins with the
mark that raglan itself puts there: what raglan told Nagios must not come back as news.
"""

import json
from collections.abc import Sequence

from raglan.alerts import actions, own
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, Status, shorten
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

OWN_MARK = "[raglan]"
TYPES: dict[str, Status] = {
    "PROBLEM": "firing",
    "CUSTOM": "firing",
    "RECOVERY": "resolved",
    "ACKNOWLEDGEMENT": "acknowledged",
}
NOTED = (
    *("FLAPPINGSTART", "FLAPPINGSTOP", "FLAPPINGDISABLED", "FLAPPINGEND"),
    *("DOWNTIMESTART", "DOWNTIMEEND", "DOWNTIMECANCELLED", "DOWNTIMEREMOVED"),
)
SEVERITIES = {
    "CRITICAL": "critical",
    "DOWN": "critical",
    "UNREACHABLE": "error",
    "UNKNOWN": "error",
    "WARNING": "warning",
}
LABELS = ("host", "service", "hostgroup", "servicegroup")
FACTS = {
    "output": "output",
    "long_output": "more output",
    "address": "address",
    "attempt": "attempt",
    "notes_url": "link: Notes",
    "action_url": "link: Action",
    "info_url": "link: At the source",
}


class Notification:
    """One notification a request."""

    kinds: Sequence[str] = ("nagios",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /nagios."""
        return method == "POST" and path.rstrip("/") == "/nagios"

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read one notification. Raises BadInput naming the field."""
        body = shape.mapping(decode_json(request.body), "")
        kind = shape.text(body.get("type"), "type").upper()
        if kind not in TYPES and kind not in NOTED:
            raise BadInput("type", "must be a type of notification of Nagios, such as PROBLEM or RECOVERY")
        host = shape.text(body.get("host"), "host")
        if not host:
            raise BadInput("host", "must not be empty")
        key = "!".join(filter(None, (host, shape.text(body.get("service"), "service"))))
        if shape.plain(body.get("comment")).startswith(OWN_MARK):
            return Decoded([])
        _note(source, key, kind, body)
        if kind in NOTED:
            return Decoded([])
        if TYPES[kind] == "firing":
            return Decoded([_problem(body, key)])
        return Decoded([RawSignal(TYPES[kind], {}, {}, "", dedup_key=key, raw=body)])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """The counts."""
        return shape.counted(decoded, outcome)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A problem as the command sends it."""
        body = {"type": "PROBLEM", "host": "raglan", "service": "A test from Setup", "state": "WARNING"}
        return IntakeRequest("POST", "/nagios", "", {}, json.dumps(body).encode(), "127.0.0.1")


def _note(source: SourceKey, key: str, kind: str, body: dict[str, Json]) -> None:
    """Keep what a person said there, and what Nagios says beside problems, with the open alert."""
    words = shape.plain(body.get("comment")).strip()
    text = f"{kind}: {words}" if kind in NOTED else words
    alert = own.by_key(source.id, key) if text else None
    if alert is not None and alert.is_open:
        by = shape.plain(body.get("author"))
        actions.note_alert(alert.id, text=text, by=by, actor=f"source:{source.id}")


def _problem(body: dict[str, Json], key: str) -> RawSignal:
    state = shape.text(body.get("state"), "state").upper()
    host, service = shape.plain(body.get("host")), shape.plain(body.get("service"))
    severity = SEVERITIES.get(state, "unknown")
    own_variables = body.get("custom")
    custom = own_variables if isinstance(own_variables, dict) else {}
    labels = {name: shape.plain(body.get(name)) for name in LABELS} | {
        "alertname": service or "Host",
        "severity": severity,
    }
    facts = {called: shape.plain(body.get(name)) for name, called in FACTS.items()}
    facts |= {f"{'link: ' if shape.is_web(value) else ''}{name}": shape.plain(value) for name, value in custom.items()}
    return RawSignal(
        status="firing",
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten({name: value for name, value in facts.items() if value}),
        title=f"{service} on {host} is {state}"[:1_024] if service else f"{host} is {state}"[:1_024],
        severity=severity,
        dedup_key=key,
        link=next(
            (shape.web(body.get(name)) for name in ("info_url", "notes_url") if shape.is_web(body.get(name))), ""
        ),
        starts_at=shape.epoch(body.get("at"), "at"),
        raw=body,
    )

"""Reads Grafana's webhook: Alertmanager's with more in it, and a signature where the contact point has a secret."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from raglan.alerts.ports import (
    MAX_SIGNALS,
    Answer,
    Decoded,
    IntakeRequest,
    Outcome,
    RawSignal,
    SourceKey,
    shorten,
)
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json, parse_time
from raglan.core.errors import BadInput
from raglan.integrations import shape

SIGNATURE = "x-grafana-alerting-signature"
TIMESTAMP = "x-grafana-alerting-timestamp"
FRESH = timedelta(minutes=5)
PLACES = {"dashboardURL": "Dashboard", "panelURL": "Panel", "silenceURL": "Silence in Grafana", "imageURL": "Image"}
NO_DATA = {"DatasourceNoData": "No data", "DatasourceError": "The data source fails"}


class Webhook:
    """One message for a group, firing and resolved alerts mixed."""

    kinds: Sequence[str] = ("grafana",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /grafana."""
        return method in ("POST", "PUT") and path.rstrip("/") == "/grafana"

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Check the signature, where the source has a secret, and read the alerts."""
        if source.secret:
            _check(source.secret, request)
        body = shape.mapping(decode_json(request.body), "")
        items = shape.listing(body.get("alerts"), "alerts")
        if len(items) > MAX_SIGNALS:
            raise BadInput("alerts", f"more than {MAX_SIGNALS} alerts at once", status=422)
        return shape.read_each(items, _read, prefix="alerts")

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """Grafana looks at the status only; people see the counts."""
        return shape.counted(decoded, outcome)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A message with one alert, signed as Grafana signs it."""
        labels = {"alertname": "A test from Setup", "severity": "info", "grafana_folder": "raglan"}
        alert = {"status": "firing", "labels": labels, "annotations": {"summary": "A test from Setup"}}
        body = json.dumps({"version": "1", "status": "firing", "alerts": [alert]}).encode()
        headers = {SIGNATURE: shape.signature(source.secret, body)} if source.secret else {}
        return IntakeRequest("POST", "/grafana", "", headers, body, "127.0.0.1")


def _check(secret: str, request: IntakeRequest) -> None:
    stamp = request.headers.get(TIMESTAMP, "")
    if stamp:
        sent = shape.epoch(stamp, TIMESTAMP) or datetime.fromtimestamp(0, UTC)
        if abs(now() - sent) > FRESH:
            raise BadInput(TIMESTAMP, "this was signed more than five minutes ago", status=401)
    signed = f"{stamp}:".encode() + request.body if stamp else request.body
    shape.check_signature(secret, request.headers.get(SIGNATURE, ""), signed, header=SIGNATURE)


def _read(item: Json, field: str) -> RawSignal:
    alert = shape.mapping(item, field)
    status = shape.text(alert.get("status"), f"{field}.status")
    if status not in ("firing", "resolved"):
        raise BadInput(f"{field}.status", "must be firing or resolved")
    labels = {name: value for name, value in shape.words(alert.get("labels"), f"{field}.labels").items() if value}
    if not labels:
        raise BadInput(f"{field}.labels", "at least one label is needed to tell this alert from others")
    own = shape.words(alert.get("annotations"), f"{field}.annotations")
    links = {f"link: {called}": shape.web(alert.get(name)) for name, called in PLACES.items()}
    values = {"values": shape.plain(alert["valueString"])} if alert.get("valueString") else {}
    return RawSignal(
        status="resolved" if status == "resolved" else "firing",
        labels=shorten(labels),
        annotations=shorten(own | values | {name: link for name, link in links.items() if link}),
        title=_title(labels, own)[:1_024],
        severity=labels.get("severity", "unknown"),
        link=next((link for link in (*links.values(), shape.web(alert.get("generatorURL"))) if link), ""),
        starts_at=parse_time(shape.text(alert.get("startsAt"), f"{field}.startsAt"), f"{field}.startsAt"),
        ends_at=parse_time(shape.text(alert.get("endsAt"), f"{field}.endsAt"), f"{field}.endsAt"),
        raw=alert,
    )


def _title(labels: dict[str, str], annotations: dict[str, str]) -> str:
    name = labels.get("alertname", "")
    if name in NO_DATA:
        return f"{NO_DATA[name]}: {labels.get('rulename') or annotations.get('summary') or 'a rule without a name'}"
    return annotations.get("summary") or annotations.get("title") or name or "An alert without a name"

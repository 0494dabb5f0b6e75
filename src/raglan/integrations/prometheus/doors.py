"""Reads what Prometheus pushes to an Alertmanager, and what an Alertmanager posts to a webhook."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from raglan.alerts.ports import (
    MAX_SIGNALS,
    Answer,
    Decoded,
    Glimpsed,
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
from raglan.integrations.prometheus import quick

RESOLVE_TIMEOUT = timedelta(minutes=5)
TAKEN = Answer(200, b"")


class ApiV2:
    """`POST /api/v2/alerts` as Alertmanager takes it: an array of alerts; `endsAt` in the future while one fires."""

    kinds: Sequence[str] = ("alertmanager",)

    def takes(self, method: str, path: str) -> bool:
        """Prometheus appends this path to the prefix that it was given."""
        return method == "POST" and path.rstrip("/") in ("/api/v2/alerts", "/api/v1/alerts")

    def token(self, request: IntakeRequest) -> str:
        """Prometheus carries its token in a header or in the path, never in the body."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read the array; keep the good alerts and name the bad ones."""
        items = shape.listing(decode_json(request.body), "")
        if len(items) > MAX_SIGNALS:
            raise BadInput("", f"more than {MAX_SIGNALS} alerts at once", status=422)
        return shape.read_each(items, _pushed)

    def glimpse(self, body: bytes) -> Glimpsed | None:
        """Split a push in which everything fires."""
        return quick.split(body, resolve_timeout=RESOLVE_TIMEOUT)

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """An empty 200, or 400 that names each bad alert; the good ones were kept either way."""
        if not decoded.problems:
            return TAKEN
        return Answer(400, "; ".join(shape.sentence_of(problem) for problem in decoded.problems))

    def refuse(self, error: BadInput) -> Answer:
        """Alertmanager answers a code and a message."""
        return Answer(error.status, {"code": error.status, "message": error.sentence, "field": error.field})


class Webhook:
    """Alertmanager's webhook, version 4: one message for a group, firing and resolved alerts mixed."""

    kinds: Sequence[str] = ("webhook",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /alertmanager."""
        return method == "POST" and path.rstrip("/") == "/alertmanager"

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read the alerts of the message."""
        body = shape.mapping(decode_json(request.body), "")
        items = shape.listing(body.get("alerts"), "alerts")
        if len(items) > MAX_SIGNALS:
            raise BadInput("alerts", f"more than {MAX_SIGNALS} alerts at once", status=422)
        return shape.read_each(items, _hooked, prefix="alerts")

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """Alertmanager looks at the status only; people see the counts."""
        if decoded.problems:
            return Answer(400, {"problems": [shape.sentence_of(problem) for problem in decoded.problems]})
        return Answer(200, {"new": outcome.new, "repeated": outcome.repeated, "resolved": outcome.resolved})

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())


def _pushed(item: Json, field: str) -> RawSignal:
    alert = shape.mapping(item, field)
    ends_at = parse_time(shape.text(alert.get("endsAt"), f"{field}.endsAt"), f"{field}.endsAt")
    at = now()
    over = ends_at is not None and ends_at <= at
    return _signal(
        alert, field, over=over, ends_at=ends_at if over else None, expires_at=ends_at or at + RESOLVE_TIMEOUT
    )


def _hooked(item: Json, field: str) -> RawSignal:
    alert = shape.mapping(item, field)
    status = shape.text(alert.get("status"), f"{field}.status")
    if status not in ("firing", "resolved"):
        raise BadInput(f"{field}.status", "must be firing or resolved")
    ends_at = parse_time(shape.text(alert.get("endsAt"), f"{field}.endsAt"), f"{field}.endsAt")
    return _signal(alert, field, over=status == "resolved", ends_at=ends_at, expires_at=None)


def _signal(
    alert: dict[str, Json], field: str, *, over: bool, ends_at: datetime | None, expires_at: datetime | None
) -> RawSignal:
    labels = shorten(shape.words(alert.get("labels"), f"{field}.labels"))
    labels = {name: value for name, value in labels.items() if value}
    if not labels:
        raise BadInput(f"{field}.labels", "at least one label pair required")
    annotations = shorten(shape.words(alert.get("annotations"), f"{field}.annotations"))
    starts = parse_time(shape.text(alert.get("startsAt"), f"{field}.startsAt"), f"{field}.startsAt")
    return RawSignal(
        status="resolved" if over else "firing",
        labels=labels,
        annotations=annotations,
        title=annotations.get("summary")
        or annotations.get("title")
        or labels.get("alertname")
        or "An alert without a name",
        severity=labels.get("severity", "unknown"),
        link=shape.text(alert.get("generatorURL"), f"{field}.generatorURL"),
        starts_at=starts,
        ends_at=ends_at,
        expires_at=None if over else expires_at,
        raw=alert,
    )

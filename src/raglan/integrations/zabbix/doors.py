"""Reads what raglan's media type for Zabbix sends; the script stands in `media_raglan.yaml` beside this file."""

import json
from collections.abc import Sequence
from importlib.resources import files

from raglan.alerts import actions, own
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, RawSignal, SourceKey, Status, shorten
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput
from raglan.integrations import shape

SEVERITIES = ("info", "info", "warning", "warning", "error", "critical")
FACTS = {
    "host_ip": "address",
    "opdata": "operational data",
    "trigger_description": "description",
    "trigger_id": "trigger",
}


class MediaType:
    """One event a request: a problem, its recovery, or an update by a person in Zabbix."""

    kinds: Sequence[str] = ("zabbix",)

    def takes(self, method: str, path: str) -> bool:
        """Any address that ends in /zabbix."""
        return method == "POST" and path.rstrip("/") == "/zabbix"

    def token(self, request: IntakeRequest) -> str:
        """Header or path only."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read one event. Raises BadInput naming the field."""
        body = shape.mapping(decode_json(request.body), "")
        key = shape.keys(body.get("event_id"), "event_id")
        if not key:
            raise BadInput("event_id", "says which problem this is about, and must not be empty")
        _note(source, key, body)
        status = _status(body)
        is_told = status in ("firing", "updated")
        return Decoded(
            [_problem(body, key, status) if is_told else RawSignal(status, {}, {}, "", dedup_key=key, raw=body)]
        )

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """The counts, which the script shows in Zabbix when it is tested."""
        return shape.counted(decoded, outcome)

    def refuse(self, error: BadInput) -> Answer:
        """Name the field."""
        return Answer(error.status, error.as_json())

    def sample(self, source: SourceKey) -> IntakeRequest:
        """A problem as the media type sends it."""
        body = {"event_id": "raglan-test", "event_value": "1", "nseverity": "1", "name": "A test from Setup"}
        return IntakeRequest("POST", "/zabbix", "", {}, json.dumps({**body, "host": "raglan"}).encode(), "127.0.0.1")


def media_type(address: str) -> str:
    """Return the media type for import into Zabbix, with raglan's address in it."""
    text = (files("raglan.integrations.zabbix") / "media_raglan.yaml").read_text(encoding="utf-8")
    return text.replace("https://raglan.example.org", address)


def _status(body: dict[str, Json]) -> Status:
    """Tell what a message means. An update may come after the end of its problem, and does not say whether it lasts."""
    is_update = shape.scalar(body.get("update_status"), "update_status") == "1"
    if is_update:
        done = shape.plain(body.get("update_action")).lower()
        if "closed" in done:
            return "resolved"
        if "acknowledged" in done.replace("unacknowledged", ""):
            return "acknowledged"
    if shape.scalar(body.get("event_value"), "event_value") == "0":
        return "resolved"
    return "updated" if is_update else "firing"


def _note(source: SourceKey, key: str, body: dict[str, Json]) -> None:
    """Keep what a person said in Zabbix."""
    words = shape.plain(body.get("update_message")).strip()
    if words and (alert := own.by_key(source.id, key)) is not None:
        by = shape.plain(body.get("update_user"))
        actions.note_alert(alert.id, text=words, by=by, actor=f"source:{source.id}")


def _problem(body: dict[str, Json], key: str, status: Status) -> RawSignal:
    title = shape.text(body.get("name"), "name")
    if not title:
        raise BadInput("name", "says in one line what is wrong, and must not be empty")
    severity = _severity(body.get("nseverity"))
    labels = {
        "alertname": title,
        "host": shape.plain(body.get("host")),
        "severity": severity,
        **_tags(body.get("tags")),
    }
    facts = {called: shape.plain(body.get(name)) for name, called in FACTS.items()}
    return RawSignal(
        status=status,
        labels=shorten({name: value for name, value in labels.items() if value}),
        annotations=shorten({name: value for name, value in facts.items() if value}),
        title=title[:1_024],
        severity=severity,
        dedup_key=key,
        link=shape.web(body.get("link")),
        starts_at=shape.epoch(body.get("at"), "at"),
        raw=body,
    )


def _severity(value: Json) -> str:
    text = shape.plain(value)
    return SEVERITIES[int(text)] if text in ("0", "1", "2", "3", "4", "5") else "unknown"


def _tags(value: Json) -> dict[str, str]:
    """Read `{EVENT.TAGSJSON}`: an array of tag and value, or that array as text."""
    if isinstance(value, str):
        try:
            value = decode_json(value.encode())
        except BadInput:
            return {}
    found: dict[str, list[str]] = {}
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and (tag := shape.plain(item.get("tag"))):
            found.setdefault(tag, []).append(shape.plain(item.get("value")))
    return {tag: ",".join(sorted(filter(None, values))) or "yes" for tag, values in found.items()}

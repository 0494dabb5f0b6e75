"""Alerts and heartbeats as Opsgenie's API shows them."""

from datetime import datetime

from raglan.alerts.heartbeats import Known
from raglan.alerts.own import OwnAlert


def moment(at: datetime | None) -> str:
    """Return a time as Opsgenie writes it; empty when there is none."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z" if at else ""


def alert(found: OwnAlert) -> dict[str, object]:
    """Return one alert."""
    return {
        "id": str(found.id),
        "tinyId": str(found.id),
        "alias": found.key,
        "message": found.title,
        "status": "open" if found.is_open else "closed",
        "acknowledged": found.is_acknowledged,
        "isSeen": bool(found.acknowledged_by),
        "snoozed": found.snoozed_until is not None,
        **({"snoozedUntil": moment(found.snoozed_until)} if found.snoozed_until else {}),
        "tags": [tag for tag in found.labels.get("tags", "").split(",") if tag],
        "count": found.signal_count,
        "createdAt": moment(found.received_at),
        "lastOccurredAt": moment(found.last_seen_at),
        "updatedAt": moment(found.last_seen_at),
        "source": found.labels.get("source", ""),
        "entity": found.labels.get("entity", ""),
        "owner": found.acknowledged_by,
        "priority": found.labels.get("priority", "P3"),
        "description": found.annotations.get("description", ""),
        "details": {name: value for name, value in found.annotations.items() if name != "description"},
        "integration": {"id": str(found.source_id), "name": "raglan", "type": "API"},
    }


def heartbeat(found: Known) -> dict[str, object]:
    """Return one heartbeat."""
    return {
        "name": found.slug,
        "description": found.name,
        "interval": max(1, found.period_s // 60),
        "intervalUnit": "minutes",
        "enabled": not found.is_paused,
        "expired": found.is_down,
        "lastPingTime": moment(found.last_beat_at),
    }

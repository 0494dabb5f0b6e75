"""What a homeserver tells since the last time: messages, corrections, what is taken back. Invitations are accepted.

Where more happened than one answer holds, the gap is read from the room's history, so that nothing is lost however
long raglan was not listening.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote

from raglan.chat.ports import Heard, Incoming, Kind
from raglan.core.clock import now
from raglan.core.decode import Json
from raglan.core.errors import DeliveryError
from raglan.integrations.matrix.wire import Answered, Wire

AT_ONCE = 100
MOST_PAGES = 50
MOST_NAMES = 500
TYPES = ["m.room.message", "m.room.redaction"]
FILES = ("m.image", "m.file", "m.audio", "m.video")
QUIET = "m.notice"  # what programs say; answering it could go on for ever
_names: dict[str, str] = {}


def hear(wire: Wire, me: str, cursor: str, wait_s: float) -> Heard:
    """Wait for news since a place; without one only learn where news begins."""
    query = {"filter": json.dumps(_filter(me, AT_ONCE if cursor else 0))}
    if cursor:
        query |= {"since": cursor, "timeout": str(int(wait_s * 1000))}
    found = wire.get("/sync", query, more_s=wait_s if cursor else 20.0)
    rooms = _dict(found.get("rooms"))
    _accept(wire, _dict(rooms.get("invite")))
    heard: list[Incoming] = []
    if cursor:
        for room, joined in _dict(rooms.get("join")).items():
            heard += _of_room(wire, me, room, _dict(_dict(joined).get("timeline")), cursor)
    return Heard(heard, str(found.get("next_batch", cursor)))


def _filter(me: str, limit: int) -> dict[str, object]:
    nothing = {"types": [], "limit": 0}
    return {
        "presence": nothing,
        "account_data": nothing,
        "room": {
            "timeline": {"types": TYPES, "not_senders": [me], "limit": limit},
            "state": nothing,
            "ephemeral": nothing,
            "account_data": nothing,
        },
    }


def _accept(wire: Wire, invited: dict[str, Json]) -> None:
    """Enter rooms that people invite us to; what can not be entered is left."""
    for room in list(invited)[:20]:
        with suppress(DeliveryError):
            wire.post(f"/join/{quote(room, safe='')}", {})


def _of_room(wire: Wire, me: str, room: str, timeline: Answered, cursor: str) -> list[Incoming]:
    events = [_dict(event) for event in _list(timeline.get("events"))]
    if timeline.get("limited") and timeline.get("prev_batch"):
        events = [*_gap(wire, me, room, str(timeline["prev_batch"]), cursor), *events]
    found = [_incoming(wire, room, event) for event in events if event.get("sender") != me]
    return [message for message in found if message is not None]


def _gap(wire: Wire, me: str, room: str, before: str, cursor: str) -> list[Answered]:
    """Return what happened in a room between two places, oldest first."""
    found: list[Answered] = []
    wanted = json.dumps({"types": TYPES, "not_senders": [me]})
    for _ in range(MOST_PAGES):
        query = {"dir": "b", "from": before, "to": cursor, "limit": str(AT_ONCE), "filter": wanted}
        page = wire.get(f"/rooms/{quote(room, safe='')}/messages", query)
        found += [_dict(event) for event in _list(page.get("chunk"))]
        if not page.get("end") or page["end"] == before:
            break
        before = str(page["end"])
    return found[::-1]


def _incoming(wire: Wire, room: str, event: Answered) -> Incoming | None:
    sender, content = str(event.get("sender", "")), _dict(event.get("content"))
    kind, about, text = _read(event, content)
    if not sender or not event.get("event_id") or (kind != Kind.TAKEN_BACK and not text):
        return None
    return Incoming(
        id=str(event["event_id"]),
        room=room,
        author=sender,
        author_name=_name(wire, sender),
        text=text,
        at=_moment(event.get("origin_server_ts")),
        kind=kind,
        about=about,
    )


def _read(event: Answered, content: Answered) -> tuple[Kind, str, str]:
    """Return what an event is, what it is about, and its words."""
    if event.get("type") == "m.room.redaction":
        return Kind.TAKEN_BACK, str(event.get("redacts") or content.get("redacts") or ""), ""
    related = _dict(content.get("m.relates_to"))
    if related.get("rel_type") == "m.replace":
        return Kind.EDIT, str(related.get("event_id", "")), _text(_dict(content.get("m.new_content")))
    text = _text(content)
    return Kind.MESSAGE, "", _without_quote(text) if "m.in_reply_to" in related else text


def _text(content: Answered) -> str:
    body, kind = str(content.get("body", "")), content.get("msgtype")
    if kind == QUIET:
        return ""
    if kind in FILES:
        return f"(put a file into chat: {str(content.get('filename') or body)[:200]})"
    return f"* {body}" if kind == "m.emote" else body


def _without_quote(text: str) -> str:
    """Leave out what old clients repeat of the message that is answered."""
    lines = text.split("\n")
    while lines and lines[0].startswith("> "):
        lines.pop(0)
    return "\n".join(lines).strip()


def _name(wire: Wire, user: str) -> str:
    """Return what somebody calls themselves; who can not be asked for is known by the id."""
    if user not in _names:
        found: Answered = {}
        with suppress(DeliveryError):
            found = wire.get(f"/profile/{quote(user, safe='')}/displayname")
        if len(_names) >= MOST_NAMES:
            _names.clear()
        _names[user] = str(found.get("displayname") or user)
    return _names[user]


def _moment(stamp: Json) -> datetime:
    if not isinstance(stamp, int) or not 0 < stamp < 7_258_118_400_000:
        return now()
    return datetime.fromtimestamp(stamp / 1000, UTC)


def _dict(value: Json) -> Answered:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []

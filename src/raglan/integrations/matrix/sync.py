"""What a homeserver tells since the last time: messages, corrections, what is taken back.

Invitations are accepted of people who are known here, or are on the same homeserver.

Where more happened than one answer holds, the gap is read from the room's history, so that nothing is lost however
long raglan was not listening. What can not be read is gone around from both sides, and a line says so.
"""

import hashlib
import json
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote

from raglan.chat import queries
from raglan.chat.ports import Heard, Incoming, Kind, put_files
from raglan.core.clock import now
from raglan.core.decode import Json
from raglan.core.errors import DeliveryError
from raglan.integrations.matrix.wire import Answered, UnreadableError, Wire

FEWER = (100, 10, 1)  # events at once: as many as come, and less where an answer can not be read
MOST_PAGES = 50
UNREAD = "Something written in chat about now could not be read. It stands there, and not in this record."
TOO_MUCH = (
    "More was written in chat while raglan was not there than could be read. What is older than the next lines from "
    "there is not in this record."
)
MOST_NAMES = 500
MOST_ENTERED, MOST_ASKED = 5, 100  # invitations in a minute, and so many that wait
TYPES = ["m.room.message", "m.room.redaction", "m.reaction"]
FILES = ("m.image", "m.file", "m.audio", "m.video")
QUIET = "m.notice"  # what programs say; answering it could go on for ever
_names: dict[str, str] = {}


class Door:
    """Invitations: of whom they are accepted, and how fast."""

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._entered: list[float] = []

    def accept(self, wire: Wire, me: str, invited: dict[str, Json]) -> None:
        """Enter rooms to which somebody invites us who may; what can not be entered is left."""
        self._asked += [room for room, there in invited.items() if room not in self._asked and _may_ask(me, there)]
        del self._asked[MOST_ASKED:]
        at = time.monotonic()
        self._entered = [one for one in self._entered if at - one < 60]
        while self._asked and len(self._entered) < MOST_ENTERED:
            self._entered.append(at)
            with suppress(DeliveryError):
                wire.post(f"/join/{quote(self._asked.pop(0), safe='')}", {})


def _may_ask(me: str, there: Json) -> bool:
    """Tell whether whoever invites us is of our homeserver, or known here."""
    events = [_dict(event) for event in _list(_dict(_dict(there).get("invite_state")).get("events"))]
    asked = [event for event in events if event.get("type") == "m.room.member" and event.get("state_key") == me]
    by = str(asked[-1].get("sender", "")) if asked else ""
    return bool(by) and (by.partition(":")[2] == me.partition(":")[2] or queries.is_known("matrix", by))


def hear(wire: Wire, me: str, door: Door, cursor: str, wait_s: float) -> Heard:
    """Wait for news since a place; without one only learn where news begins."""
    found = _sync(wire, me, cursor, wait_s) if cursor else _begin(wire, me)
    rooms = _dict(found.get("rooms"))
    door.accept(wire, me, _dict(rooms.get("invite")))
    heard: list[Incoming] = []
    if cursor:
        for room, joined in _dict(rooms.get("join")).items():
            heard += _of_room(wire, me, room, _dict(_dict(joined).get("timeline")), cursor)
    return Heard(heard, str(found.get("next_batch", cursor)))


def _begin(wire: Wire, me: str) -> Answered:
    """Learn where news begins. Asked in the same words, a homeserver answers for minutes with an earlier place."""
    asked = _filter(me, 0, but=f"!{secrets.token_hex(8)}:raglan.invalid")  # a room that there is not
    return wire.get("/sync", {"filter": json.dumps(asked)}, more_s=20.0)


def _sync(wire: Wire, me: str, cursor: str, wait_s: float) -> Answered:
    """Wait for news; where it can not be read, ask for less of it, and at last for the histories of all rooms."""
    for limit in FEWER:
        with suppress(UnreadableError):
            return _news(wire, me, cursor, limit, wait_s if limit == FEWER[0] else 0.0)
    found = _news(wire, me, cursor, 0, 0.0)
    gap: Json = {"timeline": {"events": [], "limited": True, "prev_batch": str(found.get("next_batch", cursor))}}
    rooms = {str(room): gap for room in _list(wire.get("/joined_rooms").get("joined_rooms"))}
    return {**found, "rooms": {**_dict(found.get("rooms")), "join": rooms}}


def _news(wire: Wire, me: str, cursor: str, limit: int, wait_s: float) -> Answered:
    query = {"filter": json.dumps(_filter(me, limit)), "since": cursor, "timeout": str(int(wait_s * 1000))}
    return wire.get("/sync", query, more_s=wait_s)


def _filter(me: str, limit: int, but: str = "") -> dict[str, object]:
    nothing = {"types": [], "limit": 0}
    apart = {"not_rooms": [but]} if but else {}
    return {
        "presence": nothing,
        "account_data": nothing,
        "room": {
            **apart,
            "timeline": {"types": TYPES, "not_senders": [me], "limit": limit},
            "state": nothing,
            "ephemeral": nothing,
            "account_data": nothing,
        },
    }


def _of_room(wire: Wire, me: str, room: str, timeline: Answered, cursor: str) -> list[Incoming]:
    events = [_dict(event) for event in _list(timeline.get("events"))]
    lost: list[Incoming] = []
    if timeline.get("limited") and timeline.get("prev_batch"):
        before, words = _gap(wire, me, room, str(timeline["prev_batch"]), cursor)
        events = list({str(event.get("event_id")): event for event in [*before, *events]}.values())  # they may overlap
        lost = [_lost(room, cursor, words)] if words else []
    found = [_incoming(wire, room, event) for event in events if event.get("sender") != me]
    return [*lost, *(message for message in found if message is not None)]


def _lost(room: str, cursor: str, words: str) -> Incoming:
    """Return the line that says what is missing; the same at each try."""
    key = hashlib.sha256(f"{room} {cursor} {words}".encode()).hexdigest()[:24]
    return Incoming(f"gap-{key}", room, "", "", words, now(), Kind.GAP)


def _gap(wire: Wire, me: str, room: str, before: str, cursor: str) -> tuple[list[Answered], str]:
    """Return what happened in a room between two places, oldest first, and words for what is missing of it."""
    back = _History(wire, me, room, "b").read(before, cursor)
    if back.is_whole:
        return back.events[::-1], TOO_MUCH if back.is_cut else ""
    ahead = _History(wire, me, room, "f").read(cursor, before)
    known = {event.get("event_id") for event in ahead.events}
    newer = [event for event in back.events[::-1] if event.get("event_id") not in known]
    return [*ahead.events, *newer], UNREAD


class _History:
    """The history of a room, page by page in one direction, until its end or what can not be read."""

    def __init__(self, wire: Wire, me: str, room: str, direction: str) -> None:
        self._wire = wire
        self._path = f"/rooms/{quote(room, safe='')}/messages"
        self._query = {"dir": direction, "filter": json.dumps({"types": TYPES, "not_senders": [me]})}
        self.events: list[Answered] = []
        self.is_whole = True
        self.is_cut = False

    def read(self, start: str, to: str) -> "_History":
        """Read from a place towards another."""
        for _ in range(MOST_PAGES):
            page = self._page(start, to)
            self.events += [_dict(event) for event in _list(page.get("chunk"))]
            if not page.get("end") or page["end"] == start:
                break
            start = str(page["end"])
        else:
            self.is_cut = bool(self._page(start, to).get("chunk"))
        return self

    def _page(self, start: str, to: str) -> Answered:
        """Return a page, as long as can be read; an empty one, the last, where one event can not be read."""
        for limit in FEWER:
            with suppress(UnreadableError):
                return self._wire.get(self._path, {**self._query, "from": start, "to": to, "limit": str(limit)})
        self.is_whole = False
        return {}


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
    if event.get("type") == "m.reaction":
        return Kind.REACTION, str(related.get("event_id", "")), str(related.get("key", ""))[:20]
    if related.get("rel_type") == "m.replace":
        return Kind.EDIT, str(related.get("event_id", "")), _text(_dict(content.get("m.new_content")))
    text = _text(content)
    return Kind.MESSAGE, "", _without_quote(text) if "m.in_reply_to" in related else text


def _text(content: Answered) -> str:
    body, kind = str(content.get("body", "")), content.get("msgtype")
    if kind == QUIET:
        return ""
    if kind in FILES:
        return put_files([str(content.get("filename") or body)])
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

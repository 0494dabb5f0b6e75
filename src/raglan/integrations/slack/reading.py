"""What Slack tells, by whichever way it comes: events, slash commands, buttons."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from raglan.chat import exported
from raglan.chat.ports import Aside, Incoming, Kind
from raglan.core.clock import now
from raglan.core.decode import Json

Fields = dict[str, Json]
PLAIN = (None, "me_message", "file_share", "thread_broadcast")


def places(body: Fields) -> list[Json]:
    """Return where something comes from: one app can be in many workspaces, and speaks alike for all."""
    inside = [as_dict(body.get("team")).get("id"), as_dict(body.get("enterprise")).get("id")]
    return [*inside, *(body.get(name) for name in ("team_id", "context_team_id", "enterprise_id"))]


def of_event(body: Fields) -> Incoming | None:
    """Return what somebody wrote, corrected or took back; what programs write is left out, our own with it."""
    event = as_dict(body.get("event"))
    room, subtype, key = str(event.get("channel", "")), event.get("subtype"), str(body.get("event_id", ""))
    inner = as_dict(event.get("message")) if subtype == "message_changed" else event
    before = as_dict(event.get("previous_message"))
    if event.get("type") != "message" or inner.get("bot_id") or before.get("bot_id") or not room:
        return None
    if subtype == "message_deleted":
        about = str(event.get("deleted_ts") or before.get("ts") or "")
        return _incoming(key, room, before, Kind.TAKEN_BACK, about)
    if subtype == "message_changed":
        is_news = inner.get("text") != before.get("text")  # a preview of a link counts as a change there
        return _incoming(key, room, inner, Kind.EDIT, str(inner.get("ts", ""))) if is_news else None
    return _incoming(str(event.get("ts", "")), room, event, Kind.MESSAGE, "") if subtype in PLAIN else None


def of_history(room: str, message: Fields) -> Incoming | None:
    """Return what somebody wrote, as it stands in a channel, under the id that its event has."""
    return of_event({"event": {**message, "type": "message", "channel": room}})


def _incoming(key: str, room: str, inner: Fields, kind: Kind, about: str) -> Incoming | None:
    user = str(inner.get("user", ""))
    if not user or not key:
        return None
    said = exported.said_in_slack(inner, {})
    return Incoming(
        id=f"{room}:{key}",
        room=room,
        author=user,
        author_name=said.name,
        text=said.text,
        at=_moment(str(inner.get("ts", ""))),
        kind=kind,
        about=f"{room}:{about}" if about else "",
    )


def of_slash(sent: Mapping[str, object], aside: Aside | None) -> Incoming | None:
    """Return `/raglan doing …` as `!doing …`; without words it says what can be written."""
    words = exported.words_of_slack(_text(sent, "text").strip(), {}).lstrip("!") or "help"
    place = (_text(sent, "channel_id"), _text(sent, "user_id"), _text(sent, "user_name"))
    return _spoken(place, f"slash-{_text(sent, 'trigger_id')}", words, aside)


def of_button(body: Fields) -> Incoming | None:
    """Return what a button says as the command that it stands for."""
    who, pressed = as_dict(body.get("user")), body.get("actions")
    first = as_dict(pressed[0]) if isinstance(pressed, list) and pressed else {}
    words = str(first.get("value", ""))
    if body.get("type") != "block_actions" or not words:
        return None
    place = (str(as_dict(body.get("channel")).get("id", "")), str(who.get("id", "")), str(who.get("username", "")))
    said = _spoken(place, f"button-{body.get('trigger_id', '')}", words, None)
    return replace(said, whispers=True) if said else None


def _spoken(place: tuple[str, str, str], key: str, words: str, aside: Aside | None) -> Incoming | None:
    room, user, name = place
    if not room or not user:
        return None
    text = f"!{words}"
    return Incoming(id=f"{room}:{key}", room=room, author=user, author_name=name, text=text, at=now(), aside=aside)


def _moment(stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return now()


def _text(sent: Mapping[str, object], name: str) -> str:
    found = sent.get(name)
    return found if isinstance(found, str) else ""


def as_dict(value: Json) -> Fields:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}

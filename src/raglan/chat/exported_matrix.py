"""Messages as Matrix writes them, in what Element exports and in what a homeserver answers. Pure."""

from collections.abc import Mapping, Sequence

from raglan.chat.told import Reading, Told, from_seconds, name_of
from raglan.core.decode import Json

ENCRYPTED = "m.room.encrypted"


def corrections_in(items: Sequence[Mapping[str, Json]]) -> dict[tuple[str, str], str]:
    """Return the newest words of each message that its sender corrected, by its id and sender."""
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for item in items:
        content, sender, stamp = item.get("content"), str(item.get("sender", "")), item.get("origin_server_ts")
        related = _replaces(content)
        fresh = content.get("m.new_content") if isinstance(content, dict) else None
        body = fresh.get("body") if isinstance(fresh, dict) else None
        if related and isinstance(body, str) and isinstance(stamp, int):
            before = newest.get((related, sender))
            if before is None or stamp >= before[0]:
                newest[related, sender] = (stamp, body)
    return {key: body for key, (_, body) in newest.items()}


def _replaces(content: Json) -> str:
    related = content.get("m.relates_to") if isinstance(content, dict) else None
    return (
        str(related.get("event_id", "")) if isinstance(related, dict) and related.get("rel_type") == "m.replace" else ""
    )


def matrix_line(item: Mapping[str, Json], how: Reading, corrected: Mapping[tuple[str, str], str]) -> Told | None:
    """Read a message; a correction is no line of its own."""
    content = item.get("content")
    if item.get("type") != "m.room.message" or not isinstance(content, dict) or _replaces(content):
        return None
    stamp, sender = item.get("origin_server_ts"), str(item.get("sender", ""))
    if not isinstance(stamp, int):
        raise ValueError("no time")
    number = str(item.get("event_id") or f"{stamp}-{sender}")
    body = corrected.get((number, sender), str(content.get("body", "")))
    return Told(number, from_seconds(stamp / 1000), name_of(how.names.get(sender, sender)), body)

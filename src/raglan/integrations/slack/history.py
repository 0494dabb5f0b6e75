"""What stands in a Slack channel: whether a line of ours does, and what people wrote while nobody could call us."""

from collections.abc import Callable
from datetime import datetime

from raglan.chat.ports import Incoming
from raglan.core.decode import Json
from raglan.integrations.slack import reading
from raglan.integrations.slack.reading import Fields, as_dict

EVENT = "raglan_line"
LOOK_BACK, PAGE, MOST_PAGES = 100, 200, 20
Get = Callable[[str, dict[str, str]], Fields]


def standing(get: Get, room: str, key: str) -> str:
    """Return the time of our message with a key among the newest of a channel; empty without one."""
    query = {"channel": room, "limit": str(LOOK_BACK), "include_all_metadata": "true"}
    for one in _listed(get("conversations.history", query).get("messages")):
        told = as_dict(one.get("metadata"))
        if told.get("event_type") == EVENT and as_dict(told.get("event_payload")).get("key") == key:
            return str(one.get("ts", ""))
    return ""


def missed(get: Get, room: str, since: datetime) -> list[Incoming]:
    """Return what people wrote in a channel since then, oldest first. Slack tells the newest first, by pages."""
    found: list[Fields] = []
    query = {"channel": room, "limit": str(PAGE), "oldest": f"{since.timestamp():.6f}"}
    for _ in range(MOST_PAGES):
        page = get("conversations.history", query)
        found += _listed(page.get("messages"))
        cursor = str(as_dict(page.get("response_metadata")).get("next_cursor") or "")
        if not cursor:
            break
        query = {**query, "cursor": cursor}
    heard = (reading.of_history(room, one) for one in reversed(found))
    return [one for one in heard if one is not None]


def _listed(value: Json) -> list[Fields]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

"""What stands in a Slack channel: whether a line of ours does, and what people wrote while nobody could call us."""

from collections.abc import Callable
from datetime import datetime

from raglan.chat.ports import Incoming
from raglan.core.decode import Json
from raglan.core.errors import DeliveryError
from raglan.integrations.slack import reading
from raglan.integrations.slack.reading import Fields, as_dict

EVENT = "raglan_line"
LOOK_BACK, PAGE, MOST_PAGES = 100, 200, 20
MOST_BEFORE, MOST_THREADS = 5, 100  # pages that are looked through for threads begun earlier; threads that are read
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
    """Return what people wrote in a channel and its threads since then, oldest first, each once.

    A thread stands under the message that began it, which may be older; that one says when it was answered last.
    """
    start = f"{since.timestamp():.6f}"
    new = _pages(get, "conversations.history", {"channel": room, "oldest": start}, MOST_PAGES)
    before = {"channel": room, "latest": start, "inclusive": "true"}
    begun = [*new, *_pages(get, "conversations.history", before, MOST_BEFORE)]
    answered = sorted((one for one in begun if _time(one, "latest_reply") > float(start)), key=_last_answer)
    for one in answered[-MOST_THREADS:]:
        new += [reply for reply in _replies(get, room, one, start) if _time(reply, "ts") > float(start)]
    by_time = {str(one.get("ts", "")): one for one in new}  # an answer that was shown in the channel stands in both
    heard = (reading.of_history(room, one) for one in sorted(by_time.values(), key=lambda one: _time(one, "ts")))
    return [one for one in heard if one is not None]


def _replies(get: Get, room: str, begun: Fields, start: str) -> list[Fields]:
    """Return the answers in a thread since a time; none of one that is gone by now."""
    query = {"channel": room, "ts": str(begun.get("ts", "")), "oldest": start}
    try:
        return _pages(get, "conversations.replies", query, MOST_PAGES)
    except DeliveryError as error:
        if not error.permanent:
            raise
        return []


def _pages(get: Get, method: str, query: dict[str, str], most: int) -> list[Fields]:
    """Return the messages of so many pages, in the order in which Slack tells them."""
    found: list[Fields] = []
    query = {**query, "limit": str(PAGE)}
    for _ in range(most):
        page = get(method, query)
        found += _listed(page.get("messages"))
        cursor = str(as_dict(page.get("response_metadata")).get("next_cursor") or "")
        if not cursor:
            break
        query = {**query, "cursor": cursor}
    return found


def _last_answer(message: Fields) -> float:
    return _time(message, "latest_reply")


def _time(message: Fields, name: str) -> float:
    """Return a time of Slack, which are seconds; 0 where there is none."""
    try:
        return float(str(message.get(name) or "0"))
    except ValueError:
        return 0.0


def _listed(value: Json) -> list[Fields]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

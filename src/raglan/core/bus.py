"""Names of what changed, to everyone in this process who listens; on PostgreSQL to every node.

A message carries names such as `incident:42`, never content: whoever hears it fetches again with their own rights.
"""

import json
import threading
from collections.abc import Callable, Sequence

from django.db import connection, transaction

from raglan.core import logs

Listener = Callable[[Sequence[str], int], None]
CHANNEL = "raglan_bus"
MAX_NOTIFY_BYTES = 7_000

_listeners: list[Listener] = []
_lock = threading.Lock()
log = logs.get("raglan.bus")


def subscribe(listener: Listener) -> Callable[[], None]:
    """Call `listener(names, newest event id)` after each commit; return a function that ends it."""
    with _lock:
        _listeners.append(listener)

    def unsubscribe() -> None:
        with _lock:
            if listener in _listeners:
                _listeners.remove(listener)

    return unsubscribe


def publish(names: Sequence[str], event_id: int) -> None:
    """Tell everyone, once the current transaction is on disk. A rolled-back transaction tells nobody."""
    if connection.vendor == "postgresql":
        _notify(names, event_id)
    else:
        transaction.on_commit(lambda: deliver(names, event_id))


def deliver(names: Sequence[str], event_id: int) -> None:
    """Hand names to the listeners of this process. A listener that raises is counted and passed over."""
    with _lock:
        listeners = list(_listeners)
    for listener in listeners:
        try:
            listener(names, event_id)
        except RuntimeError as error:
            log.warning("a bus listener failed", extra={"error": str(error)})


def _notify(names: Sequence[str], event_id: int) -> None:
    body = json.dumps({"names": list(names), "id": event_id})
    if len(body) > MAX_NOTIFY_BYTES:
        body = json.dumps({"names": ["*"], "id": event_id})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, body])


def parse(body: str) -> tuple[list[str], int]:
    """Read a message of another node."""
    value = json.loads(body)
    return [str(name) for name in value["names"]], int(value["id"])

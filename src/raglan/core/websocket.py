"""The one wrapper for outgoing websockets, as `core.http` is for requests: checked addresses, bounded messages.

The library is read when the first line is opened, so that nobody pays for it who has none.
"""

import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from raglan.config import config
from raglan.core import http
from raglan.core.db import in_write
from raglan.core.errors import DeliveryError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

MOST_MESSAGE = 4 * 1024 * 1024
PING_S = 20.0  # so often the other side is asked whether it is there, and so long it has to say so
GOODBYE_S = 1.0


class Line:
    """A line to a server: texts go out and come in, whole."""

    def __init__(self, connection: "ClientConnection", host: str) -> None:
        self._connection = connection
        self._host = host
        self.since = time.monotonic()

    def receive(self, wait_s: float) -> str | None:
        """Wait for a text; None when none came in time. Raises DeliveryError when the line is gone."""
        from websockets.exceptions import ConnectionClosed

        try:
            found = self._connection.recv(timeout=wait_s)
        except TimeoutError:
            return None
        except (ConnectionClosed, OSError) as error:
            raise DeliveryError(f"{self._host} ended the line: {error}", permanent=False) from None
        return found if isinstance(found, str) else found.decode("utf-8", "replace")

    def send(self, text: str) -> None:
        """Send a text. Raises DeliveryError when the line is gone."""
        from websockets.exceptions import ConnectionClosed

        try:
            self._connection.send(text)
        except (ConnectionClosed, OSError) as error:
            raise DeliveryError(f"{self._host} ended the line: {error}", permanent=False) from None

    def close(self) -> None:
        """Let go; whoever waits is told."""
        with suppress(OSError):
            self._connection.close()


def connect(url: str) -> Line:
    """Open a line to `wss://…`, or `ws://…`, within the deadline of one hand-over. Raises DeliveryError."""
    from websockets.exceptions import WebSocketException
    from websockets.sync import client

    if in_write():
        raise RuntimeError("no network inside a transaction")
    host, port, is_sealed = _place(url)
    address = http.resolve(host, port)
    wait_s = config().send_deadline_s
    try:
        raw = socket.create_connection((str(address), port), timeout=wait_s)
        connection = client.connect(
            url,
            sock=raw,
            ssl=ssl.create_default_context() if is_sealed else None,
            server_hostname=host if is_sealed else None,
            user_agent_header="raglan",
            compression=None,
            proxy=None,
            open_timeout=wait_s,
            close_timeout=GOODBYE_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_size=MOST_MESSAGE,
            legacy=True,
        )
    except (OSError, WebSocketException) as error:
        raise DeliveryError(f"{host} does not open a line: {error}", permanent=False) from None
    return Line(connection, host)


def _place(url: str) -> tuple[str, int, bool]:
    """Return host, port, and whether it is TLS. Raises DeliveryError."""
    wrong = DeliveryError("what was named is no address of a line", permanent=False)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("ws", "wss") or not host or parts.username or parts.password:
        raise wrong
    is_sealed = parts.scheme == "wss"
    return host, port or (443 if is_sealed else 80), is_sealed

"""On PostgreSQL: hears the names that other nodes publish, on a connection of its own, and passes them on."""

import threading

import psycopg
from django.db import connection

from raglan.core import bus, logs

POLL_S = 2.0
log = logs.get("raglan.listen")


class Listener:
    """A thread that listens, and connects again after a break."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raglan-listen", daemon=True)
        self._parameters: dict[str, object] = {}

    def start(self) -> None:
        """Start listening."""
        wanted = ("host", "port", "user", "password", "dbname")
        self._parameters = {
            name: value for name, value in connection.get_connection_params().items() if name in wanted and value
        }
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(POLL_S + 1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
            except psycopg.Error as error:
                log.warning("the listening connection broke; screens may be late", extra={"error": str(error)})
                self._stopping.wait(1.0)

    def _hear(self) -> None:
        with psycopg.connect(autocommit=True, connect_timeout=2, **self._parameters) as heard:  # type: ignore[arg-type]  # from Django's settings
            heard.execute(f"LISTEN {bus.CHANNEL}")
            bus.deliver(["*"], 0)  # whatever was missed while there was no connection
            while not self._stopping.is_set():
                for message in heard.notifies(timeout=POLL_S, stop_after=100):
                    names, event_id = bus.parse(message.payload)
                    bus.deliver(names, event_id)

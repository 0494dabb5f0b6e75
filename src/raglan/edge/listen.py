"""On PostgreSQL: hears the names that nodes publish, on a connection of its own, and hands them to this process."""

import threading
import time

import psycopg
from django.db import connection

from raglan.core import bus, logs

POLL_S = 2.0
SIGN_OF_LIFE_S = 10.0
AGAIN_S = 1.0
PASSED_ON = (
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "connect_timeout",
    "target_session_attrs",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
)
log = logs.get("raglan.listen")


class Listener:
    """A thread that listens, and connects again after a break."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raglan-listen", daemon=True)
        self._parameters: dict[str, object] = {}

    def start(self) -> None:
        """Start listening."""
        given = connection.get_connection_params()
        self._parameters = {name: given[name] for name in PASSED_ON if given.get(name)}
        self._thread.start()

    def stop(self, timeout: float = 0.0) -> bool:
        """End the thread; return whether that was done in time. It has nothing that anybody needs to wait for."""
        self._stopping.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
            except psycopg.Error as error:
                log.warning("the listening connection broke; screens may be late", extra={"error": str(error)})
                self._stopping.wait(AGAIN_S)

    def _hear(self) -> None:
        with psycopg.connect(autocommit=True, **self._parameters) as heard:  # type: ignore[arg-type]  # from Django's settings
            heard.execute(f"LISTEN {bus.CHANNEL}")
            bus.deliver(["*"], 0)  # whatever was missed while there was no connection
            asked = time.monotonic()
            while not self._stopping.is_set():
                for message in heard.notifies(timeout=POLL_S, stop_after=100):
                    names, event_id = bus.parse(message.payload)
                    bus.deliver(names, event_id)
                if time.monotonic() - asked > SIGN_OF_LIFE_S:  # silence may be peace, or a connection that is gone
                    heard.execute("SELECT 1")
                    asked = time.monotonic()

"""A thread that asks the database for a sign of life, and tells how long it has been answering."""

import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from raglan.core import logs
from raglan.core.db import deadline
from raglan.edge.looking import Looking

EVERY_S = 2.0
ANSWER_S = 5.0
log = logs.get("raglan.pulse")


class Pulse:
    """Looks every few seconds; `also` is done each time that the database answers."""

    def __init__(self, also: Callable[[], object] = lambda: None) -> None:
        self.answering_since: float | None = time.monotonic()
        self.silent_since: float | None = None
        self._also = also
        self._looking = Looking("raglan-pulse", self._try, every_s=EVERY_S)

    def start(self) -> None:
        """Start looking."""
        self._looking.start()

    def stop(self) -> None:
        """Look no more."""
        self._looking.stop()

    def _try(self) -> None:
        try:
            self.look()
        except (DatabaseError, InterfaceError) as error:
            self._note(answers=False, error=str(error))

    def look(self) -> None:
        """Ask once. Raises what the database raises."""
        close_old_connections()
        with deadline(ANSWER_S), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        self._note(answers=True)
        self._also()

    def _note(self, *, answers: bool, error: str = "") -> None:
        if answers == (self.answering_since is not None):
            return
        self.answering_since = time.monotonic() if answers else None
        self.silent_since = None if answers else time.monotonic()
        if answers:
            log.warning("the database answers again")
        else:
            log.error("the database does not answer", extra={"error": error})

"""Where something is done: on the connection of the test, or on another one."""

import threading
from collections.abc import Callable

from django.db import connection


def here(act: Callable[[], object]) -> None:
    """Do something on the connection of this thread."""
    act()


def elsewhere(act: Callable[[], object]) -> None:
    """Do something on a connection of its own."""

    def run() -> None:
        act()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()

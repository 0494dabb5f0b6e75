"""A deadline for a whole conversation over a socket.

A timeout of a socket counts anew with each byte, so that a peer which sends one now and then holds a thread for ever.
"""

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType


class CutOff:
    """Shuts the watched socket when a moment (monotonic seconds) comes; `struck` says whether it came."""

    def __init__(self, at: float) -> None:
        self.struck = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(max(0.0, at - time.monotonic()), self._strike)
        self._timer.daemon = True

    def watch(self, connected: socket.socket) -> None:
        """Watch this socket from now on, in place of an earlier one."""
        with self._lock:
            self._socket = connected
            if self.struck:
                self._shut()

    def _strike(self) -> None:
        with self._lock:
            self.struck = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it may be closed by now
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # past TLS, which would want to say goodbye

    def __enter__(self) -> "CutOff":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

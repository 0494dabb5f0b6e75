"""Servers and other programs that a command starts and ends: each in a session of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import IO, Self

READY_S = 60
STOP_S = 15


class Child:
    """A raglan command that runs beside this one; Ctrl-C reaches it only through us."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        *,
        output: IO[bytes] | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._ends_by = ends_by
        command = [sys.executable, "-m", "raglan", *arguments]
        out = subprocess.STDOUT if output is not None else None
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **env},
            stdout=output,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> int:
        """Ask it to end, force it when it does not, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(self._ends_by)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def wait_until_ready(child: Child, host: str, port: int, *, seconds: float = READY_S) -> bool:
    """Wait for /readyz; return whether it came before the time was over and while the child lived."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and child.process.poll() is None:
        if status_of(host, port, "/readyz") == 200:
            return True
        time.sleep(0.05)
    return False


def status_of(host: str, port: int, path: str) -> int:
    """Return the status of a GET, 0 when nobody answers."""
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_taken(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0

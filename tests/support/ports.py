"""Ports for servers of tests that are told where to listen: no two get the same, and no connection takes it before.

The system gives the ports above these to connections, and to whoever asks for any. One of those may be taken between
the moment in which it was found free and the start of the server, or while a test has its server stopped.
"""

import fcntl
import secrets
import socket
import tempfile
from contextlib import suppress
from os import getuid
from pathlib import Path
from typing import TextIO

LOWEST, HIGHEST = 20_000, 32_700  # Linux gives 32768 and above to connections
_kept: list[TextIO] = []


def free_port() -> int:
    """Return a port that nobody listens on, and that no other test gets as long as this process lives.

    Raises AssertionError when there is none.
    """
    folder = Path(tempfile.gettempdir()) / f"raglan-ports-{getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for _ in range(1000):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)  # not `random`, which each worker seeds alike
        if _is_ours(folder, port):
            return port
    raise AssertionError("no port is free")


def _is_ours(folder: Path, port: int) -> bool:
    mark = (folder / str(port)).open("w")
    with suppress(OSError):
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(type=kind) as probe:
                probe.bind(("127.0.0.1", port))
        _kept.append(mark)
        return True
    mark.close()
    return False

"""uvicorn as raglan runs it: inside our own loop, with our protocol, silent, and with signals left to us."""

import socket
from contextlib import AbstractContextManager, nullcontext

import uvicorn

from raglan.edge.answers import App
from raglan.edge.protocol import Protocol

BACKLOG = 2048
KEEP_ALIVE_S = 65
# A peer that does not take what we sent for so long is gone; the kernel then ends the connection.
UNHEARD_MS = 30_000


class Server(uvicorn.Server):
    """uvicorn, which would raise a SIGTERM again after serving and so end us before timers drain."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # nothing to capture
        """Leave signals to us."""
        return nullcontext()


def make(app: App, *, grace_s: float = 3.0) -> Server:
    """Return a server; `grace_s` is what requests under way get at the end."""
    config = uvicorn.Config(
        app,
        loop="none",
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(grace_s)),
        backlog=BACKLOG,
    )
    return Server(config)


def take_port(host: str, port: int) -> socket.socket:
    """Take the port, so that a second raglan says so before it touches anything. Raises OSError in plain words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        words = f"raglan can not listen on {host}:{port}: {error.strerror}. Is it running already?"
        raise OSError(words) from None
    return listening

"""A small server on loopback for the scripts: pages, regions, posts, and a stream that tests steer."""

import mimetypes
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from raglan.ui.build import STATIC

WAIT = 30  # seconds
END = ""


@dataclass
class World:
    """What the server answers, and what it was sent."""

    pages: dict[str, str] = field(default_factory=dict)
    posts: list[dict[str, str]] = field(default_factory=list)
    post_status: int = 200
    stream: str = "on"  # on, off (refused), silent (opened and nothing comes)
    up: bool = True
    refused: str = ""  # a path at which nothing is taken, as if the server were down
    asked: list[str] = field(default_factory=list)
    streams: list["queue.Queue[str]"] = field(default_factory=list)
    opened: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def tell(self, data: str, *, event: str = "", number: int = 0) -> None:
        """Send one message to every open stream."""
        head = (f"event: {event}\n" if event else "") + (f"id: {number}\n" if number else "")
        for stream in list(self.streams):
            stream.put(f"{head}data: {data}\n\n")

    def cut(self) -> None:
        """End every stream."""
        for stream in list(self.streams):
            stream.put(END)

    def wait_for_stream(self) -> None:
        """Wait until a page has opened its stream."""
        assert self.opened.acquire(timeout=WAIT)


class Handler(BaseHTTPRequestHandler):
    """Answers for a `World`."""

    world: World

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a page, a region, a static file or the stream."""
        parts = urlsplit(self.path)
        self.world.asked.append(self.path)
        if parts.path.startswith("/static/"):
            self._static(parts.path)
        elif not self.world.up:
            self._answer(503, "text/plain", b"down")
        elif parts.path == "/live":
            self._live()
        elif parts.path in self.world.pages:
            self._answer(200, "text/html; charset=utf-8", self.world.pages[parts.path].encode())
        else:
            self._answer(404, "text/plain", b"nothing here")

    def do_POST(self) -> None:
        """Note what was posted."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.world.up or self.path == self.world.refused:
            self._answer(503, "text/plain", b"down")
            return
        self.world.posts.append(_fields(self.headers["Content-Type"], body))
        status = self.world.post_status
        words = b'{"code": "x", "message": "The incident is closed."}' if status >= 400 else b"{}"
        self._answer(status, "application/json", words)

    def _static(self, path: str) -> None:
        file = STATIC / path.removeprefix("/static/")
        kind = mimetypes.guess_type(file.name)[0] or "text/plain"
        self._answer(200, kind, file.read_bytes())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _live(self) -> None:
        if self.world.stream == "off":
            self._answer(503, "text/plain", b"no stream")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        messages: queue.Queue[str] = queue.Queue()
        self.world.streams.append(messages)
        self.wfile.flush()
        self.world.opened.release()
        while (message := messages.get()) != END:
            self.wfile.write(message.encode())
            self.wfile.flush()
        self.world.streams.remove(messages)


def _fields(kind: str, body: bytes) -> dict[str, str]:
    if kind.startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): str(part.get_content()).rstrip("\r\n")
        for part in message.iter_parts()
    }


class Server(ThreadingHTTPServer):
    """Ends its threads with itself."""

    daemon_threads = True


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve a world; give its address."""
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"world": world}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        world.cut()
        server.shutdown()
        server.server_close()
        thread.join(WAIT)

"""A real git server on loopback: git's own `http-backend` behind a small HTTP server, with a password if wanted."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Repository:
    """A bare repository and a work tree that is pushed to it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "served" / "web.git"
        self.work = folder / "work"
        for place in (self.bare, self.work):
            place.mkdir(parents=True)
        self.git(self.bare, "init", "--quiet", "--bare", "--initial-branch=main")
        self.git(self.work, "init", "--quiet", "--initial-branch=main")

    def git(self, place: Path, *words: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.work.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        own = ("-c", "user.name=Test", "-c", "user.email=test@example.test")
        done = subprocess.run(["git", *own, *words], cwd=place, env=env, check=True, capture_output=True, timeout=20)
        return done.stdout.decode().strip()

    def put(self, **files: str | bytes | None) -> str:
        """Commit files, named with `__` for a slash and without their ending; None removes one. Return the commit."""
        for name, text in files.items():
            path = self.work / f"{name.replace('__', '/')}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.push()

    def push(self) -> str:
        """Commit what lies in the work tree, and publish it."""
        self.git(self.work, "add", "--all")
        self.git(self.work, "commit", "--quiet", "--message=more")
        self.git(self.work, "push", "--quiet", str(self.bare), "HEAD:main")
        return self.git(self.work, "rev-parse", "HEAD")


class Handler(BaseHTTPRequestHandler):
    root = ""
    password = ""
    elsewhere = ""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        if self.elsewhere:
            self._answer(302, [("Location", f"{self.elsewhere}{self.path}")], b"")
            return
        wanted = base64.b64encode(f"git:{self.password}".encode()).decode()
        if self.password and self.headers.get("Authorization") != f"Basic {wanted}":
            self._answer(401, [("WWW-Authenticate", "Basic")], b"")
            return
        parts = urlsplit(self.path)
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, timeout=20, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        pairs = [line.decode().split(": ", 1) for line in head.split(b"\r\n")]
        status = next((int(value.split()[0]) for name, value in pairs if name == "Status"), 200)
        self._answer(status, [(name, value) for name, value in pairs if name != "Status"], rest)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the parent
        """Say nothing."""


@contextmanager
def serving(root: Path, *, password: str = "", elsewhere: str = "") -> Iterator[str]:
    """Serve the repositories below a folder; give the address."""
    own = type("Own", (Handler,), {"root": str(root), "password": password, "elsewhere": elsewhere})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

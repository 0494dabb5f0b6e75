"""A real git server on loopback: git's own `http-backend` behind a small HTTP server, with a password if wanted."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.integrations.fakes import Answer, Request, http_server


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
        done = subprocess.run(["git", *own, *words], cwd=place, env=env, check=True, capture_output=True, timeout=60)
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


@contextmanager
def serving(root: Path, *, password: str = "", elsewhere: str = "") -> Iterator[str]:
    """Serve the repositories below a folder; give the address."""

    def respond(request: Request) -> Answer:
        if elsewhere:
            return Answer(302, headers=(("Location", f"{elsewhere}{request.path}"),))
        wanted = base64.b64encode(f"git:{password}".encode()).decode()
        if password and request.headers.get("authorization") != f"Basic {wanted}":
            return Answer(401, headers=(("WWW-Authenticate", "Basic"),))
        return _from_git(root, request)

    with http_server(respond) as url:
        yield url


def _from_git(root: Path, request: Request) -> Answer:
    parts = urlsplit(request.path)
    env = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
    }
    command = ["git", "http-backend"]
    done = subprocess.run(command, env=env, input=request.body, capture_output=True, timeout=60, check=True)
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    pairs = [line.decode().split(": ", 1) for line in head.split(b"\r\n")]
    status = next((int(value.split()[0]) for name, value in pairs if name == "Status"), 200)
    return Answer(status, rest, tuple((name, value) for name, value in pairs if name != "Status"))

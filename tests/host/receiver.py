"""A stand-in for raglan: the gate, files, and the door for reports, as they are promised."""

import gzip
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Answers as it is told and keeps what came."""

    def __init__(self) -> None:
        self.status = 202
        self.retry_after = ""
        self.reports: list[dict[str, Any]] = []
        self.posts = 0
        self.known: set[str] = set()
        self.texts: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.slow_s = 0.0
        self.breaks_on = ""  # a version that it can not store
        self.refuses: dict[str, int] = {}  # what a question holds that it does not take, and its status
        self.moved = ""  # where all else is now, as a portal says that wants a name first
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(receiver.slow_s)
                if receiver.moved and not self.path.startswith(receiver.moved):
                    receiver.asked.append((self.path, self.headers.get("Authorization", "")))
                    self.reply(302, b"")
                    return
                receiver.asked.append((self.path, self.headers.get("Authorization", "")))
                self.reply(*receiver.text_at(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 302 if receiver.moved else receiver.take(json.loads(gzip.decompress(body)))
                self.reply(status, b'{"need":"packages"}' if status == 409 else b"{}")

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if receiver.moved:
                    self.send_header("Location", receiver.moved)
                if receiver.retry_after:
                    self.send_header("Retry-After", receiver.retry_after)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def text_at(self, path: str) -> tuple[int, bytes]:
        """Return status and text for a question."""
        refused = [status for words, status in self.refuses.items() if words in path]
        text = self.texts.get(path.partition("?")[0])
        return refused[0] if refused else 200 if text is not None else 404, (text or "").encode()

    def take(self, told: dict[str, Any]) -> int:
        """Take a report once; ask for packages whose hash is not known."""
        self.posts += 1
        if self.status != 202:
            return self.status
        packages = told.get("packages")
        if self.breaks_on and packages and packages[0][1] == self.breaks_on:
            return 500
        if packages is not None:
            written = json.dumps(packages, separators=(",", ":")).encode()
            assert hashlib.sha256(written).hexdigest() == told["packages_hash"]
            self.known.add(told["packages_hash"])
        elif told.get("packages_hash") and told["packages_hash"] not in self.known:
            return 409
        if (told["boot"], told["seq"]) not in [(one["boot"], one["seq"]) for one in self.reports]:
            self.reports.append(told)
        return 202

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        """End."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(60)

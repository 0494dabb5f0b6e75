"""A real Matrix homeserver for tests: Synapse in a process of its own, on loopback, with accounts made as needed."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.support.ports import free_port

READY_S = 120
NAME = "raglan.test"
SECRET = "for-tests-only"
CONFIG = """
server_name: "{name}"
pid_file: "{folder}/pid"
listeners:
  - {{port: {port}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
media_store_path: "{folder}/media"
signing_key_path: "{folder}/signing.key"
macaroon_secret_key: "for-tests-only"
form_secret: "for-tests-only"
registration_shared_secret: "{secret}"
trusted_key_servers: []
report_stats: false
rc_message: {{per_second: 1000, burst_count: 1000}}
rc_registration: {{per_second: 1000, burst_count: 1000}}
rc_joins: {{local: {{per_second: 1000, burst_count: 1000}}}}
rc_invites: {{per_user: {{per_second: 1000, burst_count: 1000}}, per_room: {{per_second: 1000, burst_count: 1000}}}}
rc_login: {{address: {{per_second: 1000, burst_count: 1000}}, account: {{per_second: 1000, burst_count: 1000}}}}
"""


@dataclass
class Account:
    """Somebody on the homeserver."""

    url: str
    id: str
    token: str

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Ask the homeserver as this account."""
        return ask(method, f"{self.url}/_matrix/client/v3{path}", body, self.token)

    def say(self, room: str, text: str, **more: object) -> str:
        """Write a message; return its id."""
        path = f"/rooms/{quote(room)}/send/m.room.message/{secrets.token_hex(8)}"
        return str(self.call("PUT", path, {"msgtype": "m.text", "body": text, **more})["event_id"])

    def correct(self, room: str, event: str, text: str) -> str:
        """Correct a message."""
        new = {"msgtype": "m.text", "body": text}
        about = {"rel_type": "m.replace", "event_id": event}
        return self.say(room, f"* {text}", **{"m.new_content": new, "m.relates_to": about})

    def react(self, room: str, event: str, sign: str) -> None:
        """Put a sign under a message."""
        related = {"rel_type": "m.annotation", "event_id": event, "key": sign}
        self.call("PUT", f"/rooms/{quote(room)}/send/m.reaction/{secrets.token_hex(8)}", {"m.relates_to": related})

    def take_back(self, room: str, event: str) -> None:
        """Take a message back."""
        self.call("PUT", f"/rooms/{quote(room)}/redact/{quote(event)}/{secrets.token_hex(8)}", {})

    def join(self, room: str) -> str:
        """Enter a room by id or address."""
        return str(self.call("POST", f"/join/{quote(room, safe='')}", {})["room_id"])

    def messages(self, room: str) -> list[str]:
        """Return what stands in a room, oldest first."""
        found = self.call("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=200")["chunk"]
        assert isinstance(found, list)
        texts = [event["content"].get("body") for event in found if event["type"] == "m.room.message"]
        return [text for text in texts[::-1] if text]

    def topic(self, room: str) -> str:
        """Return what stands above a room."""
        return str(self.call("GET", f"/rooms/{quote(room)}/state/m.room.topic/")["topic"])

    def enter(self, address: str) -> str:
        """Enter a room as soon as that is allowed; return its id, or nothing as long as it is not."""
        try:
            return self.join(address)
        except HTTPError:
            return ""


def ask(method: str, url: str, body: object, token: str = "") -> dict[str, object]:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    with urlopen(Request(url, data=data, method=method, headers=headers), timeout=60) as answer:
        found = json.loads(answer.read())
    assert isinstance(found, dict)
    return found


@dataclass
class Synapse:
    """One homeserver."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address for clients."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "synapse.app.homeserver", "--config-path", str(self.folder / "hs.yaml")]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env=environment)
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                ask("GET", f"{self.url}/_matrix/client/versions", None)
            except (URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"Synapse did not get ready:\n{(self.folder / 'log').read_text()[-4000:]}")

    def kill(self) -> None:
        """End it at once, as a machine does that loses its power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    def account(self, name: str) -> Account:
        """Return an account, made at first use."""
        if name not in self.accounts:
            url = f"{self.url}/_synapse/admin/v1/register"
            nonce = str(ask("GET", url, None)["nonce"])
            password = secrets.token_hex(8)
            parts = "\0".join((nonce, name, password, "notadmin")).encode()
            mac = hmac.new(SECRET.encode(), parts, hashlib.sha1).hexdigest()
            body = {"nonce": nonce, "username": name, "password": password, "admin": False, "mac": mac}
            try:
                made = ask("POST", url, body)
            except HTTPError as error:
                raise AssertionError(error.read()) from error
            self.accounts[name] = Account(self.url, str(made["user_id"]), str(made["access_token"]))
        return self.accounts[name]


@contextmanager
def homeserver() -> Iterator[Synapse]:
    """Run a homeserver in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="raglan-synapse-"))
    server = Synapse(folder, free_port())
    (folder / "hs.yaml").write_text(CONFIG.format(name=NAME, folder=folder, port=server.port, secret=SECRET))
    seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    (folder / "signing.key").write_text(f"ed25519 a_test {seed}\n")
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

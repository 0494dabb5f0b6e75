"""A real raglan for tests: `raglan serve` in a process of its own, with its own data folder and SMTP sink."""

import atexit
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from http.client import HTTPConnection, HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TextIO
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import free_port

READY_S, PATIENCE_S = 120, 60  # what comes at once on a quiet machine takes its time where others work


class Mailbox:
    """A real SMTP server that keeps what it took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.arrived: list[float] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=PATIENCE_S)
        self._controller.start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        """Keep one mail."""
        self.arrived.append(time.time())
        self.mails.append(message_from_bytes(envelope.content or b"", policy=policy.default))
        return "250 OK"

    @property
    def url(self) -> str:
        """The address for `smtp_url`."""
        return f"smtp://127.0.0.1:{self._controller.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """Return the mails to an address."""
        return [mail for mail in self.mails if mail["To"] == address]

    def stop(self) -> None:
        """End the server."""
        self._controller.stop()


@dataclass
class Running:
    """One raglan under test."""

    url: str
    data_dir: Path
    mailbox: Mailbox
    env: Mapping[str, str]
    process: "subprocess.Popen[bytes]"
    log: Path
    token: str = ""
    people: dict[str, int] = field(default_factory=dict)

    def api(self, method: str, path: str, body: object = None, *, token: str = "") -> object:
        """Call the REST API and return its JSON. Raises urllib's HTTPError on a refusal."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        request = Request(f"{self.url}/api/v1{path}", data=data, method=method, headers=headers)
        with urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def start_again(self, ready: str = "/readyz") -> None:
        """Start on the same data and port; wait until it says that it is ready."""
        self.process = spawn(self.env, self.log)
        wait_ready(self, ready)


def spawn(env: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start `raglan serve`."""
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, "-m", "raglan", "serve"], env=dict(env), stdout=out, stderr=out)


def wait_ready(running: Running, path: str = "/readyz") -> None:
    """Wait until it says that it is ready; the log is shown when it does not."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and running.process.poll() is None:
        if get_status(running.url, path) == 200:
            return
        time.sleep(0.05)
    raise AssertionError(f"raglan did not get ready:\n{running.log.read_text()[-4000:]}")


def get_status(url: str, path: str) -> int:
    """Return the status of a GET, 0 when nobody answers."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


@contextmanager
def serving(*, is_new: bool = False, **options: str) -> Iterator[Running]:
    """Run raglan with an administrator and a token, or all new with nobody.

    Options are RAGLAN_* without the prefix, in small letters.
    """
    with tempfile.TemporaryDirectory(prefix="raglan-serve-") as folder:
        data_dir, mailbox, port = Path(folder), Mailbox(), free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
        env |= {
            "RAGLAN_DATA_DIR": str(data_dir / "data"),
            "RAGLAN_CONFIG": str(data_dir / "raglan.toml"),
            "RAGLAN_PORT": str(port),
            "RAGLAN_SMTP_URL": mailbox.url,
            "RAGLAN_ALLOW_NETWORKS": "127.0.0.0/8",
            "RAGLAN_DEMO": "true",
        }
        env |= {f"RAGLAN_{name.upper()}": value for name, value in options.items()}
        token = ""
        if env.get("RAGLAN_DATABASE_URL"):
            said = said_by(env, "migrate", *([] if is_new else ["token ada@example.test"]))
            token = "" if is_new else said.split()[-1]
        elif is_new:
            put_migrated(data_dir / "data")
        else:
            token = put_with_first_token(data_dir / "data")
        log = data_dir / "log"
        running = Running(f"http://127.0.0.1:{port}", data_dir, mailbox, env, spawn(env, log), log, token)
        try:
            wait_ready(running)
            yield running
        finally:
            running.stop()
            mailbox.stop()


@cache
def migrated() -> Path:
    """Return a database with all migrations and nothing in it, which takes long: once for all processes of a test run.

    Beside it is one that has the first administrator, and the token of theirs.

    Nobody writes to it, see `put_migrated`; the last process that used it removes it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"raglan-migrated-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    users = (folder / "users").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    atexit.register(_leave, users, folder)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            command = [sys.executable, "-m", "raglan"]
            subprocess.run([*command, "migrate"], env=_alone_in(folder), check=True, capture_output=True, timeout=120)
            (folder / "ada").mkdir()
            shutil.copy(folder / "raglan.sqlite3", folder / "ada")
            (folder / "ada" / "token").write_text(first_token(command, _alone_in(folder / "ada")))
            (folder / "done").touch()
    return folder / "raglan.sqlite3"


def _alone_in(folder: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
    return env | {"RAGLAN_DATA_DIR": str(folder), "RAGLAN_CONFIG": str(folder / "raglan.toml")}


def _leave(users: TextIO, folder: Path) -> None:
    with suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def put_migrated(data: Path) -> Path:
    """Give a data folder, which is made, a database with all migrations and nothing in it."""
    data.mkdir(mode=0o700, parents=True)
    shutil.copy(migrated(), data)
    return data


def put_with_first_token(data: Path) -> str:
    """Give a data folder, which is made, a database with the first administrator; return the token of theirs."""
    data.mkdir(mode=0o700, parents=True)
    ada = migrated().parent / "ada"
    shutil.copy(ada / "raglan.sqlite3", data)
    return (ada / "token").read_text()


ONE_AFTER_ANOTHER = """
import sys
from raglan.cli import main
for command in sys.argv[1:]:
    try:
        main(command.split())
    except SystemExit as ended:
        if ended.code:
            raise
"""


def said_by(env: Mapping[str, str], *commands: str) -> str:
    """Return what commands say, run in one process: each start of one takes two seconds."""
    words = [sys.executable, "-c", ONE_AFTER_ANOTHER, *commands]
    return subprocess.run(words, env=dict(env), check=True, capture_output=True, text=True, timeout=240).stdout


def first_token(command: list[str], env: Mapping[str, str]) -> str:
    """Make the first administrator and a token."""
    words = [*command, "token", "ada@example.test"]
    made = subprocess.run(words, env=env, check=True, capture_output=True, text=True)
    return made.stdout.split()[-1]


def until(look: "object", seconds: float = PATIENCE_S, every: float = 0.05) -> object:
    """Return the first true value of `look()`; raise AssertionError when none came in time."""
    assert callable(look)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := look():
            return value
        time.sleep(every)
    raise AssertionError("this did not come true in time")


def set_up_web_team(running: Running) -> str:
    """Make two people, a team, a rota, a policy, a route and a Prometheus source; return the source's token."""
    api = running.api
    for name in ("Mara Novak", "Ike Okafor"):
        email = f"{name.split()[0].lower()}@example.test"
        made = api("POST", "/people", {"name": name, "email": email, "role": "responder", "time_zone": "Europe/Berlin"})
        assert isinstance(made, dict)
        running.people[name.split()[0].lower()] = made["id"]
    api("POST", "/teams", {"name": "Web", "slug": "web"})
    for person_id in running.people.values():
        api("POST", "/teams/web/members", {"person_id": person_id})
    rotation = {
        "participants": [running.people["mara"]],
        "handoff_weekday": 0,
        "handoff_time": "09:00",
        "starts_on": "2026-01-01",
    }
    schedule = {"name": "Web", "slug": "web", "team": "web", "time_zone": "Europe/Berlin", "rotation": rotation}
    api("POST", "/schedules", schedule)
    steps = [
        {"wait_s": 300, "targets": [{"type": "schedule", "id": "web"}]},
        {"wait_s": 300, "targets": [{"type": "person", "id": running.people["ike"]}]},
    ]
    api("POST", "/policies", {"name": "Web", "slug": "web", "repeat": 1, "steps": steps})
    api("POST", "/services", {"name": "httpd", "slug": "httpd", "team": "web"})
    source = api("POST", "/sources", {"name": "Prometheus", "slug": "prometheus", "kind": "alertmanager"})
    api("POST", "/routes", {"position": 1, "matchers": [], "policy": "web"})
    assert isinstance(source, dict)
    return str(source["token"])


def session_cookie(running: Running) -> str:
    """Sign in by the demonstration's form, without a browser; return the Cookie header."""
    opener = build_opener(HTTPCookieProcessor(jar := CookieJar()))
    with opener.open(f"{running.url}/account/login/", timeout=PATIENCE_S) as answer:
        form = answer.read().decode()
    fields = {
        name: re.findall(rf'name="{name}" value="([^"]+)"', form)[0] for name in ("csrfmiddlewaretoken", "person")
    }
    with opener.open(f"{running.url}/demo/sign-in/", data=urlencode(fields).encode(), timeout=PATIENCE_S) as answer:
        assert answer.status == 200
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def person_token(running: Running, name: str) -> str:
    """Return a fresh token of a person."""
    body = {"name": "test", "scopes": ["read", "respond", "page"]}
    made = running.api("POST", f"/people/{running.people[name]}/tokens", body)
    assert isinstance(made, dict)
    return str(made["token"])

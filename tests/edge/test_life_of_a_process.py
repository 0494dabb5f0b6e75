"""One real `raglan serve`: how it begins, what it says, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from shutil import copytree

import pytest

from tests.support.pace import timed
from tests.support.server import put_migrated

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
READY_S = 120


class Process:
    """A raglan on its own data, on a port that the system chose."""

    def __init__(self, data: Path, **options: str) -> None:
        self.data = data
        self.env = environment(data) | {f"RAGLAN_{name.upper()}": value for name, value in options.items()}
        self.log = (data.parent / f"{data.name}.log").open("a+", encoding="utf-8")
        command = [sys.executable, "-u", "-m", "raglan", "serve"]
        self.process = subprocess.Popen(command, env=self.env, stdout=self.log, stderr=self.log)
        self.port = 0

    def wait(self) -> "Process":
        """Wait until it is ready."""
        self.port = until(self._said_port, READY_S)
        until(lambda: self.get("/readyz")[0] == 200, READY_S)
        return self

    def _said_port(self) -> int:
        assert self.process.poll() is None, self.said()
        return next((int(line.rpartition(":")[2]) for line in self.said().splitlines() if "raglan is at " in line), 0)

    def said(self) -> str:
        """Return all that it has written."""
        self.log.flush()
        return Path(self.log.name).read_text(encoding="utf-8")

    def get(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        """Ask once; status 0 when nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
        finally:
            connection.close()

    def plug(self, text: bytes) -> socket.socket:
        """Send something as it is."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        opened.sendall(text)
        return opened

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return exit code and seconds."""
        with timed() as pace:
            if self.process.poll() is None:
                self.process.send_signal(number)
            code = self.process.wait(60)
        return code, pace.s

    def hold_up(self) -> socket.socket:
        """Begin a request and do not finish it; return once this raglan has its beginning."""
        opened = self.plug(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" + HALF)
        assert opened.recv(65536).startswith(b"HTTP/1.1 200 ")  # after which it has begun with what came behind it
        return opened


def until(look: Callable[[], int], seconds: float) -> int:
    """Return the first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := look():
            return value
        time.sleep(0.03)
    raise AssertionError("this did not come true in time")


def environment(data: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
    return env | {
        "RAGLAN_DATA_DIR": str(data),
        "RAGLAN_CONFIG": str(data / "raglan.toml"),
        "RAGLAN_PORT": "0",
        "RAGLAN_SMTP_URL": "",
    }


def refused_start(env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Start one that will not run, and return what it said."""
    command = [sys.executable, "-m", "raglan", "serve"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate once for all."""
    return put_migrated(tmp_path_factory.mktemp("template") / "data")


@contextmanager
def running(data: Path, **options: str) -> Iterator[Process]:
    process = Process(data, **options)
    try:
        yield process.wait()
    finally:
        process.end(signal.SIGKILL)
        process.log.close()


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    return copytree(template, tmp_path / "data")


def test_it_begins_plainly_refuses_a_second_one_and_ends_in_order(data: Path) -> None:
    with running(data) as raglan:
        said = raglan.said()
        assert f"raglan is at http://127.0.0.1:{raglan.port}" in said
        assert f"http://127.0.0.1:{raglan.port}/setup/first/" in said
        assert (data / "raglan.sqlite3").exists()

        second = refused_start(raglan.env)
        assert second.returncode == 1
        assert second.stdout.count("\n") == 1
        assert "is running on" in second.stdout
        assert "Traceback" not in second.stderr

        other = raglan.env | {"RAGLAN_DATA_DIR": str(data.parent / "other"), "RAGLAN_PORT": str(raglan.port)}
        third = refused_start(other)
        assert third.returncode == 1
        assert third.stdout.count("\n") == 1
        assert "can not listen on" in third.stdout

        assert raglan.get("/integrations/secrettoken123/api/v2/alerts", "POST", b"[]")[0] == 401
        assert raglan.get("/p/secretlink456/")[0] == 404
        with closing(raglan.plug(b"GET /live?topics=now HTTP/1.1\r\nHost: a\r\n\r\n")) as refused:
            assert b" 401 " in refused.recv(200)

        code, seconds = raglan.end()
        said = raglan.said()
    assert (code, seconds < 10) == (0, True)
    assert "secrettoken123" not in said
    assert "secretlink456" not in said
    assert all(json.loads(line)["message"] for line in said.splitlines() if line.startswith("{"))
    assert "Traceback" not in said


def test_a_sender_that_does_not_finish_can_not_hold_up_the_end(data: Path) -> None:
    with running(data) as raglan, closing(raglan.hold_up()):
        code, seconds = raglan.end()
        said = raglan.said()
    assert code == 0
    assert seconds < 10
    assert '"ended"' in said


def test_a_second_signal_ends_at_once(data: Path) -> None:
    with running(data, drain_s="60") as raglan, closing(raglan.hold_up()):
        raglan.process.send_signal(signal.SIGINT)
        until(lambda: "shutting down" in raglan.said(), 60)
        code, _ = raglan.end(signal.SIGINT)  # in order it would wait half a minute for the sender
        said = raglan.said()
    assert code == 128 + signal.SIGINT
    assert '"ended"' not in said


def test_a_restored_copy_pages_nobody_until_it_is_told_that_it_may(data: Path) -> None:
    mark = data / "restored.json"
    mark.write_text('{"restored_at": "2026-11-23T10:00:00Z", "made_at": "2026-11-22T10:00:00Z", "source": "copy"}')
    with running(data) as raglan:
        assert "This is a restored copy" in raglan.said()
        status, body = raglan.get("/healthz")
        assert status == 503
        assert b"restored copy" in body
        mark.unlink()
        until(lambda: raglan.get("/healthz?tick=next")[0] == 200, 60)
        assert raglan.end()[0] == 0


def test_a_part_that_a_process_does_not_run_is_not_there(data: Path) -> None:
    with running(data, roles="edge") as raglan:
        assert raglan.get("/")[0] == 404
        assert raglan.get("/api/v2/alerts", "POST", b"[]")[0] == 401
        assert raglan.get("/healthz")[0] == 200
        assert raglan.end()[0] == 0


HALF = b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n["

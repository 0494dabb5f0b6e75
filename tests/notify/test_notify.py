"""`raglan-notify` by itself: what it sends, keeps, sends again, and gives up."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from raglan import notify
from tests.support.server import until


class Receiver:
    """A stand-in for raglan's door that answers as it is told and keeps what came."""

    def __init__(self) -> None:
        self.status = 200
        self.came: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.headers.append({**dict(self.headers), "path": self.path})
                if receiver.status == 200:
                    receiver.came.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(60)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def options(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that lead to the receiver and leave no child behind."""
    for name in ("URL", "TOKEN", "SPOOL"):
        monkeypatch.delenv(f"RAGLAN_NOTIFY_{name}", raising=False)
    conf = tmp_path / "conf"
    conf.write_text(f"# of raglan\nurl = {receiver.url}/\ntoken = abc=d\nspool = {tmp_path / 'spool'}\n")
    return ["--config", str(conf), "--try-minutes", "0"]


def problem(host: str = "db1") -> list[str]:
    return ["--type", "PROBLEM", "--host", host, "--service", "disk", "--state", "CRITICAL", "--output", "disk 95 %"]


def waiting(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in (folder / "spool").iterdir() if not path.name.startswith("."))


def test_a_notification_is_sent_with_the_token_in_a_header(
    receiver: Receiver, options: list[str], tmp_path: Path
) -> None:
    assert notify.main([*options, *problem()]) == 0

    assert receiver.came == [
        {"type": "PROBLEM", "host": "db1", "service": "disk", "state": "CRITICAL", "output": "disk 95 %"}
    ]
    assert receiver.headers[0]["Authorization"] == "Bearer abc=d"
    assert receiver.headers[0]["path"] == "/integrations/-/nagios"
    assert waiting(tmp_path) == []


def test_the_variables_of_nagios_are_read(
    receiver: Receiver, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "NOTIFICATIONTYPE": "PROBLEM",
        "HOSTNAME": "db1",
        "SERVICEDESC": "Disk /",
        "SERVICESTATE": "CRITICAL",
        "HOSTSTATE": "UP",
        "SERVICEOUTPUT": "disk \udcff 95",
        "LONGSERVICEOUTPUT": "one\\ntwo",
        "SERVICENOTESURL": "https://wiki.example.test/",
        "_HOSTRUNBOOK": "https://wiki.example.test/db",
        "_SERVICEEMPTY": "",
        "TIMET": "1795420226",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"NAGIOS_{name}", value)
    assert notify.main(options) == 0

    came = receiver.came[0]
    assert (came["state"], came["long_output"], came["at"]) == ("CRITICAL", "one\ntwo", "1795420226")
    assert came["custom"] == {"runbook": "https://wiki.example.test/db"}
    assert came["output"] == "disk ? 95"


@pytest.mark.parametrize("status", [401, 404, 408, 429, 500, 503])
def test_what_could_not_be_sent_waits_and_goes_out_in_order(
    receiver: Receiver, options: list[str], tmp_path: Path, status: int
) -> None:
    receiver.status = status
    for host in ("a", "b", "c"):
        assert notify.main([*options, *problem(host)]) == 0
    assert waiting(tmp_path) == ["json"] * 3

    receiver.status = 200
    assert notify.main([*options, "--flush"]) == 0
    assert [item["host"] for item in receiver.came] == ["a", "b", "c"]
    assert waiting(tmp_path) == []


def test_nobody_there_at_all_keeps_it(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify.main([*options, *problem(), "--url", "http://127.0.0.1:1"]) == 0

    assert waiting(tmp_path) == ["json"]
    assert "sent later" in capsys.readouterr().err


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_raglan_will_never_take_does_not_hold_up_the_rest(
    receiver: Receiver, options: list[str], tmp_path: Path, status: int
) -> None:
    receiver.status = status
    notify.main([*options, *problem("bad")])
    receiver.status = 200
    notify.main([*options, *problem("good")])

    assert [item["host"] for item in receiver.came] == ["good"]
    assert waiting(tmp_path) == ["json.refused"]


def test_many_at_once_are_each_sent_once(receiver: Receiver, options: list[str], tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: notify.main([*options, *problem(f"h{number}")]), range(24)))

    assert set(done) == {0}
    notify.main([*options, "--flush"])
    assert sorted(str(item["host"]) for item in receiver.came) == sorted(f"h{number}" for number in range(24))


def test_a_child_goes_on_trying_until_raglan_is_back(receiver: Receiver, options: list[str], tmp_path: Path) -> None:
    import subprocess
    import sys

    receiver.status = 503
    command = [sys.executable, str(Path(notify.__file__)), *options[:2], *problem()]
    for _ in range(3):
        subprocess.run(command, check=True, timeout=60, capture_output=True)
    receiver.status = 200
    until(lambda: waiting(tmp_path) == [], 100)  # what was taken is there until its answer was read

    assert len(receiver.came) == 3


@pytest.mark.parametrize("words", [[], ["--type", "PROBLEM"], ["--host", "db1"]])
def test_without_a_notification_it_says_what_is_missing(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.delenv("NAGIOS_NOTIFICATIONTYPE", raising=False)
    assert notify.main([*options, *words]) == 2
    assert "NAGIOS_NOTIFICATIONTYPE" in capsys.readouterr().err


def test_without_address_or_token_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify.main(["--config", str(tmp_path / "none"), *problem()]) == 2
    assert "url and token" in capsys.readouterr().err


def test_it_needs_nothing_but_the_standard_library() -> None:
    source = Path(notify.__file__).read_text()

    assert "import raglan" not in source
    assert "from raglan" not in source

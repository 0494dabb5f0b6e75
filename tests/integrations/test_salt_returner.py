"""The returner for Salt: what it sends, what it keeps while raglan is away, and that it never fails a job."""

import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

from raglan.fleet.ports import Outcome, RunRequest, decoder_of

PAYLOAD = json.loads((Path(__file__).parent / "payloads" / "salt_return.json").read_bytes())


class Raglan:
    """Something that answers as raglan would."""

    def __init__(self) -> None:
        self.status = 202
        self.bodies: list[dict[str, object]] = []
        self.tokens: list[str] = []
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.tokens.append(self.headers["Authorization"])
                if told.status == 202:
                    told.bodies.append(body)
                self.send_response(told.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def raglan() -> Iterator[Raglan]:
    found = Raglan()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def returner(raglan: Raglan, tmp_path: Path) -> ModuleType:
    """The returner as Salt loads it, with what Salt puts into it."""
    path = str(files("raglan.integrations.salt") / "returner/raglan.py")
    spec = importlib.util.spec_from_file_location("raglan_returner", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = {"raglan.url": raglan.url, "raglan.token": "tok", "raglan.spool": str(tmp_path / "spool")}
    module.__dict__["__salt__"] = {"config.option": lambda name, default="": settings.get(name, default)}
    module.__dict__["__grains__"] = PAYLOAD["grains"]
    module.__dict__["__opts__"] = {"cachedir": str(tmp_path)}
    return module


def spool(returner: ModuleType, tmp_path: Path) -> int:
    return len(returner.waiting(str(tmp_path / "spool")))


def test_states_are_told_and_a_ping_is_not(returner: ModuleType, raglan: Raglan, tmp_path: Path) -> None:
    returner.returner({**PAYLOAD, "fun": "test.ping"})
    returner.returner(PAYLOAD)
    assert raglan.tokens == ["Bearer tok"]
    decoder = decoder_of("salt")
    assert decoder is not None
    (run,) = decoder.decode(RunRequest("/", {}, json.dumps(raglan.bodies[0]).encode()))
    assert (run.outcome, run.host.machine, len(run.moves)) == (Outcome.FAILED, "7c5f0d5d2f8e4bb2", 2)
    assert run.ended_at is not None
    assert spool(returner, tmp_path) == 0


@pytest.mark.parametrize("status", [503, 401, 302])
def test_what_could_not_be_told_goes_with_the_next_one(
    returner: ModuleType, raglan: Raglan, tmp_path: Path, status: int
) -> None:
    raglan.status = status
    returner.returner(PAYLOAD)
    returner.returner({**PAYLOAD, "jid": "2"})
    assert (spool(returner, tmp_path), len(raglan.tokens)) == (2, 2)
    raglan.status = 202
    returner.returner({**PAYLOAD, "jid": "3"})
    assert [body["jid"] for body in raglan.bodies] == [PAYLOAD["jid"], "2", "3"]
    assert spool(returner, tmp_path) == 0


def test_what_raglan_never_takes_is_dropped_and_said(
    returner: ModuleType, raglan: Raglan, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raglan.status = 422
    returner.returner(PAYLOAD)
    assert spool(returner, tmp_path) == 0
    assert "refuses a return with 422" in caplog.text


def test_a_job_is_never_failed(returner: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    del returner.__dict__["__salt__"]
    returner.returner(PAYLOAD)
    assert "raglan was not told" in caplog.text

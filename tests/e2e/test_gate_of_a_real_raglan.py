"""`raglan-host` against a real raglan that is killed: the gate answers as written, and no report is lost or doubled."""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from raglan import host
from tests.host.conftest import install
from tests.support.server import Running, free_port, serving, until

pytestmark = pytest.mark.e2e
MOVES = "select old, new from fleet_packagemove order by id"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Where the file stands, and the port of DNS."""
    return tmp_path_factory.mktemp("gate") / "gate.txt", free_port()


@pytest.fixture(scope="module")
def raglan(places: tuple[Path, int]) -> Iterator[Running]:
    file, port = places
    options = {"gate_file": str(file), "gate_dns_port": str(port), "gate_dns_zone": "gate.example.test"}
    with serving(**options) as running:
        yield running


@pytest.fixture
def run(raglan: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A machine of that raglan."""
    (tmp_path / "dpkg").mkdir()
    monkeypatch.setenv("DPKG_ADMINDIR", str(tmp_path / "dpkg"))
    source: Any = raglan.api("POST", "/fleet/sources", {"name": "Web", "slug": "web", "kind": "hosts"})
    said = {"url": raglan.url, "token": source["token"], "state": str(tmp_path / "state"), "name": "web1"}
    said |= {"cluster": "fra1", "packages": "dpkg"}
    conf = tmp_path / "conf"

    def run_it(*words: str, **more: str) -> int:
        conf.write_text("".join(f"{name} = {value}\n" for name, value in {**said, **more}.items()))
        return host.main(["--config", str(conf), *words])

    return run_it


def raised(raglan: Running, name: str) -> int:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"name": name, "reason": "it fails", "ends_at": ends_at, "clusters": ["FRA1"]}
    made: Any = raglan.api("POST", "/holds", body)
    return int(made["id"])


def heard(raglan: Running, hold: int) -> list[tuple[str, bool, str]]:
    page: Any = raglan.api("GET", f"/holds/{hold}/heard")
    return [(one["host"], one["stopped"], one["source"]) for one in page["heard"]]


def test_a_stop_holds_while_raglan_is_killed_and_nothing_is_lost(
    raglan: Running, run: Callable[..., int], tmp_path: Path, places: tuple[Path, int]
) -> None:
    file, dns = str(places[0]), f"dns:gate.example.test@127.0.0.1:{places[1]}"
    install(tmp_path, ("apache2", "2.4.6-40"))
    assert (run("gate"), run("report")) == (0, 0)
    hold = raised(raglan, "httpd")
    until(lambda: run("gate", "--quiet") == 75)
    assert run("gate", cluster="ams2") == 0
    until(lambda: heard(raglan, hold) == [("web1", True, "http")])
    assert run("gate", url="", gate=dns) == 75
    assert run("gate", url="", gate=dns, cluster="ams2") == 0

    raglan.stop(signal.SIGKILL)
    assert run("gate") == 75  # as it was told last
    assert run("gate", name="web2", gate=dns) == 0  # it knows nothing
    assert run("gate", name="web2", gate=f"{dns}, {file}") == 75
    assert run("gate", name="web3", gate=file, cluster="ams2") == 0
    for version in ("2.4.6-45", "2.4.6-46"):
        install(tmp_path, ("apache2", version))
        assert run("report") == 0

    raglan.start_again()
    assert run("gate") == 75
    assert run("report") == 0
    assert list((tmp_path / "state" / "spool").glob("*.report")) == []
    with closing(sqlite3.connect(raglan.data_dir / "data" / "raglan.sqlite3")) as database:
        assert database.execute(MOVES).fetchall() == [("2.4.6-40", "2.4.6-45"), ("2.4.6-45", "2.4.6-46")]
    until(lambda: heard(raglan, hold)[0][0] == "web1")
    raglan.api("POST", f"/holds/{hold}/lift", {"word": "fixed in -46"})
    until(lambda: run("gate", "--quiet") == 0)

"""`raglan-host` against a real raglan that is killed: the gate answers as written, and no report is lost or doubled."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from raglan import host
from tests.host.conftest import install
from tests.support.ports import free_port
from tests.support.server import Running, serving, until

pytestmark = pytest.mark.e2e
PAGE = Path(__file__).parents[2] / "docs/how-to/hosts.md"
BOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: %s
    - ansible.builtin.file: {path: "%s/ansible", state: touch}
"""
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
    monkeypatch.setattr(host, "A_PLACE_S", 30.0)  # who answers late on a busy machine answers all the same
    monkeypatch.setattr(host, "ALL_PLACES_S", 60.0)
    slug = tmp_path.name.replace("_", "-")
    source: Any = raglan.api("POST", "/fleet/sources", {"name": slug, "slug": slug, "kind": "hosts"})
    said = {"url": raglan.url, "token": source["token"], "state": str(tmp_path / "state"), "name": "web1"}
    said |= {"cluster": "fra1", "packages": "dpkg"}
    conf = tmp_path / "conf"

    def run_it(*words: str, **more: str) -> int:
        conf.write_text("".join(f"{name} = {value}\n" for name, value in {**said, **more}.items()))
        return host.main(["--config", str(conf), *words])

    return run_it


def raised(raglan: Running, name: str, cluster: str = "FRA1") -> int:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"name": name, "reason": "it fails", "ends_at": ends_at, "clusters": [cluster]}
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
    assert run("gate", name="web4", cluster="ams2") == 0
    until(lambda: heard(raglan, hold) == [("web1", True, "http")])
    assert run("gate", url="", gate=dns) == 75
    assert run("gate", url="", gate=dns, name="web4", cluster="ams2") == 0

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


def examples() -> dict[str, str]:
    """Return what the page on hosts says to write, by where."""
    rows = [line.strip("| ").partition(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {where: told.split("`")[1].replace("\\|", "|") for where, _, told in rows if "`" in told}


def test_what_the_page_on_hosts_says_to_write_goes_and_stops(
    raglan: Running, run: Callable[..., int], tmp_path: Path
) -> None:
    run("gate", name="web7", cluster="cdg3")
    said = examples()
    program = tmp_path / "raglan-host"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {host.__file__} --config {tmp_path}/conf "$@"\n')
    program.chmod(0o755)
    (tmp_path / "site.pp").write_text(f"file {{ '{tmp_path}/puppet': ensure => file }}")
    (tmp_path / "site.yml").write_text(BOOK % (said["Ansible"].partition(": ")[2], tmp_path))
    folders = " ".join(f"--{name}={tmp_path / name}" for name in ("confdir", "vardir", "rundir", "logdir"))
    play = f"ansible-playbook -i localhost, -c local -e ansible_python_interpreter={sys.executable} site.yml"
    tools = f"{tmp_path}:{Path(sys.executable).parent}"
    environ = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    def sh(line: str) -> int:
        done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environ, capture_output=True, check=False)
        return done.returncode

    wrapper, agent = said["Chef, Puppet, Salt"], 'chef-client "$@"'
    asks = said["anything with `curl`"].replace("https://raglan.example.org", raglan.url).replace("fra1", "cdg3")
    lines = {
        "cron": said["cron"].partition(" root ")[2].replace("chef-client", "touch cron"),
        "curl": f"{asks}\ntouch curl",
        "puppet": wrapper.replace(agent, f"puppet apply site.pp {folders}"),
        "ansible": wrapper.replace(agent, play),
    }
    hold = raised(raglan, "kernel", "cdg3")
    until(lambda: run("gate", "--quiet", name="web7", cluster="cdg3") == 75)
    assert {name: sh(line) for name, line in lines.items()} == dict.fromkeys(lines, 75)
    assert sh(play) == 2  # its first task fails, and nothing comes after it
    assert [name for name in lines if (tmp_path / name).exists()] == []
    raglan.api("POST", f"/holds/{hold}/lift", {"word": "fixed"})
    until(lambda: run("gate", "--quiet", name="web7", cluster="cdg3") == 0)
    assert {name: sh(line) for name, line in lines.items()} == dict.fromkeys(lines, 0)
    assert [name for name in lines if (tmp_path / name).exists()] == list(lines)

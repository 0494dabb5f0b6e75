"""Puppet upgrades a real package by its own provider; its report and that of apt's hook are one move in raglan."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.machine import Machine
from tests.support.server import Running, serving, until

pytestmark = pytest.mark.e2e
OLD, NEW = "2.4.6-40", "2.4.6-45"
SITE = "package { 'snafu-httpd': ensure => '%s', provider => apt }"


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        yield running


def source(raglan: Running, kind: str) -> str:
    made: Any = raglan.api("POST", "/fleet/sources", {"name": kind, "slug": kind, "kind": kind})
    return str(made["token"])


def puppet(machine: Machine, folder: Path, address: str, version: str, *words: str) -> int:
    program = shutil.which("puppet")
    assert program, "There is no Puppet here: `apt-get install puppet-agent`."
    (folder / "site.pp").write_text(SITE % version)
    said = ["--detailed-exitcodes", "--reports", "http", "--reporturl", address, "--certname", "web1"]
    said += [f"--{name}={folder / name}" for name in ("confdir", "vardir", "rundir", "logdir")]
    environ = {**machine.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [program, "apply", "site.pp", *said, *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode


def test_what_puppet_upgraded_differs_from_what_was_said_and_is_one_move(raglan: Running, tmp_path: Path) -> None:
    machine = Machine(tmp_path, raglan.url, token=source(raglan, "hosts"))
    address = f"{raglan.url}/fleet/{source(raglan, 'puppet')}/runs/puppet"
    machine.offer(OLD)
    machine.apt("install", "snafu-httpd")
    until(lambda: raglan.api("GET", "/hosts?q=web1"), 30)
    said = {"on_existing": "nothing", "on_new": "version"}
    body = {"title": "Pin", "packages": [{"name": "snafu-httpd", "version": NEW}], "expected": said}
    change: Any = raglan.api("POST", "/changes/proposed", body)
    machine.offer(NEW)

    assert puppet(machine, tmp_path, address, NEW, "--noop") == 0
    assert machine.installed() == OLD
    assert puppet(machine, tmp_path, address, NEW) == 2
    assert machine.installed() == NEW

    def told() -> Any:
        return raglan.api("GET", f"/changes/{change['id']}/progress")

    until(lambda: told()["surprises"], 30)
    words = f"snafu-httpd {OLD} → {NEW} on an existing host"
    assert [one["words"] for one in told()["surprises"]] == [words]
    runs: Any = raglan.api("GET", "/runs?tool=puppet")
    full: list[Any] = [raglan.api("GET", f"/runs/{one['id']}") for one in sorted(runs, key=lambda one: one["at"])]
    assert [(one["outcome"], one["moves"]) for one in full] == [
        ("rehearsed", []),
        ("changed", [{"name": "snafu-httpd", "old": OLD, "new": NEW, "arch": ""}]),
    ]
    (host,) = raglan.api("GET", "/hosts?q=web1")  # type: ignore[misc]  # a list of one

    def moves() -> list[tuple[str, str]]:
        found: Any = raglan.api("GET", f"/hosts/{host['id']}/moves")
        return [(one["old"], one["new"]) for one in found]

    machine.report()
    assert moves()[0] == (OLD, NEW)
    assert moves().count((OLD, NEW)) == 1

"""Real tools upgrade real packages by apt; what they did is compared with what was said, and is one move in raglan.

ansible-playbook works on a layer over this machine, puppet on a root folder in which apt's hook tells as well.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import repositories as repo
from tests.host import overlay_root
from tests.host.machine import Machine
from tests.support.server import Running, serving, until

pytestmark = pytest.mark.e2e
OLD, NEW, NEWEST = "2.4.6-40", "2.4.6-45", "2.4.6-46"
MOVED = f"snafu-httpd {OLD} → {NEW}"
SITE = "package { 'snafu-httpd': ensure => '%s', provider => apt }"
BOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: httpd
      ansible.builtin.apt: {name: snafu-httpd, state: latest, update_cache: true}
"""
ONLY_HERE = """
rm -f /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/in ./' >/etc/apt/sources.list
echo 'APT::Sandbox::User "root";' >/etc/apt/apt.conf.d/99here
"""


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the machine sees as /in: a repository with both versions."""
    if not overlay_root.can_be_had(tmp_path):
        pytest.skip("a layer over this machine needs root and namespaces")
    shared = tmp_path / "in"
    for version in (OLD, NEW):
        repo.deb(shared, version, "snafu-httpd")
    repo.index_debs(shared)
    return tmp_path


def source(raglan: Running, kind: str) -> str:
    made: Any = raglan.api("POST", "/fleet/sources", {"name": kind, "slug": kind, "kind": kind})
    return str(made["token"])


def first_of(folder: Path, script: str) -> str:
    """Run a script on a machine that has the old version; return what it has then."""
    done = overlay_root.run(f"dpkg -i /in/snafu-httpd_{OLD}_all.deb\n{script}\ndpkg-query -W snafu-httpd", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()[-1]


def proposed(raglan: Running, version: str = NEW) -> int:
    said = {"on_existing": "nothing", "on_new": "nothing"}
    body = {"title": "Pin", "packages": [{"name": "snafu-httpd", "version": version}], "expected": said}
    made: Any = raglan.api("POST", "/changes/proposed", body)
    return int(made["id"])


def surprises(raglan: Running, change: int) -> list[str]:
    found: Any = raglan.api("GET", f"/changes/{change}/progress")
    return [one["words"] for one in found["surprises"]]


def test_ansible_upgrades_a_package_by_apt(raglan: Running, folder: Path) -> None:
    plugin = subprocess.run(
        [sys.executable, "-m", "raglan", "plugin", "ansible"], check=True, capture_output=True, text=True
    )
    (folder / "in/callback_plugins").mkdir()
    (folder / "in/callback_plugins/raglan.py").write_text(plugin.stdout)
    (folder / "in/site.yml").write_text(BOOK)
    (folder / "in/before.yml").write_text(BOOK.replace("state: latest, update_cache: true", "state: present"))
    inventory = "ans1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3 raglan_cluster=fra1\n"
    (folder / "in/hosts.ini").write_text(inventory)
    variables = f"RAGLAN_URL={raglan.url} RAGLAN_TOKEN={source(raglan, 'ansible')}"
    variables += " ANSIBLE_CALLBACK_PLUGINS=/in/callback_plugins ANSIBLE_CALLBACKS_ENABLED=raglan"
    play = f"{ONLY_HERE}\ncd /in && {variables} {Path(sys.executable).with_name('ansible-playbook')} -i hosts.ini"
    assert first_of(folder, f"{play} before.yml") == OLD
    until(lambda: raglan.api("GET", "/hosts?q=ans1"))
    change = proposed(raglan)

    assert first_of(folder, f"{play} site.yml") == NEW
    until(lambda: surprises(raglan, change))
    assert surprises(raglan, change) == [f"{MOVED} on an existing host"]


def puppet(machine: Machine, folder: Path, address: str, version: str, *words: str, name: str = "web1") -> int:
    program = shutil.which("puppet")
    assert program, "There is no Puppet here: `apt-get install puppet-agent`."
    (folder / "site.pp").write_text(SITE % version)
    said = ["--detailed-exitcodes", "--reports", "http", "--reporturl", address, "--certname", name]
    said += [f"--{place}={folder / place}" for place in ("confdir", "vardir", "rundir", "logdir")]
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
    until(lambda: raglan.api("GET", "/hosts?q=web1"))
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

    until(lambda: told()["surprises"])
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

    # The same under a name of which nobody but Puppet tells: for raglan a new host beside the one with the hook.
    later = proposed(raglan, NEWEST)
    machine.offer(NEWEST)
    assert puppet(machine, tmp_path, address, NEWEST, name="pup1") == 2

    def standing() -> dict[str, str]:
        hosts: Any = raglan.api("GET", f"/changes/{later}/hosts")
        return {one["name"]: one["words"] for one in hosts}

    moved = f"snafu-httpd {NEW} → {NEWEST} on"
    until(lambda: standing().get("pup1") and standing().get("web1"))
    assert (standing()["pup1"], standing()["web1"]) == (f"{moved} a new host", f"{moved} an existing host")

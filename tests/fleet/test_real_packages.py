"""Real tools move real packages, puppet by dpkg and ansible-playbook by apt; it is compared with what was said."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import repositories as repo
from tests.host import overlay_root
from tests.support.server import Running, serving, until

pytestmark = pytest.mark.e2e
OLD, NEW = "2.4.6-40", "2.4.6-45"
MOVED = f"snafu-httpd {OLD} → {NEW}"
SITE = f"""
package {{ 'snafu-httpd': ensure => latest, provider => dpkg, source => '/in/snafu-httpd_{NEW}_all.deb' }}
"""
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


def proposed(raglan: Running) -> int:
    said = {"on_existing": "nothing", "on_new": "nothing"}
    body = {"title": "Pin", "packages": [{"name": "snafu-httpd", "version": NEW}], "expected": said}
    made: Any = raglan.api("POST", "/changes/proposed", body)
    return int(made["id"])


def surprises(raglan: Running, change: int) -> list[str]:
    found: Any = raglan.api("GET", f"/changes/{change}/progress")
    return [one["words"] for one in found["surprises"]]


def test_puppet_upgrades_a_package_by_dpkg(raglan: Running, folder: Path) -> None:
    repo.program("puppet", "puppet-agent")
    url = f"{raglan.url}/fleet/{source(raglan, 'puppet')}/runs/puppet"
    (folder / "in/puppet.conf").write_text(f"[main]\nreports = http\nreporturl = {url}\n")
    (folder / "in/site.pp").write_text(SITE)
    change = proposed(raglan)

    assert first_of(folder, "puppet apply --config /in/puppet.conf --certname pup1 /in/site.pp") == NEW
    until(lambda: surprises(raglan, change), 30)
    assert surprises(raglan, change) == [f"{MOVED} on a new host"]
    raglan.api("POST", f"/changes/{change}/state", {"state": "done"})


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
    until(lambda: raglan.api("GET", "/hosts?q=ans1"), 30)
    change = proposed(raglan)

    assert first_of(folder, f"{play} site.yml") == NEW
    until(lambda: surprises(raglan, change), 30)
    assert surprises(raglan, change) == [f"{MOVED} on an existing host"]

"""Real programs against a real raglan: ansible-playbook and salt-call with our plugins, puppet apply with reports."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.host.machine import Machine
from tests.support.ports import free_port
from tests.support.server import Running, person_token, serving, set_up_web_team, until

pytestmark = pytest.mark.e2e
PAYLOADS = Path(__file__).parents[1] / "integrations" / "payloads"
SECRET = "tr0mbone-in-the-attic"
OLD, NEW, NEWER = "2.4.61-1", "2.4.62-1", "2.4.63-1"
PLAY = """
- hosts: web
  gather_facts: false
  environment: "{{ settings }}"
  tasks:
    - name: write proxy.conf
      ansible.builtin.copy: {dest: "{{ folder }}/{{ inventory_hostname }}.conf", content: "timeout=60\\n"}
    - name: keep the key
      ansible.builtin.copy: {dest: "{{ folder }}/{{ inventory_hostname }}.key", content: "{{ secret }}"}
      no_log: true
    - name: apache
      ansible.builtin.apt: {name: snafu-httpd, state: latest}
    - name: smoke test
      ansible.builtin.fail: {msg: the page is empty}
      when: inventory_hostname == "web02"
"""
INVENTORY = """
[web]
{} raglan_cluster=fra1
{}
[web:vars]
ansible_connection=local
"""
SITE = """
file { '%(folder)s/proxy.conf': ensure => file, content => "timeout=60\\n" }
-> exec { 'smoke test': command => '/bin/false' }
-> file { '%(folder)s/after': ensure => file }
file { '%(folder)s/perhaps': ensure => file, noop => true }
"""
MOVES = "select old, new from fleet_packagemove join fleet_host on host_id = fleet_host.id where fleet_host.name = ?"
MAKE_SOURCE = """
import django; django.setup()
from raglan.fleet import sources
print(sources.create_source(name="Tools", slug="tools", kind="ansible", actor="raglan")[1])
"""


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


@pytest.fixture(scope="module")
def token(raglan: Running) -> str:
    env = {**raglan.env, "DJANGO_SETTINGS_MODULE": "raglan.settings"}
    words = [sys.executable, "-c", MAKE_SOURCE]
    return subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout.strip()


def runs(raglan: Running, tool: str) -> list[Any]:
    found = raglan.api("GET", f"/runs?tool={tool}")
    assert isinstance(found, list)
    return [
        raglan.api("GET", f"/runs/{one['id']}") for one in sorted(found, key=lambda one: (one["at"], one["host_name"]))
    ]


def play(folder: Path, url: str, token: str, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CALLBACK_PLUGINS": str(folder / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "raglan",
        "ANSIBLE_PIPELINING": "1",
        "RAGLAN_URL": url,
        "RAGLAN_TOKEN": token,
        "RAGLAN_VERSION": "9c1f2ab",
    }
    program = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.ini", "site.yml", "-D"]
    extra = ["-e", f"folder={folder} secret={SECRET} ansible_python_interpreter={sys.executable}"]
    return subprocess.run([*program, *extra, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)


def with_callback(folder: Path, book: str, *hosts: str) -> list[Machine]:
    """Make a folder with a play book, the callback as raglan hands it out, and hosts for which there is an upgrade."""
    plugin = subprocess.run(
        [sys.executable, "-m", "raglan", "plugin", "ansible"], check=True, capture_output=True, text=True
    )
    files = {
        "site.yml": book,
        "hosts.ini": INVENTORY.format(*hosts),
        "callback_plugins/raglan.py": plugin.stdout,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    machines = [Machine(folder / host, f"http://127.0.0.1:{free_port()}", name=host) for host in hosts]
    (folder / "host_vars").mkdir()
    for host, machine in zip(hosts, machines, strict=True):
        (folder / f"host_vars/{host}.json").write_text(json.dumps({"settings": machine.settings}))
        machine.offer(OLD)
        machine.apt("install", "snafu-httpd")
        machine.offer(NEW)
    return machines


def test_a_play_book_is_told_also_when_raglan_was_away(raglan: Running, token: str, tmp_path: Path) -> None:
    machines = with_callback(tmp_path, PLAY, "web01", "web02")

    away = play(tmp_path, f"http://127.0.0.1:{free_port()}", token)
    assert away.returncode == 2, away
    assert "raglan was not told" in away.stderr
    assert len(list((tmp_path / ".ansible/raglan").glob("*.json"))) == 1

    assert [machine.installed() for machine in machines] == [NEW, NEW]
    machines[0].offer(NEWER)
    check = play(tmp_path, raglan.url, token, "--check", "--limit", "web01")
    assert check.returncode == 0, check
    assert "raglan was not told" not in check.stderr
    assert list((tmp_path / ".ansible/raglan").glob("*.json")) == []

    web01, web02, rehearsed = [one for one in runs(raglan, "ansible") if one["host_name"].startswith("web")]
    assert (web01["host_name"], web01["outcome"], web01["version"]) == ("web01", "changed", "9c1f2ab")
    assert [step["name"] for step in web01["steps"]] == ["write proxy.conf", "keep the key", "apache"]
    assert "+timeout=60" in web01["steps"][0]["more"]
    assert web01["moves"] == web02["moves"] == [{"name": "snafu-httpd", "old": OLD, "new": NEW, "arch": ""}]
    assert (web02["outcome"], web02["steps"][0]["line"]) == ("failed", "the page is empty")
    assert (rehearsed["host_name"], rehearsed["outcome"], rehearsed["moves"]) == ("web01", "rehearsed", [])
    assert f"snafu-httpd {NEW} → {NEWER}" in rehearsed["steps"][-1]["line"]
    assert machines[0].installed() == NEW
    assert SECRET not in str([web01, web02, rehearsed])


TWO_STEPS = """
- hosts: web
  gather_facts: false
  environment: "{{ settings }}"
  tasks:
    - when: inventory_hostname == "app01"
      block: [{name: "try, as is usual", ansible.builtin.fail: {msg: "no"}}]
      rescue: [{name: apache, ansible.builtin.apt: {name: snafu-httpd, state: latest}}]
    - name: wait for the first machine
      ansible.builtin.wait_for: {path: "{{ folder }}/seen", sleep: 1, timeout: 100}
      when: inventory_hostname == "app02"
    - name: write proxy.conf
      ansible.builtin.copy: {dest: "{{ folder }}/{{ inventory_hostname }}.conf", content: "timeout=90\n"}
"""


def test_the_first_machine_is_told_of_while_others_still_run(raglan: Running, token: str, tmp_path: Path) -> None:
    with_callback(tmp_path, TWO_STEPS, "app01", "app02")

    def told() -> list[Any]:
        return [one for one in runs(raglan, "ansible") if one["host_name"].startswith("app")]

    with ThreadPoolExecutor(1) as side:
        playing = side.submit(play, tmp_path, raglan.url, token)
        (first,) = until(told)
        (tmp_path / "seen").touch()
        ended = playing.result(100)
    assert ended.returncode == 0, ended
    assert "raglan was not told" not in ended.stderr
    whole, other = told()
    assert (first["host_name"], first["outcome"], first["moves"]) == ("app01", "changed", whole["moves"])
    assert first["words"].endswith("(so far: it still runs)")
    assert whole["id"] == first["id"]
    assert [step["name"] for step in whole["steps"]] == ["try, as is usual", "apache", "write proxy.conf"]
    assert (whole["outcome"], whole["words"]) == ("changed", "site.yml: 2 ok, 2 changed")
    assert (other["host_name"], other["outcome"]) == ("app02", "changed")
    with closing(sqlite3.connect(raglan.data_dir / "data" / "raglan.sqlite3")) as database:
        assert database.execute(MOVES, ("app01",)).fetchall() == [(OLD, NEW)]


def puppet(folder: Path, address: str, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("puppet")
    assert program, "There is no Puppet here: `apt-get install puppet-agent`."
    (folder / "proxy.conf").write_text("timeout=45\n")
    (folder / "site.pp").write_text(SITE % {"folder": folder})
    report = ["--reports", "http", "--reporturl", address, "--certname", name, "--show_diff"]
    folders = [f"--{name}={folder / name}" for name in ("confdir", "vardir", "rundir", "logdir")]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [program, "apply", "site.pp", "--detailed-exitcodes", *report, *folders, *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_puppet_tells_of_its_run_by_its_http_report(raglan: Running, token: str, tmp_path: Path) -> None:
    ended = puppet(tmp_path, f"{raglan.url}/fleet/{token}/runs/puppet", "web1.willowfield.example")
    assert ended.returncode == 6, ended

    (run,) = [one for one in runs(raglan, "puppet") if one["host_name"] == "web1.willowfield.example"]
    assert (run["host_name"], run["outcome"], run["failed"]) == ("web1.willowfield.example", "failed", 1)
    outcomes = {step["name"]: step["outcome"] for step in run["steps"]}
    assert outcomes == {
        "Exec[smoke test]": "failed",
        f"File[{tmp_path}/proxy.conf]": "changed",
        f"File[{tmp_path}/perhaps]": "rehearsed",
    }
    assert "+timeout=60" in "".join(step["more"] for step in run["steps"])
    assert run["started_at"] <= run["ended_at"]


def test_a_rehearsal_of_puppet_warns_of_what_was_changed_by_hand(raglan: Running, token: str, tmp_path: Path) -> None:
    mara = person_token(raglan, "mara")
    room = raglan.api("POST", "/incidents", {"title": "The proxy times out"}, token=mara)["id"]
    told = {"place": "web2.willowfield.example", "thing": f"{tmp_path}/proxy.conf", "words": "set the timeout to 45"}
    raglan.api("POST", f"/incidents/{room}/hand-changes", told, token=mara)
    puppet(tmp_path, f"{raglan.url}/fleet/{token}/runs/puppet", "web2.willowfield.example", "--noop")

    (hand,) = raglan.api("GET", f"/incidents/{room}/hand-changes")
    assert [(touch["host"], touch["is_rehearsal"]) for touch in hand["touches"]] == [("web2.willowfield.example", True)]
    assert hand["touches"][0]["words"].startswith(f"Puppet: File[{tmp_path}/proxy.conf]: ")


SALT = Path(__file__).parents[2] / ".venv-salt/bin/salt-call"
STATES = """
%(folder)s/proxy.conf: {file.managed: [{contents: timeout=60}]}
smoke test: {test.fail_without_changes: []}
"""
MINION = """
id: %(name)s
root_dir: %(folder)s/root
file_client: local
file_roots: {base: [%(folder)s]}
enable_fqdns_grains: false
raglan.url: %(url)s
raglan.token: %(token)s
"""


def test_salt_tells_of_its_states_by_the_returner(raglan: Running, token: str, tmp_path: Path) -> None:
    assert SALT.exists(), "There is no Salt here: `tools/environment.sh salt`."
    said = {"name": "web7.willowfield.example", "folder": tmp_path, "url": raglan.url, "token": token}
    plugin = subprocess.run([sys.executable, "-m", "raglan", "plugin", "salt"], check=True, capture_output=True)
    (tmp_path / "_returners").mkdir()
    (tmp_path / "_returners/raglan.py").write_bytes(plugin.stdout)
    (tmp_path / "minion").write_text(MINION % said)
    (tmp_path / "proxy.sls").write_text(STATES % said)

    def salt(*words: str) -> None:
        subprocess.run([SALT, "-c", tmp_path, "--local", *words], capture_output=True, timeout=90, check=False)

    salt("saltutil.sync_returners")
    for more in (["test=True"], []):
        salt("--return", "raglan", "state.apply", "proxy", *more)

    found = [one for one in runs(raglan, "salt") if one["host_name"] == said["name"]]
    assert sorted(one["outcome"] for one in found) == ["failed", "rehearsed"]
    (run,) = [one for one in found if one["outcome"] == "failed"]
    outcomes = {step["name"]: step["outcome"] for step in run["steps"]}
    changed = f"file.managed {tmp_path}/proxy.conf"
    assert outcomes == {changed: "changed", "test.fail_without_changes smoke test": "failed"}
    assert (tmp_path / "proxy.conf").read_text() == "timeout=60\n"


def tell(raglan: Running, kind: str, body: bytes, **headers: str) -> int:
    request = Request(f"{raglan.url}/fleet/runs/{kind}", body, headers, method="POST")
    with urlopen(request, timeout=60) as answer:
        return int(answer.status)


def test_recorded_messages_of_chef_and_salt_come_in_by_the_same_door(raglan: Running, token: str) -> None:
    recorded = (PAYLOADS / "chef_converge.json").read_text()
    day = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"  # what is old is not kept, and no day is like another
    converged = recorded.replace("2026-11-23T", f"{day}T").encode()
    assert converged.decode().count(day) == 2
    key = json.loads(converged)["run_id"]
    name, started = "web17.willowfield.example", f"{day}T07:46:20Z"
    start = {"message_type": "run_start", "run_id": key, "node_name": name, "start_time": started}
    credential = {"X-Data-Collector-Token": token}
    for body in (converged, json.dumps(start).encode(), converged):
        assert tell(raglan, "chef", body, **credential) == 202
    assert tell(raglan, "salt", (PAYLOADS / "salt_return.json").read_bytes(), Authorization=f"Bearer {token}") == 202

    (chef,) = runs(raglan, "chef")
    assert (chef["key"], chef["outcome"], chef["started_at"]) == (key, "failed", started)
    (salt,) = [one for one in runs(raglan, "salt") if one["host_name"] == chef["host_name"]]
    assert (salt["host"], salt["outcome"]) == (chef["host"], "failed")
    with pytest.raises(HTTPError, match="400"):
        tell(raglan, "chef", b"{", **credential)

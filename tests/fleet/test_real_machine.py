"""A machine with a real apt and a real Apache reports to a real raglan, which compares it with what was said."""

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from raglan import host
from tests.fleet.repositories import program
from tests.host import systemd_root
from tests.host.machine import Machine
from tests.support.ports import free_port
from tests.support.server import Running, get_status, serving, session_cookie, until

pytestmark = pytest.mark.e2e
CONF = "usr/share/snafu/httpd.conf"


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        yield running


class Apache:
    """A real Apache that its machine starts and stops as a script of a machine without systemd does."""

    def __init__(self, folder: Path) -> None:
        self.binary, self.folder, self.port = program("apache2", "apache2-bin"), folder, free_port()
        self.pid_file = folder / "httpd.pid"
        self.itself = ["--pidfile", str(self.pid_file), "--exec", self.binary]
        self.check = " ".join(["start-stop-daemon --status", *self.itself])

    def conf(self, *more: str) -> str:
        """Return what stands in its configuration."""
        lines = ["ServerRoot /usr/lib/apache2", "ServerName localhost", f"Listen 127.0.0.1:{self.port}"]
        lines += [f"PidFile {self.pid_file}", f"ErrorLog {self.folder}/error.log", "StartServers 1"]
        lines += [f"LoadModule {name}_module modules/mod_{name}.so" for name in ("mpm_event", "authz_core")]
        return "\n".join([*lines, f"DefaultRuntimeDir {self.folder}", *more]) + "\n"

    def start(self, conf: Path) -> bool:
        """Start it; return whether it came up."""
        ended = subprocess.run([self.binary, "-f", conf, "-k", "start"], capture_output=True, timeout=100, check=False)
        if ended.returncode == 0:
            try:
                until(lambda: get_status(f"http://127.0.0.1:{self.port}", "/") and self.pid_file.exists())
            except AssertionError as error:
                log = self.folder / "error.log"
                error.add_note(f"{ended}, {log.read_text() if log.exists() else 'no log'}")
                raise
        return ended.returncode == 0

    def crash(self) -> None:
        """Let it end without a word; its file with the number of its process stays."""
        os.killpg(int(self.pid_file.read_text()), signal.SIGKILL)
        until(lambda: get_status(f"http://127.0.0.1:{self.port}", "/") == 0)

    def stop(self) -> None:
        """Stop it, whatever its configuration is by now."""
        words = ["start-stop-daemon", "--stop", "--oknodo", "--retry", "20", "--remove-pidfile", *self.itself]
        subprocess.run(words, check=True, capture_output=True, timeout=60)


@pytest.fixture
def apache(tmp_path: Path) -> Iterator[Apache]:
    made = Apache(tmp_path)
    yield made
    made.stop()


def proposed(raglan: Running, version: str, on_existing: str) -> int:
    said = {"on_existing": on_existing, "on_new": "version", "units": ["apache2"], "clusters": ["fra1"]}
    packages = [{"name": "snafu-httpd", "version": version}]
    body = {"title": f"Pin snafu-httpd to {version}", "packages": packages, "expected": said}
    made: Any = raglan.api("POST", "/changes/proposed", body)
    return int(made["id"])


def standing(raglan: Running, change: int) -> list[tuple[str, str]]:
    hosts: Any = raglan.api("GET", f"/changes/{change}/hosts")
    return [(one["name"], one["state"]) for one in hosts]


def surprises(raglan: Running, change: int) -> list[str]:
    found: Any = raglan.api("GET", f"/changes/{change}/progress")
    return sorted(one["words"] for one in found["surprises"])


def test_an_upgrade_by_apt_and_an_apache_that_does_not_come_up_are_told_at_once(
    raglan: Running, apache: Apache, tmp_path: Path
) -> None:
    source: Any = raglan.api("POST", "/fleet/sources", {"name": "Web", "slug": "web", "kind": "hosts"})
    machine = Machine(tmp_path, raglan.url, token=source["token"], cluster="fra1", check__apache2=apache.check)
    conf = machine.root / CONF
    machine.offer("2.4.6-40", {CONF: apache.conf()})
    machine.apt("install", "snafu-httpd")
    until(lambda: raglan.api("GET", "/hosts?q=web1"))
    assert apache.start(conf)
    machine.report()

    meant = proposed(raglan, "2.4.6-44", "version")
    machine.offer("2.4.6-44", {CONF: apache.conf()})
    machine.apt("upgrade")
    until(lambda: standing(raglan, meant) == [("web1", "as_said")])
    assert surprises(raglan, meant) == []
    raglan.api("POST", f"/changes/{meant}/state", {"state": "done"})

    change = proposed(raglan, "2.4.6-45", "nothing")
    machine.offer("2.4.6-45", {CONF: apache.conf("KeepAliveTimeouts 5")})
    machine.apt("upgrade")
    moved = "snafu-httpd 2.4.6-44 → 2.4.6-45 on an existing host"
    until(lambda: surprises(raglan, change) == [moved])

    apache.crash()
    assert not apache.start(conf)
    machine.report()
    until(lambda: surprises(raglan, change) == [moved, f"{moved}; apache2 failed, active before"])
    assert standing(raglan, change) == [("web1", "differs")]
    shown = Request(f"{raglan.url}/changes/{change}/", headers={"Cookie": session_cookie(raglan)})
    with urlopen(shown, timeout=60) as answer:
        assert "apache2 failed, active before" in answer.read().decode()

    conf.write_text(apache.conf())
    apache.pid_file.unlink()  # Apache takes whatever has that number by now for itself, and ends well
    assert apache.start(conf)
    machine.report()
    until(lambda: standing(raglan, change) == [("web1", "back")])
    (found,) = raglan.api("GET", "/hosts?q=web1")  # type: ignore[misc]  # a list of one
    apache.stop()
    machine.report()
    turns: Any = raglan.api("GET", f"/hosts/{found['id']}/turns")
    assert [one["state"] for one in turns] == ["inactive", "active", "failed", "active"]  # the last first


APACHE = "[Service]\nType=forking\nPIDFile={pid}\nExecStart={program} -f /shared/httpd.conf -k start\n"
AGENT = "[Service]\nType=oneshot\n{before}ExecStart=/usr/bin/touch /shared/{name}\n"
WORKER = "[Service]\nExecStart=/usr/bin/sleep 3600\nRestart=always\nRestartSec=0\n"
STEADY = "[Service]\nExecStart=/bin/sh -c 'until rm /shared/end; do sleep 0.1; done'\nRestart=always\nRestartSec=0\n"
OLDER = "ExecStartPre=/usr/local/bin/raglan-host gate --quiet\n"


@pytest.mark.skipif(not systemd_root.can_be_had(), reason="a systemd of its own needs root and namespaces")
def test_under_a_real_systemd_an_apache_is_watched_and_agents_wait_for_the_gate(
    raglan: Running, tmp_path: Path
) -> None:
    source: Any = raglan.api("POST", "/fleet/sources", {"name": "Units", "slug": "units", "kind": "hosts"})
    apache = Apache(Path("/run"))
    conf = {
        "url": raglan.url,
        "token": source["token"],
        "name": "web2",
        "cluster": "ams2",
        "look_s": "0.2",
        "every_s": "2",
    }
    conf |= {"units": "apache2.service, cron.service, worker.service, steady.service", "packages": "none"}

    def units() -> dict[str, str]:
        found: Any = raglan.api("GET", "/hosts?q=web2")
        told: Any = raglan.api("GET", f"/hosts/{found[0]['id']}")["units"] if found else []  # type: ignore[index]
        return {unit["name"]: unit["state"] for unit in told}

    with systemd_root.booted(tmp_path) as small:
        (small.folder / "httpd.conf").write_text(apache.conf())
        small.put("/usr/local/bin/raglan-host", Path(host.__file__).read_text())
        small.put("/etc/raglan-host.conf", "".join(f"{name} = {value}\n" for name, value in conf.items()))
        small.put("/etc/systemd/system/apache2.service", APACHE.format(pid=apache.pid_file, program=apache.binary))
        for name, text in (("worker", WORKER), ("steady", STEADY)):
            small.put(f"/etc/systemd/system/{name}.service", text)
        small.put("/etc/systemd/system/chef-client.service", AGENT.format(before="", name="new"))
        small.put("/etc/systemd/system/older.service", AGENT.format(before=OLDER, name="old"))
        small.run("raglan-host", "install", "--write", "/", "systemd", "gate")
        small.keep_a_journal()
        small.systemctl("enable", "--now", "raglan-host")
        until(lambda: units() == dict.fromkeys(("apache2", "cron", "steady", "worker"), "inactive"))
        small.systemctl("start", "apache2")
        until(lambda: units().get("apache2") == "active")
        (small.folder / "httpd.conf").write_text(apache.conf("KeepAliveTimeouts 5"))
        small.systemctl("restart", "apache2")
        until(lambda: units().get("apache2") == "failed")

        small.systemctl("start", "worker", "steady")
        until(lambda: [units().get(name) for name in ("worker", "steady")] == ["active", "active"])
        small.run("sleep", "1.1")  # systemd tells whole seconds
        said = {"on_existing": "nothing", "on_new": "nothing", "units": ["worker", "steady"], "clusters": ["ams2"]}
        made: Any = raglan.api("POST", "/changes/proposed", {"title": "A new kernel", "packages": [], "expected": said})
        raglan.api("POST", f"/changes/{made['id']}/state", {"state": "under_way"})
        small.systemctl("kill", "--signal=KILL", "worker")
        crashed = "worker crashed and was started again, on an existing host"
        until(lambda: surprises(raglan, made["id"]) == [crashed])
        (small.folder / "end").touch()  # and steady ends as it should
        anew = f"{crashed}; steady restarted on an existing host, which was not expected"
        until(lambda: surprises(raglan, made["id"]) == [crashed, anew])
        assert units()["worker"] == "active"

        ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = {"name": "httpd", "reason": "it fails", "ends_at": ends_at, "clusters": ["ams2"]}
        hold: Any = raglan.api("POST", "/holds", body)
        until(lambda: small.run("raglan-host", "gate").returncode == 75)
        agents = ("chef-client", "older")
        assert [small.run("systemctl", "start", name).returncode for name in agents] == [0, 1]
        assert [small.systemctl("is-failed", name) for name in agents] == ["inactive", "failed"]
        assert not {"new", "old"} & {path.name for path in small.folder.iterdir()}
        raglan.api("POST", f"/holds/{hold['id']}/lift", {"word": "fixed"})
        until(lambda: small.run("raglan-host", "gate").returncode == 0)
        assert [small.run("systemctl", "start", name).returncode for name in agents] == [0, 0]
        assert {"new", "old"} <= {path.name for path in small.folder.iterdir()}

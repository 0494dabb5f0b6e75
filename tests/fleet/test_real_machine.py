"""A machine with a real apt and a real Apache reports to a real raglan, which compares it with what was said."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.fleet.repositories import program
from tests.host.machine import Machine
from tests.support.server import Running, free_port, get_status, serving, session_cookie, until

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
        ended = subprocess.run([self.binary, "-f", conf, "-k", "start"], capture_output=True, timeout=60, check=False)
        if ended.returncode == 0:
            until(lambda: get_status(f"http://127.0.0.1:{self.port}", "/") and self.pid_file.exists(), 30)
        return ended.returncode == 0

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
    said = {"on_existing": on_existing, "on_new": "version", "units": ["apache2"]}
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
    assert apache.start(conf)
    machine.report()

    meant = proposed(raglan, "2.4.6-44", "version")
    machine.offer("2.4.6-44", {CONF: apache.conf()})
    machine.apt("upgrade")
    until(lambda: standing(raglan, meant) == [("web1", "as_said")], 30)
    assert surprises(raglan, meant) == []
    raglan.api("POST", f"/changes/{meant}/state", {"state": "done"})

    change = proposed(raglan, "2.4.6-45", "nothing")
    machine.offer("2.4.6-45", {CONF: apache.conf("KeepAliveTimeouts 5")})
    machine.apt("upgrade")
    moved = "snafu-httpd 2.4.6-44 → 2.4.6-45 on an existing host"
    until(lambda: surprises(raglan, change) == [moved], 30)

    apache.stop()
    assert not apache.start(conf)
    machine.report()
    until(lambda: surprises(raglan, change) == [moved, f"{moved}; apache2 failed, active before"], 30)
    assert standing(raglan, change) == [("web1", "differs")]
    shown = Request(f"{raglan.url}/changes/{change}/", headers={"Cookie": session_cookie(raglan)})
    with urlopen(shown, timeout=20) as answer:
        assert "apache2 failed, active before" in answer.read().decode()

    conf.write_text(apache.conf())
    assert apache.start(conf)
    machine.report()
    until(lambda: standing(raglan, change) == [("web1", "back")], 30)
    (found,) = [one for one in raglan.api("GET", "/hosts") if one["name"] == "web1"]  # type: ignore[attr-defined]
    turns: Any = raglan.api("GET", f"/hosts/{found['id']}/turns")
    assert [one["state"] for one in turns] == ["active", "failed", "active"]  # the last first; it began stopped

"""A real apt in a root of its own installs and upgrades a real package, and raglan is told of it by apt's hook."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from raglan import host
from tests.host.receiver import Receiver
from tests.support.server import until

TOOLS = ("apt-get", "dpkg", "dpkg-deb", "dpkg-query")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="apt and dpkg are of Debian"),
]


class Machine:
    """A root folder with apt, a repository beside it, and `raglan-host` with its hook."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.root, self.repository = folder / "root", folder / "repository"
        admin = self.root / "var/lib/dpkg"
        for path in ("updates", "info", "triggers"):
            (admin / path).mkdir(parents=True)
        (admin / "status").touch()
        self.repository.mkdir()
        (self.root / "etc/apt/apt.conf.d").mkdir(parents=True)
        (self.root / "etc/apt/preferences.d").mkdir()
        (self.root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{self.repository} ./\n")
        for path in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"):
            (self.root / path).mkdir(parents=True)
        self.state = folder / "state"
        conf = folder / "raglan-host.conf"
        conf.write_text(f"url = {receiver.url}\ntoken = t\nname = web1\nstate = {self.state}\npackages = dpkg\n")
        self.program = folder / "raglan-host"
        self.program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {host.__file__} --config {conf} "$@"\n')
        self.program.chmod(0o755)
        path, text = host.FILES["apt"]
        (self.root / path).write_text(text.format(program=self.program))
        self.environ = {**os.environ, "LC_ALL": "C", "DPKG_ADMINDIR": str(admin), "DEBIAN_FRONTEND": "noninteractive"}

    def offer(self, version: str) -> None:
        """Build a version of the package and offer it in the repository, in the place of any other."""
        work = self.repository.parent / version
        (work / "DEBIAN").mkdir(parents=True)
        (work / "usr/share/snafu").mkdir(parents=True)
        (work / "usr/share/snafu/version").write_text(version)
        control = f"Package: snafu-httpd\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.test>\n"
        (work / "DEBIAN/control").write_text(control + "Description: a\n")
        deb = self.repository / "snafu-httpd.deb"
        subprocess.run(["dpkg-deb", "-b", "--root-owner-group", work, deb], check=True, stdout=subprocess.DEVNULL)
        data = deb.read_bytes()
        sums = f"Filename: ./snafu-httpd.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        (self.repository / "Packages").write_text(control + sums + "Description: a\n")
        self.apt("update")

    def apt(self, *words: str) -> str:
        """Run apt-get; return all that it said."""
        said = [f"Dir={self.root}", f"Dir::State::status={self.root}/var/lib/dpkg/status", "APT::Sandbox::User=root"]
        said += [f"DPkg::Options::=--root={self.root}", "DPkg::Options::=--force-not-root", "Dir::Log::Terminal="]
        said += ["DPkg::Options::=--force-bad-path", "Debug::NoLocking=1", "APT::Get::Assume-Yes=1"]
        options = [part for one in said for part in ("-o", one)]
        # The options of this machine are not read: its files stand above those of the root.
        environ = {**self.environ, "APT_CONFIG": str(self.empty())}
        command = ["apt-get", *options, *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def empty(self) -> Path:
        """Return a file that leads apt to the options of the root."""
        path = self.root.parent / "apt.conf"
        path.write_text(f'Dir "{self.root}";\nDir::Etc::parts "{self.root}/etc/apt/apt.conf.d";\n')
        return path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def test_an_install_and_an_upgrade_are_told_at_once_and_a_hold_is_shown(tmp_path: Path, receiver: Receiver) -> None:
    machine = Machine(tmp_path, receiver)
    machine.offer("2.4.6-40")
    machine.apt("install", "snafu-httpd")
    until(lambda: receiver.reports)
    receiver.texts["/gate"] = "stop\ngate: 1\nhold: httpd\nreason: it fails\nuntil: 2030-01-01T00:00:01Z\n"
    receiver.texts["/gate"] += "asked: 2030-01-01T00:00:00Z\nend\n"
    machine.offer("2.4.6-45")
    said = machine.apt("upgrade")
    assert "the hold httpd asks automation not to touch this: it fails" in said
    assert "/gate?host=web1&package=snafu-httpd" in receiver.asked[-1][0]
    until(lambda: len(receiver.reports) > 1)
    versions = [(one["because"], one["packages"]) for one in receiver.reports]
    assert versions == [
        ("apt", [["snafu-httpd", "2.4.6-40", "all"]]),
        ("apt", [["snafu-httpd", "2.4.6-45", "all"]]),
    ]

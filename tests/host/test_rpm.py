"""A real rpm and a real dnf in a root of their own: what is installed is told, and what dnf changed at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from raglan import host
from tests.fleet import repositories as repo
from tests.host.receiver import Receiver
from tests.support.server import until

pytestmark = pytest.mark.e2e
NEWER_NAME = """# Debian's plugin is newer than its libdnf and calls this by a later name.
import libdnf.conf
if not hasattr(libdnf.conf, "ConfigParser_substitute"):
    libdnf.conf.ConfigParser_substitute = libdnf.conf.ConfigParser.substitute
"""


class Machine:
    """A root folder with the database of rpm, a repository beside it, and `raglan-host` with its action for dnf."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.root, self.repository = folder, folder / "root", folder / "repository"
        self.repository.mkdir()
        (self.root / "etc").mkdir(parents=True)
        self.actions = folder / Path(host.FILES["dnf"][0]).parent
        (folder / "host.conf").write_text(
            f"url = {url}\ntoken = t\nname = web1\nstate = {folder / 'state'}\npackages = rpm\n"
        )
        self.program = folder / "raglan-host"
        words = f'exec {sys.executable} -I {host.__file__} --config {folder}/host.conf "$@"'
        self.program.write_text(f"#!/bin/sh\nexport HOME={folder}\n{words}\n")
        self.program.chmod(0o755)
        self.actions.mkdir(parents=True)
        text = host.FILES["dnf"][1].format(program=self.program)
        (self.actions / "raglan-host.action").write_text(text)
        plugins = folder / "pluginconf"
        plugins.mkdir()
        (plugins / "post-transaction-actions.conf").write_text(f"[main]\nenabled=1\nactiondir={self.actions}/\n")
        (folder / "dnf.conf").write_text(
            f"[main]\nplugins=1\npluginconfpath={plugins}\nreposdir={folder}\ngpgcheck=0\n"
            f"[local]\nname=local\nbaseurl=file://{self.repository}\n"
        )
        # What is this machine's to raglan-host is dnf's below its root, and each user may say where rpm looks.
        (folder / ".rpmmacros").write_text(f"%_dbpath {self.root}/var/lib/rpm\n")
        (folder / "dnf").mkdir()
        (folder / "dnf/.rpmmacros").write_text("%_dbpath /var/lib/rpm\n")
        (folder / "dnf/sitecustomize.py").write_text(NEWER_NAME)
        self.environ = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": f"{folder}/dnf", "PYTHONPATH": f"{folder}/dnf"}

    def offer(self, version: str, release: str) -> None:
        """Build a version of the package and offer it in the repository, in the place of any other."""
        for old in self.repository.glob("*.rpm"):
            old.unlink()
        repo.rpm(self.repository, version, release)
        repo.index_rpms(self.repository)

    def dnf(self, *words: str) -> str:
        """Run dnf; return what it said."""
        own = ["--config", f"{self.folder}/dnf.conf", "--installroot", str(self.root), "--releasever", "9", "-y"]
        own += ["--setopt", f"cachedir={self.folder}/cache", "--setopt", f"logdir={self.folder}"]
        own += ["--disableplugin", "*", "--enableplugin", "post-transaction-actions"]
        own += ["--setopt", f"persistdir={self.folder}/persist", "--refresh"]
        command = [repo.program("dnf", "dnf dnf-plugins-core"), *own, *words]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def test_what_dnf_installs_upgrades_and_removes_is_told_at_once(tmp_path: Path, receiver: Receiver) -> None:
    machine = Machine(tmp_path, receiver.url)
    machine.offer("2.4.6", "40")
    machine.dnf("install", "httpd")
    until(lambda: receiver.reports)
    machine.offer("2.4.6", "45")
    assert "httpd-2.4.6-45.noarch" in machine.dnf("upgrade")
    until(lambda: len(receiver.reports) > 1)
    machine.dnf("remove", "httpd")
    until(lambda: len(receiver.reports) > 2)
    assert [(one["because"], one["packages"]) for one in receiver.reports] == [
        ("rpm", [["httpd", "2.4.6-40", "noarch"]]),
        ("rpm", [["httpd", "2.4.6-45", "noarch"]]),
        ("rpm", []),
    ]

"""A root folder with a real apt and dpkg, a repository beside it, and `raglan-host` with its hook for apt."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from raglan import host

TOOLS = ("apt-get", "dpkg", "dpkg-deb", "dpkg-query")
APT_CONF = """
Dir "{root}";
Dir::Etc::parts "{root}/etc/apt/apt.conf.d";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Log::Terminal "";
DPkg::Options {{ "--root={root}"; "--force-not-root"; "--force-bad-path"; }};
APT::Sandbox::User "root";
APT::Get::Assume-Yes "1";
Debug::NoLocking "1";
"""


class Machine:
    """Packages are installed into the root by apt; `more` are options of `raglan-host`."""

    def __init__(self, folder: Path, url: str, *, token: str = "t", name: str = "web1", **more: str) -> None:
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
        said = {"url": url, "token": token, "name": name, "state": str(self.state), "packages": "dpkg"} | {
            option.replace("__", "."): value for option, value in more.items()
        }
        conf = folder / "raglan-host.conf"
        conf.write_text("".join(f"{option} = {value}\n" for option, value in said.items()))
        self.program = folder / "raglan-host"
        self.program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {host.__file__} --config {conf} "$@"\n')
        self.program.chmod(0o755)
        path, text = host.FILES["apt"]
        (self.root / path).write_text(text.format(program=self.program))
        apt_conf = folder / "apt.conf"
        apt_conf.write_text(APT_CONF.format(root=self.root))
        # What apt-get, Ansible and Puppet go by when they change packages: this root, and never that of this machine.
        self.settings = {"APT_CONFIG": str(apt_conf), "DPKG_ADMINDIR": str(admin), "DEBIAN_FRONTEND": "noninteractive"}
        self.environ = {**os.environ, "LC_ALL": "C", **self.settings}

    def offer(self, version: str, files: Mapping[str, str] | None = None) -> None:
        """Build a version of the package and offer it in the repository, in the place of any other."""
        work = self.repository.parent / version
        for path, text in {"usr/share/snafu/version": version, **(files or {})}.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        control = f"Package: snafu-httpd\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.test>\n"
        (work / "DEBIAN").mkdir()
        (work / "DEBIAN/control").write_text(control + "Description: a\n")
        deb = self.repository / "snafu-httpd.deb"
        subprocess.run(["dpkg-deb", "-b", "--root-owner-group", work, deb], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(work)
        data = deb.read_bytes()
        sums = f"Filename: ./snafu-httpd.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        (self.repository / "Packages").write_text(control + sums + "Description: a\n")
        self.apt("update")

    def apt(self, *words: str) -> str:
        """Run apt-get; return all that it said."""
        command = ["apt-get", *words]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def installed(self) -> str:
        """Return the version of the package that dpkg says is installed; empty when none is."""
        asked = ["dpkg-query", "-W", "-f", "${Version}", "snafu-httpd"]
        return subprocess.run(asked, env=self.environ, capture_output=True, text=True, timeout=30, check=False).stdout

    def report(self) -> None:
        """Have `raglan-host` tell what there is now."""
        subprocess.run([self.program, "report"], env=self.environ, check=True, timeout=60)

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
        self.environ = {**os.environ, "LC_ALL": "C", "DPKG_ADMINDIR": str(admin), "DEBIAN_FRONTEND": "noninteractive"}

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

    def report(self) -> None:
        """Have `raglan-host` tell what there is now."""
        subprocess.run([self.program, "report"], env=self.environ, check=True, timeout=60)

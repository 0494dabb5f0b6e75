"""The files that make `raglan-host` run by itself: of apt, yum, dnf and zypper."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from raglan import host
from tests.host.conftest import install
from tests.host.receiver import Receiver
from tests.support.server import until

Run = Callable[..., int]


def test_apt_says_what_it_is_about_to_touch() -> None:
    lines = ["VERSION 3", "APT::Architecture=amd64", "", "httpd 1 amd64 none < 2 amd64 none /x.deb"]
    lines += ["old 1 amd64 none > - - none **REMOVE**", "httpd 1 amd64 none < 2 amd64 none **CONFIGURE**", "short"]
    assert host.touched(lines) == ["httpd", "old"]
    assert host.touched(["VERSION 2", "", "httpd 1 < 2 /x.deb"]) == []
    assert host.touched([]) == []


def test_the_files_that_make_it_run_are_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert host.main(["install", *sorted(host.FILES)]) == 0
    assert "Pre-Install-Pkgs" in capsys.readouterr().out
    assert host.main(["install", "apt", "--write", str(tmp_path)]) == 0
    assert "DPkg::Post-Invoke" in (tmp_path / "etc/apt/apt.conf.d/99raglan-host").read_text()


def test_zypper_is_answered_and_what_it_changed_is_told_once(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    run("report")
    frames = [b"PLUGINBEGIN\nuserdata:\n\n", b"COMMITBEGIN\n\n" + b'{"TransactionStepList":[]}' * 5_000]
    frames += [b"COMMITEND\n\n{}", b"PLUGINEND\n\n", b"_DISCONNECT\n\n", b"never read\n\n"]
    install(tmp_path, ("apache2", "2.4.62-2"))
    command = [sys.executable, "-I", host.__file__, "--config", str(tmp_path / "conf"), "zypp"]
    done = subprocess.run(command, input=b"\0".join([*frames, b""]), capture_output=True, timeout=100, check=True)
    assert done.stdout == b"ACK\n\n\0" * 5
    until(lambda: len(receiver.reports) > 1)
    assert receiver.reports[1]["because"] == "rpm"


def test_yum_tells_after_its_transaction_and_is_never_kept_from_its_work(tmp_path: Path) -> None:
    assert host.main(["install", "yum", "dnf5", "zypper", "--write", str(tmp_path)]) == 0
    plugin = tmp_path / "usr/lib/yum-plugins/raglan_host.py"
    assert (tmp_path / "etc/yum/pluginconf.d/raglan_host.conf").read_text() == "[main]\nenabled=1\n"
    assert os.access(tmp_path / "usr/lib/zypp/plugins/commit/raglan-host", os.X_OK)
    assert not os.access(plugin, os.X_OK)
    said: list[str] = []
    told: list[list[str]] = []
    yum = {"yum": ModuleType("yum"), "yum.plugins": ModuleType("yum.plugins")}
    yum["yum.plugins"].TYPE_CORE = 0  # type: ignore[attr-defined]  # all of yum that it needs
    conduit = SimpleNamespace(error=lambda _level, words: said.append(words))
    with pytest.MonkeyPatch.context() as patch:
        for name, module in yum.items():
            patch.setitem(sys.modules, name, module)
        own: dict[str, Any] = {}
        exec(compile(plugin.read_text(), str(plugin), "exec"), own)
        patch.setattr(subprocess, "call", told.append)
        own["posttrans_hook"](conduit)
        patch.setattr(subprocess, "call", lambda _words: (_ for _ in ()).throw(FileNotFoundError("gone")))
        own["posttrans_hook"](conduit)
    assert told[0][1:] == ["report", "--background", "--because", "rpm"]
    assert said == ["raglan-host: gone"]

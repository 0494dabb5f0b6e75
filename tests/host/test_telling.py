"""`raglan-host report`: what it tells, what waits while raglan is away, and that nothing counts twice."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from django.test import Client

from raglan import host
from tests.host.conftest import install
from tests.host.receiver import Receiver
from tests.support.server import until

Run = Callable[..., int]


def waiting(folder: Path) -> list[str]:
    return sorted(path.suffix for path in (folder / "state" / "spool").iterdir() if not path.name.startswith("."))


def test_a_report_tells_the_hash_first_and_packages_when_asked(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    assert run("report", tags="a, b", services="httpd") == 0
    assert run("report", "--because", "boot") == 0
    first, second = receiver.reports
    assert first["packages"] == [["apache2", "2.4.62-1", "amd64"], ["bash", "5.2", "amd64"]]
    assert "packages" not in second
    assert first["packages_hash"] == second["packages_hash"]
    assert first["units"] == [["httpd", "active"]]
    words = {"name": "web1", "cluster": "fra1", "role": "web", "tags": ["a", "b"], "services": ["httpd"]}
    assert {name: first["host"][name] for name in words} == words
    assert (first["because"], second["because"], first["v"]) == ("timer", "boot", 1)
    assert second["seq"] > first["seq"]
    assert waiting(tmp_path) == []


def test_what_could_not_be_told_waits_and_catches_up_in_order(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    run("report")
    receiver.status = 503
    for version in ("2.4.63-1", "2.4.63-1", "2.4.62-1"):
        install(tmp_path, ("apache2", version))
        assert run("report") == 0
    assert waiting(tmp_path) == [".packages", ".packages", ".report", ".report"]
    receiver.status = 202
    install(tmp_path, ("apache2", "2.4.64-1"))
    run("report")
    versions = [one["packages"][0][1] for one in receiver.reports]
    assert versions == ["2.4.62-1", "2.4.63-1", "2.4.62-1", "2.4.64-1"]
    assert sorted(one["seq"] for one in receiver.reports) == [one["seq"] for one in receiver.reports]
    assert waiting(tmp_path) == []


def test_one_that_was_taken_though_the_answer_was_lost_counts_once(
    run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = host.post

    def lost(url: str, token: str, body: str) -> None:
        post(url, token, body)
        raise host.Away("the line was cut")

    monkeypatch.setattr(host, "post", lost)
    run("report")
    monkeypatch.setattr(host, "post", post)
    run("report")
    assert len(receiver.reports) == 1


def test_what_will_never_be_taken_is_dropped_and_said(
    run: Run, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = 422
    run("report")
    assert "dropped" in capsys.readouterr().err
    receiver.status = 401  # a wrong token may be put right
    run("report")
    assert ".report" in waiting(tmp_path)
    spool = tmp_path / "state" / "spool"
    next(spool.glob("*.report")).write_text("{half")
    receiver.status = 202
    run("report")
    assert len(receiver.reports) == 1


def test_one_that_raglan_can_not_store_holds_up_no_later_one(
    run: Run, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(number: int) -> None:
        install(tmp_path, ("apache2", f"1.{number}"))
        run("report")

    aside = tmp_path / "state" / "aside"
    receiver.breaks_on = "1.0"
    version(0)
    version(1)
    assert receiver.reports == []
    version(2)  # the third try
    assert [one["packages"][0][1] for one in receiver.reports] == ["1.1", "1.2"]
    assert sorted(path.suffix for path in aside.iterdir()) == [".packages", ".report"]
    assert "put aside" in capsys.readouterr().err
    assert waiting(tmp_path) == []

    version(3)
    assert receiver.reports[-1]["aside"] == 1
    receiver.breaks_on = ""
    run("report", "--again")
    assert [one["packages"][0][1] for one in receiver.reports if "packages" in one] == ["1.1", "1.2", "1.3", "1.0"]
    run("report")
    assert "aside" not in receiver.reports[-1]
    assert list(aside.iterdir()) == []


def test_while_raglan_can_store_nothing_all_wait_in_their_order(
    run: Run, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 500
    for number in range(6):
        install(tmp_path, ("apache2", f"1.{number}"))
        assert run("report") == 0
    receiver.status = 202
    run("report")
    assert [one["packages"][0][1] for one in receiver.reports] == [f"1.{number}" for number in range(6)]

    monkeypatch.setattr(host, "MOST_ASIDE", 1)
    monkeypatch.setattr(host, "TRIES", 1)
    for number in (6, 7):
        receiver.breaks_on = f"1.{number}"
        install(tmp_path, ("apache2", f"1.{number}"))
        run("report")
        install(tmp_path, ("apache2", f"2.{number}"))
        run("report")
    assert len(list((tmp_path / "state" / "aside").glob("*.report"))) == 1


def test_little_room_is_taken_by_what_waits(
    run: Run, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "MOST_WAITING", 2)
    receiver.status = 503
    for number in range(5):
        install(tmp_path, ("apache2", f"1.{number}"))
        run("report")
    assert waiting(tmp_path) == [".packages", ".packages", ".report", ".report"]


def test_raglan_is_left_alone_as_long_as_it_asks(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    receiver.status, receiver.retry_after = 503, "90"
    run("report")
    options = host.options_of(str(tmp_path / "conf"), {})
    assert host.report(options, "timer") == 90.0


def test_apt_tells_only_what_is_new(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    run("report")
    options = host.options_of(str(tmp_path / "conf"), {})
    host.report(options, "apt", only_news=True)
    assert len(receiver.reports) == 1
    install(tmp_path, ("apache2", "2.4.65-1"))
    host.report(options, "apt", only_news=True)
    assert [one["because"] for one in receiver.reports] == ["timer", "apt"]


def test_packages_that_can_not_be_told_are_left_out(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "dpkg" / "status").write_text("Package: broken\nStatus: nonsense\n\n")
    run("report", units="a.service", **{"check.httpd": "/does/not/exist"})
    told = receiver.reports[0]
    assert "packages_hash" not in told


SYSTEMD = """#!/bin/sh
[ "$TZ" = UTC ] && [ "$1" = show ] || exit 1
cat <<END
ActiveState=active
ExecMainStartTimestamp=Fri 2026-11-27 21:26:37 UTC
ActiveEnterTimestamp=Fri 2026-11-27 21:26:38 UTC
NRestarts=0

ActiveState=inactive
ExecMainStartTimestamp=
ActiveEnterTimestamp=n/a
NRestarts=0
END
"""


def test_one_call_tells_how_units_are_and_when_they_were_started(
    run: Run, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(SYSTEMD)
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(systemctl.parent), prepend=":")
    run("report", units="apache2.service, cron.service")
    told = receiver.reports[0]
    assert told["units"] == [["apache2.service", "active"], ["cron.service", "inactive"], ["httpd", "active"]]
    assert told["started"] == [["apache2.service", 1795814797]]
    assert "crashed" not in told
    options = host.options_of(str(tmp_path / "conf"), {})
    host.report(options, "apt", only_news=True)
    again = SYSTEMD.replace("21:26:37", "21:40:00").replace("NRestarts=0", "NRestarts=2\nRestart=on-failure", 1)
    systemctl.write_text(again)
    host.report(options, "apt", only_news=True)
    assert receiver.reports[1]["crashed"] == ["apache2.service"]
    assert [one["started"][0][1] for one in receiver.reports] == [1795814797, 1795815600]


JOURNAL = """#!/bin/sh
echo "$@" >>{asked}
echo '{{"MESSAGE_ID": "{end}"}}'
"""


@pytest.mark.parametrize(
    ("restart", "end", "crashed"),
    [
        ("always", host.ENDED_WELL, False),
        ("always", host.ENDED_BADLY, True),
        ("on-success", host.ENDED_WELL, False),
        ("always", "nothing that is known", False),
        ("on-failure", host.ENDED_WELL, True),
    ],
)
def test_a_unit_that_ended_well_and_was_started_again_has_not_crashed(
    restart: str, end: str, crashed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "ENDS", {})
    asked = tmp_path / "asked"
    (tmp_path / "systemctl").write_text(SYSTEMD.replace("NRestarts=0", f"NRestarts=1\nRestart={restart}", 1))
    (tmp_path / "journalctl").write_text(JOURNAL.format(asked=asked, end=end))
    for name in ("systemctl", "journalctl"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    options = host.Options({"units": "apache2, cron.service"})
    for _ in range(3):  # which asks the journal once for each start
        assert host.units_of(options).crashed == (("apache2",) if crashed else ())
    if restart != "on-failure":
        assert asked.read_text().count("UNIT=apache2.service") == 1


def test_without_a_journal_no_unit_is_said_to_have_crashed_that_may_have_ended_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "ENDS", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host.last_end("apache2.service") == ""
    assert not host.ended_badly("apache2", 5, {"NRestarts": "1", "Restart": "always"})


@pytest.mark.parametrize("text", ["", "n/a", "Fri 2026-11-27 21:26:37 CET", "Fri 2026-11-27 xx UTC"])
def test_a_time_of_systemd_that_can_not_be_read_is_none(text: str) -> None:
    assert host.systemd_time(text) == 0


def test_a_machine_says_when_its_system_came_to_be(
    run: Run, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "output_of", lambda command: (0, "4102444800\n"))
    assert host.installed_at() == 4102444800
    monkeypatch.setattr(host, "output_of", lambda command: (0, "-\n"))
    assert 0 <= host.installed_at() < 4102444800


def test_a_package_that_dpkg_is_at_work_on_is_there(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    states = ["unpacked", "half-configured", "triggers-pending", "config-files"]
    for state in states:
        install(tmp_path, ("bash", "5.2"), (state, "1"))
        status = tmp_path / "dpkg" / "status"
        head, tail = status.read_text().split(f"Package: {state}\n")
        more = "Triggers-Pending: x\n" if state == "triggers-pending" else ""
        status.write_text(f"{head}Package: {state}\n{tail.replace('ok installed', f'ok {state}').rstrip()}\n{more}\n")
        run("report")
    names = [[name for name, _, _ in one["packages"]] for one in receiver.reports if "packages" in one]
    assert names == [*(["bash", state] for state in states[:-1]), ["bash"]]


def test_it_is_written_for_an_old_python() -> None:
    source = Path(host.__file__).read_text()
    ast.parse(source, feature_version=(3, 6))
    for word in (":=", "capture_output", "time_ns", "removeprefix", "from __future__"):
        assert word not in source


def test_the_program_ends_with_the_answer(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "conf").write_text(f"url = {receiver.url}\nstate = {tmp_path / 'state'}\ngate_unknown = stop\n")
    command = [sys.executable, "-I", host.__file__, "--config", str(tmp_path / "conf"), "gate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (75, "stop")
    assert json.loads((tmp_path / "state" / "gate.json").read_text())["source"] == "nothing"


def test_watching_tells_a_change_at_once(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    run("report", look_s="0.1", every_s="3600")
    receiver.reports.clear()
    command = [sys.executable, "-I", host.__file__, "--config", str(tmp_path / "conf"), "watch"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as watching:
        try:
            number = count(1)
            until(lambda: install(tmp_path, ("apache2", f"3.{next(number)}")) or receiver.reports, every=0.3)
        finally:
            watching.terminate()
    assert receiver.reports[0]["because"] == "dpkg"


def test_a_unit_and_the_gate_are_named_as_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DPKG_ADMINDIR", str(tmp_path))
    said = {"state": str(tmp_path), "check.httpd": "true"}
    before, stopped = host.changed(host.Options(said)), host.changed(host.Options({**said, "check.httpd": "false"}))
    assert host.because_of(before, stopped) == "unit"
    (tmp_path / "gate.json").write_text("{}")
    asked = host.changed(host.Options(said))
    assert host.because_of(before, asked) == "gate"
    (tmp_path / "status").write_text("")
    assert host.because_of(asked, host.changed(host.Options({**said, "check.httpd": "false"}))) == "dpkg"


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("true", "active"),
        ("false", "failed"),
        ("sh -c 'exit 3'", "inactive"),
        ("sh -c 'exit 4'", "unknown"),
        ("sh -c 'exit 2'", "failed"),
        ("/not/there", "unknown"),
    ],
)
def test_a_check_answers_as_an_init_script_does(command: str, state: str) -> None:
    assert host.checked(command) == state


@pytest.mark.parametrize("name", ["rpmdb.sqlite", "Packages.db", "Packages"])
@pytest.mark.parametrize("folder", ["var/lib/rpm", "usr/lib/sysimage/rpm"])
def test_rpms_database_is_watched_wherever_it_is(
    folder: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"/{folder}" in host.RPM_FOLDERS
    monkeypatch.setattr(host, "RPM_FOLDERS", [str(tmp_path) + one for one in host.RPM_FOLDERS])
    monkeypatch.setenv("DPKG_ADMINDIR", str(tmp_path))
    options = host.options_of(str(tmp_path / "conf"), {})
    status, database = tmp_path / "status", tmp_path / folder / name
    database.parent.mkdir(parents=True)
    before = host.changed(options)
    database.touch()
    with_rpm = host.changed(options)
    status.touch()
    with_both = host.changed(options)
    assert with_rpm != before
    assert host.because_of(before, with_rpm) == "rpm"
    assert host.because_of(with_rpm, with_both) == "dpkg"


def test_raglan_hands_the_program_out(client: Client) -> None:
    answer = client.get("/raglan-host")
    assert answer.content == Path(host.__file__).read_bytes()


def test_an_answer_that_is_not_raglans_leaves_the_report_waiting(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    receiver.moved = "/login"
    run("report")
    receiver.moved, receiver.status = "", 200  # such as a page that says hello to everybody
    run("report")
    assert len(list((tmp_path / "state" / "spool").glob("*.report"))) == 1
    receiver.status = 202
    run("report")
    assert len(receiver.reports) == 1


def test_what_can_not_be_kept_is_sent_at_once(
    run: Run, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(host, "keep_report", full)
    assert run("report") == 2
    assert [len(one["packages"]) for one in receiver.reports] == [2]


def test_an_empty_check_is_not_known_and_stops_nothing(run: Run, receiver: Receiver) -> None:
    run("report", **{"check.vpn": ""})
    assert ["vpn", "unknown"] in receiver.reports[0]["units"]

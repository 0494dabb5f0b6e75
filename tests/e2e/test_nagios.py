"""A real Nagios 4 pages through `raglan-notify`, also what happened while raglan was away."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
CONFIG = """
log_file={home}/nagios.log
cfg_file={home}/objects.cfg
object_cache_file={home}/objects.cache
precached_object_file={home}/objects.precache
resource_file={home}/resource.cfg
status_file={home}/status.dat
status_update_interval=5
nagios_user={user}
nagios_group={group}
check_external_commands=1
command_file={home}/nagios.cmd
lock_file={home}/nagios.pid
temp_file={home}/nagios.tmp
temp_path={home}
log_rotation_method=n
log_archive_path={home}
use_syslog=0
check_result_path={home}/results
state_retention_file={home}/retention.dat
retain_state_information=0
query_socket={home}/nagios.qh
interval_length=1
enable_notifications=1
enable_environment_macros=1
execute_service_checks=0
execute_host_checks=0
accept_passive_service_checks=1
accept_passive_host_checks=1
cached_host_check_horizon=15
enable_flap_detection=0
illegal_macro_output_chars=`~$&|'"<>
"""
OBJECTS = """
define timeperiod {{
    timeperiod_name 24x7
    alias           always
    {days}
}}
define command {{
    command_name notify
    command_line {notify}
}}
define command {{
    command_name ok
    command_line /bin/true
}}
define contact {{
    contact_name                  raglan
    host_notifications_enabled    1
    service_notifications_enabled 1
    host_notification_period      24x7
    service_notification_period   24x7
    host_notification_options     d,u,r
    service_notification_options  w,u,c,r
    host_notification_commands    notify
    service_notification_commands notify
}}
define host {{
    host_name             db1
    address               127.0.0.1
    check_command         ok
    max_check_attempts    1
    check_period          24x7
    notification_period   24x7
    notification_interval 0
    contacts              raglan
    initial_state         o
    _RUNBOOK              https://wiki.example.test/db
}}
define service {{
    host_name             db1
    service_description   Disk /
    check_command         ok
    max_check_attempts    1
    check_interval        60
    retry_interval        60
    check_period          24x7
    notification_period   24x7
    notification_interval 0
    contacts              raglan
    active_checks_enabled 0
}}
"""
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class Nagios:
    """A real Nagios in a folder of its own."""

    def __init__(self, home: Path, program: str) -> None:
        self.home = home
        self._log = (home / "out").open("wb")
        self.process = subprocess.Popen([program, str(home / "nagios.cfg")], stdout=self._log, stderr=self._log)

    def say(self, command: str) -> None:
        """Write one line to its command file."""
        with (self.home / "nagios.cmd").open("a") as pipe:
            pipe.write(f"[{int(time.time())}] {command}\n")

    def result(self, state: int, output: str) -> None:
        """Report the result of a check of the service."""
        self.say(f"PROCESS_SERVICE_CHECK_RESULT;db1;Disk /;{state};{output}")

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._log.close()


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


@pytest.fixture
def nagios(raglan: Running, tmp_path: Path) -> Iterator[Nagios]:
    """A real Nagios whose notification command is `raglan-notify`."""
    program = shutil.which("nagios4")
    assert program, "install the Debian package nagios4-core"
    made = raglan.api("POST", "/sources", {"name": "Nagios", "slug": "nagios", "kind": "nagios"})
    assert isinstance(made, dict)
    (tmp_path / "results").mkdir()
    (tmp_path / "resource.cfg").write_text("")
    (tmp_path / "notify.conf").write_text(f"{made['paste']}\nspool = {tmp_path / 'spool'}\n")
    notify = f"{sys.executable} -m raglan.notify --config {tmp_path / 'notify.conf'}"
    days = "\n    ".join(f"{day} 00:00-24:00" for day in DAYS)
    user = str(os.getuid())
    (tmp_path / "nagios.cfg").write_text(CONFIG.format(home=tmp_path, user=user, group=str(os.getgid())))
    (tmp_path / "objects.cfg").write_text(OBJECTS.format(notify=notify, days=days))
    running = Nagios(tmp_path, program)
    try:
        until(lambda: (tmp_path / "nagios.cmd").exists() or running.process.poll() is not None)
        assert running.process.poll() is None, (tmp_path / "out").read_text() + (tmp_path / "nagios.log").read_text()
        yield running
    finally:
        running.stop()


def alerts(running: Running) -> list[tuple[object, object]]:
    found = running.api("GET", "/alerts")
    assert isinstance(found, list)
    return [(item["title"], item["state"]) for item in found]


def pages(running: Running) -> list[object]:
    found = running.api("GET", "/pages?state=all")
    assert isinstance(found, list)
    return [item["state"] for item in found]


def waiting(nagios: Nagios) -> int:
    """Return how many notifications wait for raglan."""
    return len(list((nagios.home / "spool").glob("*.json")))


def test_nagios_pages_and_recovers_also_over_a_time_when_raglan_was_away(raglan: Running, nagios: Nagios) -> None:
    nagios.result(2, "disk 95 percent; $(touch /tmp/never) `id` é")
    until(lambda: alerts(raglan) == [("Disk / on db1 is CRITICAL", "firing")])
    assert pages(raglan) == ["triggered"]
    detail = raglan.api("GET", "/alerts")
    assert isinstance(detail, list)
    assert "touch /tmp/never" in detail[0]["annotations"]["output"]
    assert detail[0]["annotations"]["link: runbook"] == "https://wiki.example.test/db"
    until(lambda: any("Disk / on db1" in str(mail["Subject"]) for mail in raglan.mailbox.mails))

    nagios.say("ACKNOWLEDGE_SVC_PROBLEM;db1;Disk /;1;1;0;alice;on it")
    until(lambda: pages(raglan) == ["acknowledged"])
    until(lambda: waiting(nagios) == 0)  # what raglan knows already is taken away only after its answer

    raglan.stop()
    nagios.result(0, "disk ok")
    until(lambda: waiting(nagios) == 1)
    nagios.result(2, "disk full again")
    until(lambda: waiting(nagios) == 2)
    raglan.start_again()
    until(lambda: sorted(alerts(raglan)) == [(TITLE, "firing"), (TITLE, "resolved")], MOST_BETWEEN_TRIES_S)
    until(lambda: not list((nagios.home / "spool").glob("*.json*")))
    assert sorted(map(str, pages(raglan))) == ["resolved", "triggered"]


TITLE = "Disk / on db1 is CRITICAL"
MOST_BETWEEN_TRIES_S = 150  # a minute lies between two tries, and each may take its time

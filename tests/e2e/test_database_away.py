"""PostgreSQL goes away under a running raglan: signals are taken all the same, and page once it is back."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.host.asking import Asking
from tests.support import pg
from tests.support.server import Running, get_status, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture
def database() -> Iterator[pg.Server]:
    """A PostgreSQL of this test's own, which it may stop."""
    server = pg.Server()
    with server.connect() as connection:
        connection.execute("CREATE DATABASE away")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def raglan(database: pg.Server) -> Iterator[Running]:
    key = "a-key-for-this-test-only-0123456789"
    with serving(database_url=database.url("away"), storm_groups="0", secret_key=key) as running:
        yield running


def push(running: Running, token: str, name: str) -> str:
    """Push an alert; return where the answer says that it lies."""
    body = json.dumps([{"labels": {"alertname": name, "service": name}, "annotations": {"summary": name}}]).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(f"{running.url}/api/v2/alerts", data=body, headers=headers), timeout=60) as answer:
        assert answer.status == 200
        return str(answer.headers.get("X-Raglan-Stored", "database"))


def subjects(running: Running) -> list[str]:
    return [str(mail["Subject"]) for mail in running.mailbox.to("mara@example.test")]


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_what_was_answered_while_it_was_away_pages_once_when_it_is_back(
    raglan: Running, database: pg.Server, how: str
) -> None:
    token = set_up_web_team(raglan)
    assert push(raglan, token, "Before") == "database"
    until(lambda: "Before" in subjects(raglan), 30)
    until(lambda: is_recorded(raglan, "Before"), 30)  # else it may go out again, marked: nobody could tell that it went

    if how == "stopped":
        database.halt()
    else:
        tell(database, signal.SIGSTOP)
    names = [f"Away{number}" for number in range(8)]
    assert {push(raglan, token, name) for name in names} == {"spool"}
    assert get_status(raglan.url, "/readyz") == 503
    assert get_status(raglan.url, "/readyz/intake") == 200
    assert not set(names) & set(subjects(raglan))

    if how == "stopped":
        database.start_again()
    else:
        tell(database, signal.SIGCONT)

    until(lambda: set(subjects(raglan)) >= set(names), 60)
    until(lambda: push(raglan, token, "After") == "database", 30, every=0.5)
    until(lambda: "After" in subjects(raglan), 30)
    time.sleep(1)
    assert sorted(subjects(raglan)) == sorted(["Before", "After", *names])


def test_a_node_that_is_killed_with_a_spool_hands_it_over_at_its_next_start(
    raglan: Running, database: pg.Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token, machine = set_up_web_team(raglan), Asking(tmp_path, capsys)
    push(raglan, token, "Before")
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    hold = {"name": "httpd", "reason": "it fails", "ends_at": ends_at, "clusters": ["fra1"]}
    raglan.api("POST", "/holds", hold)
    until(lambda: machine.ask("web1", raglan.url)[0] == 75)
    database.halt()
    names = [f"Away{number}" for number in range(3)]
    assert {push(raglan, token, name) for name in names} == {"spool"}
    assert machine.ask("web2", raglan.url) == (75, f"source: http {raglan.url}/gate")  # though nobody asked for it yet
    raglan.stop(signal.SIGKILL)
    code, source = machine.ask("web1", raglan.url)
    assert (code, source.endswith(" s old")) == (75, True)
    assert machine.ask("web3", raglan.url) == (0, "source: nothing")
    database.start_again()

    raglan.start_again()

    until(lambda: set(subjects(raglan)) >= set(names), 60)


def is_recorded(running: Running, title: str) -> bool:
    """Tell whether it is written down that the message of a page went out."""
    [number] = [page["id"] for page in running.api("GET", "/pages?state=all") if page["title"] == title]
    reached = running.api("GET", f"/pages/{number}")["reached"]
    return [one["state"] for person in reached for one in person["notifications"]] == ["handed_over"]


@pytest.fixture
def paging(database: pg.Server) -> Iterator[Running]:
    """One that pages without its database after three seconds."""
    key = "a-key-for-this-test-only-0123456789"
    soon = {"last_resort_after_s": "3", "last_resort_every_s": "1"}
    with serving(database_url=database.url("away"), secret_key=key, **soon) as running:
        yield running


def until_kept(running: Running) -> None:
    """Wait until a node has kept whom it would page as it is now; the file is touched at the end of each look."""
    standing = running.data_dir / "data" / "last_resort" / "standing"
    for _ in range(2):  # the next look may have begun before this moment, the one after it has not
        before = standing.stat().st_mtime_ns if standing.exists() else 0
        until(lambda before=before: standing.exists() and standing.stat().st_mtime_ns > before)


def diary(running: Running) -> list[str]:
    """Return the kinds of what a node wrote down of what it did without its database."""
    written = (running.data_dir / "data" / "last_resort" / "diary").read_text()
    return [json.loads(line)["type"] for line in written.split("\n")[:-1]]


def alarm(running: Running, token: str, name: str, severity: str = "critical") -> None:
    labels = {"alertname": name, "service": name, "severity": severity}
    body = json.dumps([{"labels": labels, "annotations": {"summary": name}}]).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(f"{running.url}/api/v2/alerts", data=body, headers=headers), timeout=60) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("is_taken", [True, False])
def test_without_the_database_critical_alerts_page_and_an_answer_counts(
    paging: Running, database: pg.Server, is_taken: bool
) -> None:
    token = set_up_web_team(paging)
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    matchers = [{"name": "alertname", "op": "=", "value": "Muted"}]
    paging.api("POST", "/silences", {"matchers": matchers, "ends_at": ends, "reason": "known"})
    alarm(paging, token, "Before", "warning")
    until(lambda: "Before" in subjects(paging))
    until_kept(paging)

    database.halt()
    for name, severity in (("Away", "critical"), ("Muted", "critical"), ("Warned", "warning")):
        alarm(paging, token, name, severity)
    until(lambda: len(subjects(paging)) == 2, 60)
    assert "The database is away; this may be a repeat" in subjects(paging)[1]
    text = str(paging.mailbox.to("mara@example.test")[1].get_content())
    link = re.findall(r"http://\S+/away/\S+/", text)[0]
    with urlopen(link, timeout=60) as answer:
        page = answer.read().decode()
    assert "Away" in page
    assert "Muted" not in page
    if is_taken:
        with urlopen(Request(link, data=b"", method="POST"), timeout=60) as answer:
            assert "You have it" in answer.read().decode()
    time.sleep(2)
    database.start_again()

    until(lambda: any(state_of(paging, "Away")), 60)
    if is_taken:
        until(lambda: state_of(paging, "Away") == ["acknowledged"], 30)
    until(lambda: "Warned" in subjects(paging), 30)
    if not is_taken:
        until(lambda: "(may be a repeat) Away" in subjects(paging))
    time.sleep(2)
    again = [subject for subject in subjects(paging)[2:] if "Away" in subject]
    assert again == ([] if is_taken else ["(may be a repeat) Away"])


def state_of(running: Running, title: str) -> list[str]:
    try:
        pages = running.api("GET", "/pages?state=all")
    except OSError:
        return []
    listed = pages["items"] if isinstance(pages, dict) else pages
    assert isinstance(listed, list)
    return [str(page["state"]) for page in listed if page["title"] == title]


def tell(database: pg.Server, number: int) -> None:
    """Send a signal to all processes of a PostgreSQL."""
    pid = database.process.pid
    for word in [*Path(f"/proc/{pid}/task/{pid}/children").read_text().split(), str(pid)]:
        with suppress(ProcessLookupError):
            os.kill(int(word), number)


def test_a_node_that_starts_without_its_database_takes_alerts_pages_and_goes_on_when_it_is_back(
    paging: Running, database: pg.Server
) -> None:
    token = set_up_web_team(paging)
    alarm(paging, token, "Before", "warning")
    until(lambda: "Before" in subjects(paging))
    until_kept(paging)
    database.halt()
    alarm(paging, token, "First", "critical")
    until(lambda: len(subjects(paging)) == 2, 60)
    until(
        lambda: diary(paging).count("sent") == 1
    )  # else it goes out again in a minute: nobody could tell that it went

    paging.stop(signal.SIGKILL)
    paging.start_again(ready="/readyz/intake")

    assert get_status(paging.url, "/incidents/") == 503
    with pytest.raises(HTTPError) as unknown:
        push(paging, "nobody-knows-this-token", "Lost")
    assert unknown.value.code == 503  # it may be newer than what this node kept: whoever sends it tries again
    assert push(paging, token, "Second") == "spool"
    alarm(paging, token, "Third", "critical")
    until(lambda: len(subjects(paging)) == 3, 150)  # a minute after the first, at the earliest
    text = str(paging.mailbox.to("mara@example.test")[2].get_content())
    assert "Third" in text  # beside the first, in the same case: what was told before the restart is known
    link = re.findall(r"http://\S+/away/\S+/", text)[0]
    with urlopen(Request(link, data=b"", method="POST"), timeout=60) as answer:
        assert "You have it" in answer.read().decode()
    database.start_again()

    until(lambda: get_status(paging.url, "/readyz") == 200, 60)
    until(lambda: state_of(paging, "Third") == ["acknowledged"], 60)
    until(lambda: "Second" in subjects(paging), 30)
    time.sleep(2)
    assert not [subject for subject in subjects(paging)[3:] if "First" in subject or "Third" in subject]


def test_a_node_that_never_ran_says_that_it_can_not_start_without_its_database(
    database: pg.Server, tmp_path: Path
) -> None:
    database.halt()
    env = {**os.environ, "RAGLAN_DATA_DIR": str(tmp_path), "RAGLAN_DATABASE_URL": database.url("away")}
    env |= {"RAGLAN_PORT": "0", "RAGLAN_CONFIG": str(tmp_path / "none.toml")}
    command = [sys.executable, "-m", "raglan", "serve"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "this node has not run before" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr

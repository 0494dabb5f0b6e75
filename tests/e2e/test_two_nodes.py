"""Two equal nodes on one PostgreSQL: each page goes out once, and what one node commits is heard on the other."""

import json
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import sync_playwright

from tests.host.asking import Asking
from tests.support import pg
from tests.support.browser import FLAGS, chromium_path
from tests.support.ports import free_port
from tests.support.server import Running, serving, set_up_web_team, spawn, until, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


FIFTY = 50


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Running]]:
    tmp_path = tmp_path_factory.mktemp("nodes")
    url = pg.database_url(f"raglan_nodes_{free_port()}")
    with serving(database_url=url, secret_key="one-key-for-both-nodes-of-this-test-only", storm_groups="0") as first:
        port = free_port()
        env = {**first.env, "RAGLAN_PORT": str(port), "RAGLAN_DATA_DIR": str(tmp_path / "second")}
        log = tmp_path / "second.log"
        second = Running(f"http://127.0.0.1:{port}", tmp_path, first.mailbox, env, spawn(env, log), log, first.token)
        try:
            wait_ready(second)
            yield first, second
        finally:
            second.stop()


def push(running: Running, token: str, name: str) -> None:
    body = json.dumps([{"labels": {"alertname": name, "service": name}, "annotations": {"summary": name}}]).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(f"{running.url}/api/v2/alerts", data=body, headers=headers), timeout=60) as answer:
        assert answer.status == 200


def test_each_page_goes_out_once_whichever_node_took_the_alert(nodes: tuple[Running, Running]) -> None:
    first, second = nodes
    token = set_up_web_team(first)
    names = [f"Both{number}" for number in range(30)]
    for number, name in enumerate(names):
        push(nodes[number % 2], token, name)
    subjects = lambda: [str(mail["Subject"]) for mail in first.mailbox.to("mara@example.test")]  # noqa: E731 -- read twice below
    until(lambda: set(subjects()) >= set(names))
    time.sleep(1)
    assert sorted(subjects()) == sorted(names)
    pages = second.api("GET", "/pages?state=open")
    assert isinstance(pages, list)
    assert len(pages) == len(names)


def test_a_stream_of_one_node_hears_what_the_other_commits(nodes: tuple[Running, Running]) -> None:
    first, second = nodes
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        page = browser.new_page()
        page.goto(f"{second.url}/account/login/")
        page.get_by_role("button", name=re.compile("Ada")).click()
        page.wait_for_url(lambda url: "login" not in url)
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
        browser.close()
    parts = urlsplit(second.url)
    stream = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    stream.request("GET", "/live?topics=now", headers={"Cookie": cookie})
    answer = stream.getresponse()
    assert answer.status == 200
    first.api("POST", "/incidents", {"title": "Said on the first node"})
    seen = ""
    end = time.monotonic() + 60
    while 'data: ["now"]' not in seen and time.monotonic() < end:
        seen += answer.readline().decode()
    stream.close()
    assert 'data: ["now"]' in seen


def test_of_fifty_who_post_to_both_nodes_nothing_is_lost_or_doubled_and_both_have_one_order(
    nodes: tuple[Running, Running],
) -> None:
    made = nodes[0].api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)

    def post(number: int) -> None:
        body = {"text": f"Of fifty, {number % FIFTY}", "key": f"fifty-{number % FIFTY}"}
        nodes[number // FIFTY].api("POST", f"/incidents/{made['id']}/entries", body)

    with ThreadPoolExecutor(FIFTY) as people:
        list(people.map(post, range(2 * FIFTY)))  # each to both nodes, as a browser does whose answer was lost
    first, second = (node.api("GET", f"/incidents/{made['id']}/timeline") for node in nodes)
    assert isinstance(first, list)
    assert first == second
    assert sorted(entry["text"] for entry in first) == sorted(f"Of fifty, {number}" for number in range(FIFTY))


def test_a_hold_that_one_node_took_stops_hosts_that_ask_the_other(nodes: tuple[Running, Running]) -> None:
    first, second = nodes
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    hold = first.api("POST", "/holds", {"name": "httpd", "reason": "it fails", "ends_at": ends_at})
    assert isinstance(hold, dict)
    until(lambda: asked(second).startswith("stop\n"))
    second.api("POST", f"/holds/{hold['id']}/lift", {"word": "fixed"})
    until(lambda: asked(first).startswith("go\n"))


def test_a_machine_asks_the_node_that_is_left_when_the_other_is_killed(
    nodes: tuple[Running, Running], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = nodes
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"name": "kernel", "reason": "it fails", "ends_at": ends_at, "clusters": ["fra1"]}
    hold = first.api("POST", "/holds", body)
    assert isinstance(hold, dict)
    machine = Asking(tmp_path, capsys)
    until(lambda: [machine.ask("web1", node.url)[0] for node in nodes] == [75, 75])
    first.stop(signal.SIGKILL)
    try:
        assert machine.ask("web2", first.url, second.url) == (75, f"source: http {second.url}/gate")
        second.api("POST", f"/holds/{hold['id']}/lift", {"word": "fixed"})
        until(lambda: machine.ask("web1", first.url, second.url) == (0, f"source: http {second.url}/gate"))
    finally:
        first.start_again()


def asked(running: Running) -> str:
    with urlopen(f"{running.url}/gate?host=web1", timeout=60) as answer:
        return str(answer.read().decode())

"""The process itself: it ends in order, and nothing accepted is lost when it is killed."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests.support.pace import timed
from tests.support.server import Running, serving, session_cookie, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving(lease_s="11", send_deadline_s="10", storm_groups="0") as running:  # a page for each alert
        yield running


class Load:
    """Posts alerts one after the other and writes down those that were answered 2xx."""

    def __init__(self, running: Running, token: str) -> None:
        self.accepted: list[str] = []
        self._parts = urlsplit(running.url)
        self._token = token
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set() and number < 2000:
            number += 1
            name = f"A{number}"
            body = json.dumps([{"labels": {"alertname": name, "service": name}, "annotations": {"summary": name}}])
            connection = HTTPConnection(self._parts.hostname or "", self._parts.port, timeout=30)
            try:
                connection.request("POST", "/api/v2/alerts", body, {"Authorization": f"Bearer {self._token}"})
                if connection.getresponse().status == 200:
                    self.accepted.append(name)
            except (OSError, HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()

    def stop(self) -> list[str]:
        self._stop.set()
        self._thread.join(60)
        return self.accepted


def titles(running: Running) -> set[str]:
    return {str(mail["Subject"]).removeprefix("(may be a repeat) ") for mail in running.mailbox.to("mara@example.test")}


def test_sigterm_ends_in_order_in_under_ten_seconds_and_loses_nothing(raglan: Running) -> None:
    load = Load(raglan, set_up_web_team(raglan))
    until(lambda: len(load.accepted) > 30)
    with timed() as pace:
        assert raglan.stop() == 0
    assert pace.s < 10
    accepted = load.stop()
    raglan.start_again()
    until(lambda: titles(raglan) >= set(accepted), 60)


def test_a_kill_in_the_middle_of_paging_loses_no_page(raglan: Running) -> None:
    token = set_up_web_team(raglan)
    accepted: list[str] = []
    for _ in range(3):
        load = Load(raglan, token)
        until(lambda load=load: len(load.accepted) > 15)
        raglan.process.send_signal(signal.SIGKILL)
        raglan.process.wait(60)
        accepted += load.stop()
        raglan.start_again()
    until(lambda: titles(raglan) >= set(accepted), 90)
    assert len(accepted) >= 45


def test_a_stream_ends_with_the_process_and_goes_on_after_it(raglan: Running) -> None:
    cookie = session_cookie(raglan)
    with stream(raglan, cookie) as events:
        event, newest, _ = next(events)
        assert event == "hello"
        assert raglan.stop() == 0
        assert [event for event, _, _ in events] == ["bye"]
    raglan.start_again()
    raglan.api("POST", "/incidents", {"title": "Said before the stream is back"})
    with stream(raglan, cookie, **{"Last-Event-ID": newest}) as events:
        assert next(events)[0] == "hello"
        event, last, data = next(events)
    assert (event, json.loads(data)) == ("message", ["now"])
    assert int(last) > int(newest)


@contextmanager
def stream(running: Running, cookie: str, **headers: str) -> Iterator[Iterator[tuple[str, str, str]]]:
    """Open a live stream; give what comes as kind, id and data, beats left out, until it ends."""
    parts = urlsplit(running.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("GET", "/live?topics=now", headers={"Cookie": cookie, **headers})
        answer = connection.getresponse()
        assert answer.status == 200
        yield (event for event in server_sent(answer) if event[0] != "beat")
    finally:
        connection.close()


def server_sent(answer: HTTPResponse) -> Iterator[tuple[str, str, str]]:
    fields: dict[str, str] = {}
    last = ""
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            last = fields.get("id", last)
            yield fields.get("event", "message"), last, fields["data"]
            fields = {}

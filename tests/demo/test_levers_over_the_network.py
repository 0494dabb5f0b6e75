"""Each lever gives its row on a real raglan: machines report and ask over HTTP, and raglan's own counts are read back.

Time is the model's. A machine's reports carry it in their order alone, so that thirty minutes take seconds.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest

from raglan.demo.client import Client, Json
from raglan.demo.hosts import NEW, OLD, PACKAGE, Hosts
from raglan.demo.levers import LEVERS, Lever
from raglan.demo.model import FLEET, MINUTE, SEED, simulate
from tests.support.server import Running, serving

pytestmark = pytest.mark.e2e
SEED_OF_227 = 70_402
SETTINGS = {lever.settings: lever for lever in LEVERS}  # those that move machines otherwise


class Reports(Client):
    """What `raglan-host` tells and asks on the machines of one lever; of Chef's runs the story itself tells."""

    def __init__(self, url: str, token: str, place: str) -> None:
        super().__init__(url, token)
        self._place = place
        self._idle: list[HTTPConnection] = []

    def call(self, method: str, path: str, body: Json = None) -> Json:
        if path == "/fleet/runs/chef":
            return None
        assert isinstance(body, dict)
        host = {**body["host"], "environment": self._place}
        host |= {name: f"{host[name]}-{self._place}" for name in ("name", "machine")}
        return super().call(method, path, {**body, "host": host})

    def _once(self, method: str, path: str, body: Json) -> tuple[int, dict[str, str], bytes]:
        """Send it over a connection that stays open."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = HTTPConnection(self._host, self._port, timeout=60)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if method == "POST" else None, headers)
        answer = connection.getresponse()
        said = answer.read()
        self._idle.append(connection)
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, said


@dataclass
class Watched:
    """A change of which raglan is asked each minute how many machines serve."""

    raglan: Running
    hosts: Hosts
    change: int
    serving: list[int] = field(default_factory=list)
    seen_by: int | None = None  # the minute
    words: str = ""

    def minute(self, at: int) -> None:
        self.hosts.until(at * MINUTE)
        told: Any = self.raglan.api("GET", f"/changes/{self.change}/progress")
        assert told["counts"]["total"] == FLEET
        self.serving.append(FLEET - told["counts"]["differs"])
        if told["surprises"] and self.seen_by is None:
            self.seen_by, self.words = at, told["surprises"][0]["words"]

    def hold(self) -> None:
        ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = {"name": "httpd pin", "reason": "httpd does not start", "ends_at": ends_at}
        self.raglan.api("POST", "/holds", body)
        self.hosts.asks = True


def play(raglan: Running, token: str, lever: Lever) -> Watched:
    """Let the machines of one lever do what they would if nothing stopped them; hold them when it says so."""
    planned = simulate(replace(lever.settings, stop_at=None), seed=seed_of(lever))
    hosts = Hosts(Reports(raglan.url, token, lever.slug), planned)
    hosts.begin()
    said = {"on_new": "version", "on_existing": "nothing", "environments": [lever.slug]}
    body = {"title": lever.slug, "packages": [{"name": PACKAGE, "version": NEW}], "expected": said}
    made: Any = raglan.api("POST", "/changes/proposed", body)
    watched = Watched(raglan, hosts, made["id"])
    for at in range(31):
        if at * MINUTE == lever.settings.stop_at:
            hosts.until(at * MINUTE - 1)
            watched.hold()
        watched.minute(at)
    return watched


def seed_of(lever: Lever) -> int:
    return SEED if lever.settings.stop_at is None else SEED_OF_227


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Watched]]:
    """All at once: raglan stores together what comes within a moment, and each lever has machines of its own."""
    with serving() as raglan, ThreadPoolExecutor(len(SETTINGS)) as side:
        made: Any = raglan.api("POST", "/fleet/sources", {"name": "Machines", "slug": "machines", "kind": "hosts"})
        playing = {one.slug: side.submit(play, raglan, made["token"], one) for one in SETTINGS.values()}
        yield {slug: one.result() for slug, one in playing.items()}


@pytest.mark.parametrize("lever", SETTINGS.values(), ids=lambda lever: lever.slug)
def test_each_lever_gives_its_row(played: dict[str, Watched], lever: Lever) -> None:
    watched = played[lever.slug]
    assert watched.serving == list(simulate(lever.settings, seed=seed_of(lever)).per_minute())
    assert watched.words.startswith(f"{PACKAGE} {OLD} → {NEW} on an existing host")


def test_the_difference_is_raised_by_minute_two_while_fewer_than_sixty_are_broken(played: dict[str, Watched]) -> None:
    for slug in ("dashboards-elsewhere", "nobody-acts"):  # the story as documented, and without anybody
        watched = played[slug]
        assert watched.seen_by is not None
        assert watched.seen_by <= 2
        assert 0 < FLEET - watched.serving[2] < 60


def test_a_hold_at_minute_four_leaves_227_because_the_gate_says_stop(played: dict[str, Watched]) -> None:
    watched = played["stop-at-4"]
    assert watched.serving[-1] == 227
    assert set(watched.hosts.heard.values()) == {"stop"}
    assert len(watched.hosts.heard) == 393

"""Machines do not wait for each other: the story goes on while their words are on the way, in each machine's order."""

import threading
from collections import defaultdict

import pytest

from raglan.demo.client import Json, Refused
from raglan.demo.hosts import Hosts
from raglan.demo.levers import DEFAULT
from raglan.demo.model import MINUTE, simulate


class Slow:
    """Takes nothing until it is let."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.taken: dict[str, list[int]] = defaultdict(list)
        self.refuses = False

    def call(self, method: str, path: str, body: dict[str, Json]) -> None:
        assert self.opened.wait(60)
        if self.refuses:
            raise Refused(403, "no")
        if path == "/fleet/report":
            self.taken[body["host"]["name"]].append(body["seq"])


@pytest.fixture
def door() -> Slow:
    return Slow()


@pytest.fixture
def hosts(door: Slow) -> Hosts:
    return Hosts(door, simulate(DEFAULT.settings), clock=lambda: 0.0, behind=200)  # so that words are numbered from 1


def test_the_story_goes_on_and_each_machine_keeps_its_order(hosts: Hosts, door: Slow) -> None:
    for second in range(0, 20 * MINUTE, 10):
        hosts.until(second)
    assert not door.taken
    door.opened.set()
    hosts.finish()
    assert len(door.taken) == 393
    assert max(len(said) for said in door.taken.values()) > 1
    assert all(said == list(range(1, len(said) + 1)) for said in door.taken.values())


def test_what_is_refused_is_told_when_it_is_waited_for(hosts: Hosts, door: Slow) -> None:
    door.refuses = True
    hosts.until(5 * MINUTE)
    door.opened.set()
    with pytest.raises(Refused, match="no"):
        hosts.finish()

"""`kill -9` at random moments under load: what was acknowledged is there, and every page went out."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from drill.ground import Box, Load, Node, Result, Told, missing, prepared, settle
from tests.support.pg import Server

RATE = 15
SHORTEST_S, LONGEST_S = 0.1, 2.5
SEED = 20


def one_node(folder: Path, runs: int) -> Iterator[Result]:
    """One process on SQLite."""
    with Box() as box, Node(folder / "one", box.url) as node:
        with prepared(node) as path, Load([node], path, rate=RATE) as load:
            chance = random.Random(SEED)
            for _ in range(runs):
                time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
                node.kill()
                node.start()
            time.sleep(2)
        yield judged("kill -9 under load loses nothing that was acknowledged", runs, node, load.told, box)


def two_nodes(folder: Path, runs: int) -> Iterator[Result]:
    """Two processes on one PostgreSQL, killed in turn."""
    server = Server({"fsync": "on", "synchronous_commit": "on"})
    with ExitStack() as held:
        held.callback(server.stop)
        with server.connect() as there:
            there.autocommit = True
            there.execute("CREATE DATABASE drill")
        url = server.url("drill")
        box = held.enter_context(Box())
        first = held.enter_context(Node(folder / "a", box.url, database_url=url))
        path = held.enter_context(prepared(first))
        second = held.enter_context(Node(folder / "b", box.url, database_url=url))
        second.start()
        with Load([first, second], path, rate=RATE) as load:
            chance = random.Random(SEED)
            for number in range(max(2, runs // 5)):
                time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
                victim = (first, second)[number % 2]
                victim.kill()
                victim.start()
            time.sleep(2)
        promise = "two nodes killed in turn: the other one goes on, nothing is lost"
        yield judged(promise, max(2, runs // 5), first, load.told, box)


def judged(promise: str, runs: int, node: Node, told: Told, box: Box) -> Result:
    """Count; the control plants a loss that the count has to find."""
    left = settle(node)
    found = missing(node, told, box)
    planted = Told({**told.at, "planted-000001": 0.0})
    control = len(missing(node, planted, box)) - len(found)
    waits = [at - told.at[key] for key in told.at if (at := box.first(key)) is not None]
    return Result(
        promise,
        runs,
        len(found) + left,
        box.repeated,
        max(waits, default=None),
        f"a planted loss is found: {control}",
        control_fails=control == 1,
        most_repeated=runs,
        facts=[f"{len(told.at)} alerts acknowledged; other answers: {_others(told)}", *found[:5]],
    )


def _others(told: Told) -> str:
    return ", ".join(f"{number} times {status}" for status, number in told.statuses.items() if status >= 300) or "none"

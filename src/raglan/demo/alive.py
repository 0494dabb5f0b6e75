"""Lets the company's machines tell that they are there once the story is over: else all of them fall silent."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from raglan.demo import company
from raglan.demo.client import Client, Json, Refused, Unreachable
from raglan.demo.hosts import BOOT, host_of
from raglan.demo.levers import DEFAULT
from raglan.demo.model import simulate
from raglan.demo.world import fleet_token

EVERY_S = 300.0
SOURCE = "machines-at-rest"


def keep_alive(
    url: str,
    admin_token: str,
    ended: threading.Event,
    *,
    every_s: float = EVERY_S,
    clock: Callable[[], float] = time.time,
) -> None:
    """Let each machine report every so many seconds, one after the other, until `ended`.

    It says nothing of what is installed and of services: that stays as the story left it. What can not be told is
    told the next time.
    """
    try:
        token = fleet_token(Client(url, admin_token), SOURCE, f"Machines of {company.NAME} at rest")
    except (Refused, Unreachable):
        return
    reports, machines = Client(url, token), simulate(DEFAULT.settings).machines
    while True:
        for machine in machines:
            if ended.wait(every_s / len(machines)):
                return
            at = clock()
            told: Json = {
                "v": 1,
                "host": host_of(machine),
                "at": at,
                "boot": BOOT,
                "seq": int(at * 1000),
                "because": "timer",
            }
            with suppress(Refused, Unreachable):
                reports.call("POST", "/fleet/report", told)

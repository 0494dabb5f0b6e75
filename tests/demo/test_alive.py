"""Machines of the demo go on telling that they are there, and nothing else."""

import itertools
import threading

from raglan.demo.alive import keep_alive
from raglan.demo.hosts import BOOT
from tests.demo.fake import ADMIN, Answer, Call, FakeRaglan


def test_each_machine_reports_again_and_again_until_it_ends(fake: FakeRaglan) -> None:
    ended, told = threading.Event(), list[Call]()

    def look(call: Call) -> Answer | None:
        if call.path == "/fleet/report":
            told.append(call)
            if len(told) == 5:
                return Answer(500, {"message": "not now"})
            if len(told) == 805:
                ended.set()
        return None

    fake.refuse = look
    ticks = itertools.count(1_000)
    keep_alive(fake.url, ADMIN, ended, every_s=0, clock=lambda: float(next(ticks)))
    names = [call.body["host"]["name"] for call in told]
    assert (len(set(names)), names[:400], names[:5]) == (400, names[400:800], names[800:])
    assert {call.who for call in told} == {"source:machines-at-rest"}
    assert [call.body["seq"] for call in told] == sorted({call.body["seq"] for call in told})
    assert set(told[0].body) == {"v", "host", "at", "boot", "seq", "because"}
    assert told[0].body["boot"] == BOOT


def test_a_raglan_that_takes_no_source_is_left_alone(fake: FakeRaglan) -> None:
    fake.refuse = lambda call: Answer(403, {"message": "no"})
    keep_alive(fake.url, ADMIN, threading.Event(), every_s=0)
    assert not fake.writes("/fleet/report")

"""The same for a step that tells a program over a real connection; and no place to die is left out."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import cycle
from pathlib import Path

import pytest

import raglan
from raglan.core import timers
from raglan.core.faults import crash_at, record
from raglan.integrations.webhook.channel import Webhook
from raglan.paging import actions as paging
from raglan.paging import ports
from raglan.paging.models import Notification, Page, WebhookCall
from raglan.paging.plan import Target
from raglan.testing import world
from tests.scenarios.histories import STORIES, Story, lived_until_a_crash, passes, wait_for_leases
from tests.scenarios.test_crash_points_of_rooms import a_heads_up
from tests.support.share import places

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
Told = list[tuple[str, bool]]
# Whoever makes or restores a copy is not an engine: tests/core_db/test_backup.py dies at each of these.
OF_COPIES = {"backup.before_rename", "restore.kept", "restore.marked"}
# No work of today is light; tests/core/test_timers.py dies here with light work of its own.
OF_LIGHT_WORK = {"timers.taken"}

# The spool is written while there is no database: tests/edge/test_spool.py dies at each of these.
OF_THE_SPOOL = {"spool.before_sync", "spool.before_done"}
# So is what pages without one: tests/edge/test_last_resort.py dies at each of these.
OF_LAST_RESORT = {"standing.before_rename", "diary.before_sync", "diary.before_end", "last_resort.sent"}

# What tells the public is apart from what pages: tests/outside/test_subscribers.py dies at each of these.
OF_THE_OUTBOX = {"outside.claimed", "outside.sent"}


@pytest.fixture
def program() -> Iterator[tuple[str, Told]]:
    """A program that writes down the key of each call, and whether it was marked as a repeat."""
    told: Told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.append((said["key"], said["may_be_a_repeat"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/steps", told
    server.shutdown()
    server.server_close()


def a_program_is_told(url: str) -> Story:
    """A source reports once; the first step tells a program, the second a person."""

    def prepare(story: Story) -> None:
        mara = world.person("Mara Keller")
        told, asked = (paging.StepDraft(300, (target,)) for target in (Target("webhook", 0, url), world.target(mara)))
        source = world.source()
        policy = world.policy_of(told, asked)
        world.alerts.save_route(position=1, matchers=[], group_by=[], policy=policy, actor="raglan")
        story.plot += [lambda: world.ingest(source, world.signal()), passes(30), passes(400)]

    return Story(prepare)


@contextmanager
def told_for_real(story: Story) -> Iterator[None]:
    """Begin anew, with the real channel to programs and a provider of ours for mails."""
    with story.told(), ports.only(Webhook(), world.RememberingChannel("email", story.outbox)):
        yield


def problems(story: Story, told: Told, crashes: int) -> list[str]:
    """Say what went wrong: nobody told, told too often, or told again without a word about it."""
    copies, unmarked = Counter(key for key, _ in told), Counter(key for key, repeat in told if not repeat)
    found = [f"the program heard of {len(copies)} calls"] if len(copies) != 1 else []
    found += [f"{key} went out {number} times" for key, number in copies.items() if number > 1 + crashes]
    found += [f"{key} was repeated unmarked" for key, number in unmarked.items() if number > 1]
    found += [f"{Page.objects.count()} pages"] if Page.objects.count() != 1 else []
    states = set(WebhookCall.objects.values_list("state", flat=True))
    found += [f"calls are {states}"] if states != {Notification.State.HANDED_OVER} else []
    return found + ([] if {item.kind for item in story.outbox.sent} == {"email"} else ["the next step reached nobody"])


def test_whatever_the_place_of_a_crash_a_program_is_told(program: tuple[str, Told]) -> None:
    url, told = program
    story = a_program_is_told(url)
    with told_for_real(story), record() as names:
        story.go_on()
        assert problems(story, told, crashes=0) == []
        assert not told[0][1]
    restarts = cycle((timers.release, wait_for_leases))
    found: dict[str, list[str]] = {}
    for k, name in places(names):
        told.clear()
        with told_for_real(story):
            with crash_at(k) as plan:
                lived_until_a_crash(story)
            assert plan.struck
            next(restarts)()
            story.go_on()
            if wrong := problems(story, told, crashes=1):
                found[f"{k} {name}"] = wrong

    assert found == {}


def test_every_place_to_die_is_in_one_of_the_stories(program: tuple[str, Told]) -> None:
    reached: set[str] = set()
    for prepare in (*STORIES, a_heads_up):
        story = Story(prepare)
        with story.told(), record() as names:
            story.go_on()
        reached.update(names)
    story = a_program_is_told(program[0])
    with told_for_real(story), record() as names:
        story.go_on()
    reached.update(names)

    others = OF_COPIES | OF_LIGHT_WORK | OF_THE_SPOOL | OF_LAST_RESORT | OF_THE_OUTBOX
    assert places_in_source() - reached == others
    assert reached - places_in_source() == {"provider.before", "provider.after"}  # of the stories' own provider


def places_in_source() -> set[str]:
    """Return the name of each fault point that the product has."""
    texts = [path.read_text(encoding="utf-8") for path in Path(raglan.__file__).parent.rglob("*.py")]
    found = [name for text in texts for name in re.findall(r'(?<!`)\bfault_point\("([^"]+)"\)', text)]
    assert sum(text.count("fault_point(") for text in texts) == len(found) + 2  # its definition, and words about it
    return set(found)

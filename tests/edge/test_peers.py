"""Two raglans watch each other, and page their own people when the other one is silent."""

import json
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pydantic import SecretStr

from raglan.config import config
from raglan.core import signs, timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, NotFound, NotSignedIn
from raglan.demo.mailbox import Mailbox
from raglan.edge import life, peers
from raglan.paging.models import Page
from raglan.testing import world
from tests.edge.loopback import listening
from tests.edge.test_life_of_a_process import Process, environment, until
from tests.support.ports import free_port
from tests.support.server import first_token, put_migrated

KEY = "a key that both know"


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Another raglan is watched."""
    monkeypatch.setattr(config(), "peer_url", "http://127.0.0.1:9")
    monkeypatch.setattr(config(), "peer_key", SecretStr(KEY))


def post(client: HTTPConnection, body: bytes) -> int:
    """Knock without a signature."""
    try:
        client.request("POST", peers.PATH, body)
        return client.getresponse().status
    finally:
        client.close()


@pytest.fixture
def outbox(db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel; it remembers what it took."""
    with world.outbox(world.Outbox()) as box:
        yield box


def say(at: datetime | str | None = None, *, nonce: str = "n1", key: str = KEY, body: bytes = b"{}") -> dict[str, str]:
    """Take a hello."""
    stamp = at if isinstance(at, str) else (at or now()).isoformat()
    signed = {"at": stamp, "nonce": nonce, "signature": peers.sign(key, stamp, nonce, body)}
    peers.heard(body, **signed)
    return signed


@pytest.mark.usefixtures("watched")
def test_a_signed_hello_is_heard() -> None:
    say(body=json.dumps({"raglan": "https://b.example", "lag_s": 0.1}).encode())

    heard = signs.last(peers.HEARD)
    assert heard is not None
    assert heard.data["state"] == {"raglan": "https://b.example", "lag_s": "0.1", "version": "", "audit_head": ""}


@pytest.mark.usefixtures("watched")
def test_a_hello_that_was_said_before_is_refused_even_after_a_restart() -> None:
    signed = say()

    with pytest.raises(NotSignedIn, match="before"):
        peers.heard(b"{}", **signed)
    with pytest.raises(NotSignedIn, match="before"):
        say(now() - timedelta(seconds=30), nonce="n2")


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    "wrong",
    [
        lambda: say(key="another key"),
        lambda: say(now() - timedelta(minutes=6)),
        lambda: say(now() + timedelta(minutes=6)),
        lambda: say("yesterday"),
        lambda: say("2026-01-01T00:00:00"),
        lambda: say(nonce=""),
        lambda: say(body=json.dumps(life.state()).encode()),  # our own, played back or sent to ourselves
        lambda: peers.heard(b"{}", at=now().isoformat(), nonce="n", signature=""),
        lambda: peers.heard(b"{}", at=now().isoformat(), nonce="n", signature="\u00e4\u20ac"),
    ],
)
def test_what_is_not_a_hello_of_the_other_one_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(NotSignedIn):
        wrong()

    assert signs.last(peers.HEARD) is None


@pytest.mark.usefixtures("watched")
def test_a_changed_body_does_not_fit_its_signature() -> None:
    stamp = now().isoformat()

    with pytest.raises(NotSignedIn):
        peers.heard(b'{"lag_s": 0}', at=stamp, nonce="n", signature=peers.sign(KEY, stamp, "n", b'{"lag_s": 99}'))
    with pytest.raises(BadInput):
        say(body=b"[1, 2]")


def test_who_watches_nobody_hears_nobody(db: None) -> None:
    with pytest.raises(NotFound):
        say()


@pytest.mark.usefixtures("watched")
def test_three_misses_page_once_and_a_hello_ends_it(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller", role="administrator")
    timers.schedule(peers.LISTEN, subject="raglan", due_at=now())
    say()

    world.fast_forward(timedelta(seconds=80))
    assert not Page.objects.exists()
    world.fast_forward(timedelta(seconds=60))
    page = Page.objects.get()
    assert "is silent since" in page.title
    assert {item.message.person_name for item in outbox.sent} == {mara.name}
    world.fast_forward(timedelta(minutes=4))
    assert Page.objects.count() == 1

    say(nonce="n2")
    world.fast_forward(timedelta(seconds=20))

    page.refresh_from_db()
    assert page.state == Page.State.RESOLVED
    assert [event.kind for event in timeline.about("raglan:peer")] == ["peer.silent", "peer.back"]


@pytest.mark.usefixtures("watched")
def test_who_was_away_itself_listens_for_three_intervals_before_it_pages(outbox: world.Outbox) -> None:
    world.person("Mara Keller", role="administrator")
    timers.schedule(peers.LISTEN, subject="raglan", due_at=now())
    say()
    world.fast_forward(timedelta(seconds=30))

    CLOCK.move(timedelta(minutes=10))  # nobody listened, so nobody knows
    world.fast_forward(timedelta(seconds=80))
    assert not Page.objects.exists()

    world.fast_forward(timedelta(seconds=40))
    assert "is silent since" in Page.objects.get().title


@pytest.mark.usefixtures("watched")
def test_one_that_was_never_heard_pages_nobody(outbox: world.Outbox) -> None:
    world.person("Mara Keller", role="administrator")
    timers.schedule(peers.LISTEN, subject="raglan", due_at=now())

    world.fast_forward(timedelta(minutes=10))

    assert not Page.objects.exists()


@pytest.mark.usefixtures("watched")
def test_who_is_not_well_says_no_hello() -> None:
    timers.schedule(peers.HELLO, subject="raglan", due_at=now())
    CLOCK.move(timedelta(seconds=1))
    world.fire_all()

    said = signs.last(peers.SAID)
    assert said is not None
    assert (said.data["ok"], "test message" in str(said.data["why"])) == (False, True)
    assert life.held_back()


@pytest.mark.django_db(transaction=True)
def test_the_door_answers_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "peer_url", "http://127.0.0.1:9")
    monkeypatch.setattr(config(), "peer_key", SecretStr(KEY))
    door = peers.Peers()
    with listening(door) as loopback:
        assert post(loopback.client(), b"{}") == 401
        assert post(loopback.client(), b"x" * (peers.MOST_BODY + 1)) == 413
        assert loopback.get(peers.PATH)[0] == 405
    door.close()


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_two_real_raglans_hear_each_other_and_one_pages_when_the_other_is_killed(tmp_path: Path) -> None:
    numbers = [free_port(), free_port()]
    with ExitStack() as ended:
        mailbox = ended.enter_context(Mailbox(tmp_path / "mail"))
        both = []
        for number, port in enumerate(numbers):
            data = tmp_path / f"node{number}"
            options = {"port": str(port), "peer_url": f"http://127.0.0.1:{numbers[1 - number]}", "peer_key": KEY}
            options |= {"allow_networks": "127.0.0.0/8", "peer_every_s": "2", "smtp_url": mailbox.url}
            make_administrator(data, options)
            both.append(Process(data, **options))
            ended.callback(both[-1].log.close)
            ended.callback(both[-1].end, signal.SIGKILL)
        for process in both:
            process.wait()
            until(lambda process=process: rows(process.data, "core_sign WHERE name = 'peer heard'"), 60)
        silent = "paging_page WHERE title LIKE '%is silent since%'"
        before = rows(both[0].data, silent)  # none, unless the other one was held up for six seconds
        both[1].end(signal.SIGKILL)

        until(lambda: len(mailbox.mails()) > before, 100)

        assert rows(both[0].data, silent) == before + 1
        assert b"is silent since" in mailbox.mails()[0].read_bytes()


def make_administrator(data: Path, options: dict[str, str]) -> None:
    """Let there be somebody to page."""
    env = environment(put_migrated(data)) | {f"RAGLAN_{name.upper()}": value for name, value in options.items()}
    first_token([sys.executable, "-m", "raglan"], env)


def rows(data: Path, where: str) -> int:
    """Count rows in the database of a running raglan."""
    with closing(sqlite3.connect(f"file:{data}/raglan.sqlite3?mode=ro", uri=True)) as database:
        return int(database.execute(f"SELECT count(*) FROM {where}").fetchone()[0])

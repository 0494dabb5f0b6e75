"""Heartbeats from the beat to the page: in time, missing, and back again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from raglan.alerts import heartbeats
from raglan.alerts.models import Alert, Heartbeat, Source
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event, Timer
from raglan.paging.models import Page
from raglan.testing import world
from tests.integrations.doorstep import knock, make

State = Heartbeat.State
MINUTE = timedelta(minutes=1)


@pytest.fixture
def outbox(db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel."""
    with world.outbox(world.Outbox()) as box:
        yield box


@pytest.fixture
def source(outbox: world.Outbox) -> tuple[Source, str]:
    """A source of heartbeats with its token; somebody exists who can be paged."""
    world.administrator("Ada Lamb")
    return make("heartbeat")


@pytest.fixture
def backup(source: tuple[Source, str]) -> str:
    """The address of a heartbeat that should beat every ten minutes, with two minutes of grace."""
    heartbeats.create(source[0], heartbeats.Draft("Backup of db1", "backup", 600, 120), actor="raglan")
    return f"/integrations/{source[1]}/ping/backup"


def the_one() -> Heartbeat:
    return Heartbeat.objects.get()


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT"])
def test_a_beat_is_answered_ok(backup: str, method: str) -> None:
    answer = knock(method, backup, b"all 14 tables" if method == "POST" else b"")

    assert (answer.status, answer.body) == (200, b"OK")
    assert (the_one().state, the_one().last_beat_at) == (State.UP, now()) or the_one().state == State.UP


def test_the_short_address_works_too(source: tuple[Source, str], backup: str) -> None:
    assert knock("GET", f"/ping/{source[1]}/backup").status == 200
    assert knock("GET", f"/ping/{source[1]}/backup/fail").status == 200
    assert the_one().state == State.DOWN


def test_before_the_first_beat_nothing_is_missing(backup: str) -> None:
    world.fast_forward(timedelta(days=3))

    assert the_one().state == State.NEW
    assert not Alert.objects.exists()


def test_a_missing_beat_pages_and_the_next_one_ends_it(backup: str, outbox: world.Outbox) -> None:
    knock("GET", backup)
    world.fast_forward(11 * MINUTE)
    assert not Alert.objects.exists()

    world.fast_forward(MINUTE + timedelta(seconds=1))
    alert = Alert.objects.get()
    assert (alert.title, alert.state, the_one().state) == ("Backup of db1 is missing", Alert.State.FIRING, State.DOWN)
    assert alert.labels["heartbeat"] == "backup"
    assert Page.objects.get().title == "Backup of db1 is missing"
    assert outbox.sent

    knock("GET", backup)
    assert (Alert.objects.get().state, the_one().state) == (Alert.State.RESOLVED, State.UP)
    assert Page.objects.get().state == Page.State.RESOLVED


def test_beats_in_time_keep_it_quiet_with_one_timer(backup: str) -> None:
    for _ in range(30):
        knock("GET", backup)
        world.fast_forward(10 * MINUTE)

    assert Timer.objects.filter(kind=heartbeats.LOOK).count() == 1
    assert Event.objects.filter(kind__startswith="heartbeat.").count() == 2  # made, and the first beat
    assert not Alert.objects.exists()


def test_it_goes_missing_again_after_it_came_back(backup: str) -> None:
    for _ in range(2):
        knock("GET", backup)
        world.fast_forward(13 * MINUTE)

    assert Alert.objects.count() == 2
    assert the_one().state == State.DOWN


@pytest.mark.parametrize("word", ["/fail", "/1", "/255", "/failed", "?status=down", "?state=fail"])
def test_a_job_that_says_that_it_failed_pages_at_once(backup: str, word: str) -> None:
    path, _, query = f"{backup}{word}".partition("?")
    knock("POST", path, b"disk \x00 full", query=query)

    alert = Alert.objects.get()
    assert (alert.title, alert.annotations["last words"]) == ("Backup of db1 failed", "disk \ufffd full")
    knock("POST", f"{backup}/0")
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_what_began_and_does_not_end_is_missing_after_the_grace(backup: str) -> None:
    knock("GET", backup)
    knock("GET", f"{backup}/start")
    world.fast_forward(MINUTE)
    assert the_one().state == State.UP
    world.fast_forward(MINUTE + timedelta(seconds=1))

    assert the_one().state == State.DOWN
    assert "did not end in time" in the_one().why


def test_the_time_that_a_job_took_is_kept(backup: str) -> None:
    knock("GET", f"{backup}/start")
    CLOCK.move(MINUTE)
    knock("GET", backup)

    assert the_one().last_took_s == pytest.approx(60, abs=2)


def test_a_word_for_the_log_changes_nothing(backup: str) -> None:
    knock("POST", f"{backup}/log", b"half way")

    assert (the_one().state, the_one().last_words) == (State.NEW, "half way")


def test_a_beat_that_raglan_missed_itself_gets_one_more_period(backup: str) -> None:
    knock("GET", backup)
    CLOCK.move(timedelta(hours=3))  # raglan was away: nothing fired meanwhile
    world.fire_all()
    assert not Alert.objects.exists()
    world.fast_forward(13 * MINUTE)

    assert the_one().state == State.DOWN


def test_a_paused_heartbeat_is_not_missed_until_it_beats_again(backup: str) -> None:
    knock("GET", backup)
    heartbeats.pause(the_one(), actor="raglan")
    world.fast_forward(timedelta(days=1))
    assert the_one().state == State.PAUSED

    knock("GET", backup)
    world.fast_forward(13 * MINUTE)
    assert the_one().state == State.DOWN


def test_pausing_and_removing_end_its_alert(backup: str) -> None:
    knock("GET", f"{backup}/fail")
    heartbeats.remove(the_one(), actor="raglan")

    assert Alert.objects.get().state == Alert.State.RESOLVED
    assert not Heartbeat.objects.exists()
    assert timers.fire_due() >= 0


def test_a_longer_period_moves_the_deadline(backup: str) -> None:
    knock("GET", backup)
    heartbeats.change(the_one(), heartbeats.Draft("Backup of db1", "backup", 3600, 0), actor="raglan")
    world.fast_forward(59 * MINUTE)
    assert the_one().state == State.UP
    world.fast_forward(2 * MINUTE)
    assert the_one().state == State.DOWN


def test_an_unknown_one_is_made_only_when_asked_to(source: tuple[Source, str]) -> None:
    path = f"/integrations/{source[1]}/ping/nightly"

    assert knock("GET", path).status == 404
    assert knock("GET", path, query="create=1").status == 200
    assert (the_one().slug, the_one().period_s, the_one().state) == ("nightly", 86_400, State.UP)


@pytest.mark.parametrize("rest", ["/nonsense", "/256", "/-1", "/start/more", "/٣"])
def test_words_that_nobody_knows_are_refused(backup: str, rest: str) -> None:
    assert 400 <= knock("GET", f"{backup}{rest}").status < 500
    assert the_one().state == State.NEW


def test_a_noisy_source_keeps_and_does_not_page(source: tuple[Source, str], backup: str) -> None:
    Source.objects.update(noisy_since=now())
    knock("GET", f"{backup}/fail")

    assert Alert.objects.exists()
    assert not Page.objects.exists()

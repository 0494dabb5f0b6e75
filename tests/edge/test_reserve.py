"""A full disk is told of, does not end raglan, and is over when there is room."""

import shutil
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from raglan.core import timeline
from raglan.edge import life
from raglan.edge.app import Edge
from raglan.edge.health import Health
from raglan.edge.reserve import MB, NAME, Reserve
from raglan.paging.models import Page
from raglan.testing import world
from tests.edge.loopback import listening

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Say how much room the disk has, in MiB."""
    room = [1000]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, room[0] * MB))
    return lambda mb: room.__setitem__(0, mb)


@pytest.fixture
def outbox(db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel."""
    with world.outbox(world.Outbox()) as box:
        yield box


def test_the_reserve_takes_real_room_and_gives_it_back(tmp_path: Path, free: Callable[[int], None]) -> None:
    reserve = Reserve(tmp_path, 8)

    reserve.look()
    assert ((tmp_path / NAME).stat().st_blocks * 512, reserve.is_used) == (8 * MB, False)
    free(0)
    reserve.look()
    assert ((tmp_path / NAME).exists(), reserve.is_used) == (False, True)
    free(8)  # the reserve itself is no room yet
    reserve.look()
    assert reserve.is_used
    free(100)
    reserve.look()
    assert ((tmp_path / NAME).exists(), reserve.is_used) == (True, False)


def test_a_reserve_that_is_spent_too_is_told(tmp_path: Path, free: Callable[[int], None]) -> None:
    reserve = Reserve(tmp_path, 8)
    reserve.look()
    for mb, used, spent in ((0, True, True), (7, True, False), (0, True, True), (100, False, False)):
        free(mb)
        reserve.look()
        assert (reserve.is_used, reserve.is_spent) == (used, spent)


def test_a_start_on_a_full_disk_knows_it(tmp_path: Path, free: Callable[[int], None]) -> None:
    free(0)
    reserve = Reserve(tmp_path, 8)

    reserve.look()

    assert reserve.is_used


def test_without_a_reserve_nothing_is_looked_at(tmp_path: Path, free: Callable[[int], None]) -> None:
    free(0)
    reserve = Reserve(tmp_path, 0)

    reserve.start()

    assert (list(tmp_path.iterdir()), reserve.is_used) == ([], False)


def test_people_are_paged_once_and_told_when_it_is_over(
    tmp_path: Path, free: Callable[[int], None], outbox: world.Outbox
) -> None:
    world.person("Mara Keller", role="administrator")
    reserve = Reserve(tmp_path, 8)
    reserve.look()
    free(0)
    for _ in range(3):
        reserve.look()
        reserve.tell()
    world.fire_all()
    page = Page.objects.get()
    assert (page.title, len(outbox.sent)) == ("The disk of raglan is full", 1)

    again = Reserve(tmp_path, 8)  # restarted meanwhile
    again.look()
    again.tell()
    assert Page.objects.count() == 1
    free(100)
    again.look()
    again.tell()

    page.refresh_from_db()
    assert page.state == Page.State.RESOLVED
    assert [event.kind for event in timeline.about("raglan:disk")] == ["disk.full", "disk.has_room"]


def test_no_sign_of_life_goes_out_while_the_disk_is_full(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_reasons", [])
    life.hold_back_when(lambda: "the disk is full")
    life.signs.note(life.TESTED)

    assert life.held_back() == "the disk is full"


@pytest.mark.django_db(transaction=True)
def test_in_safe_mode_screens_say_why_they_are_away() -> None:
    health = Health(None, None)
    edge = Edge(health=health, intake=None, hub=None, bridge=None)
    with listening(edge) as loopback:
        assert loopback.get("/")[0] == 404
        edge.is_safe = True
        status, headers, body = loopback.get("/")
    health.close()

    assert (status, headers["retry-after"]) == (503, "30")
    assert b"only takes alerts and pages" in body

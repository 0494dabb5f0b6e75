"""While the database is away, signals are taken on this node's own disk, and stored in order once it is back."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.db import OperationalError

from raglan.alerts import actions, queries
from raglan.alerts.ports import Batch, Outcome, SourceKey
from raglan.core.errors import NotFound, Overloaded
from raglan.core.faults import Crash, crash_at
from raglan.edge import spool as module
from raglan.edge.catching_up import CatchingUp
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from raglan.edge.spool import Spool
from tests.edge.loopback import listening, until
from tests.edge.test_intake import ALERT, EVENT, SOURCES, Door, World


def opened(folder: Path, *, most_mb: int = 1) -> Spool:
    spool = Spool(folder, most_mb=most_mb)
    spool.open()
    return spool


def numbers(spool: Spool, most: int = 10_000) -> list[object]:
    return [record["n"] for record, _ in spool.first(most)]


# The file.


def test_what_was_added_is_there_after_a_restart_in_its_order(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(20):
        assert spool.add({"n": number})

    again = Spool(tmp_path, most_mb=1)

    assert (again.is_needed, again.waiting, numbers(again)) == (True, 20, list(range(20)))


def test_a_record_cut_short_by_a_crash_is_left_out_and_later_ones_are_read(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.add({"n": number})
    [segment] = tmp_path.glob("*.log")
    for cut in range(1, segment.stat().st_size // 3):
        whole = segment.read_bytes()
        segment.write_bytes(whole[:-cut])
        again = opened(tmp_path)
        again.add({"n": "later"})
        assert numbers(again) == [0, 1, "later"]
        for path in tmp_path.glob("*.log"):
            if path != segment:
                path.unlink()
        segment.write_bytes(whole)


def test_a_damaged_byte_never_gives_a_false_record(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.add({"n": number})
    [segment] = tmp_path.glob("*.log")
    whole = segment.read_bytes()
    for place in range(len(whole)):
        segment.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        found = numbers(Spool(tmp_path, most_mb=1))
        assert found == [0, 1, 2][: len(found)]
        assert len(found) < 3


def test_segments_that_are_done_give_their_room_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 100)
    spool = opened(tmp_path)
    for number in range(30):
        spool.add({"n": number, "fill": "x" * 30})
    before = len(list(tmp_path.glob("*.log")))
    some = spool.first(25)
    spool.done(25, some[-1][1])

    assert len(list(tmp_path.glob("*.log"))) < before
    assert numbers(Spool(tmp_path, most_mb=1)) == list(range(25, 30))


def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(20):
        spool.add({"n": number, "fill": "x" * 50_000})
    assert spool.has_room

    with pytest.raises(Overloaded, match="full"):
        spool.add({"n": 20, "fill": "x" * 50_000})

    assert numbers(spool) == list(range(20))


def test_a_disk_that_refuses_is_an_answer_of_503_and_the_next_record_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    spool.add({"n": 0})

    def part(file: int, data: bytes) -> None:
        module.os.write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_all", part)
        with pytest.raises(Overloaded, match="nor does the disk"):
            spool.add({"n": 1})
    spool.add({"n": 2})

    assert numbers(Spool(tmp_path, most_mb=1)) == [0, 2]


def test_many_threads_add_at_once_and_none_is_lost(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    threads = [
        threading.Thread(target=lambda first=first: [spool.add({"n": first + n}) for n in range(50)])  # type: ignore[misc]
        for first in range(0, 400, 50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = [int(str(number)) for number in numbers(Spool(tmp_path, most_mb=1))]
    assert sorted(found) == list(range(400))
    for first in range(0, 400, 50):
        assert [number for number in found if first <= number < first + 50] == list(range(first, first + 50))


def test_an_empty_spool_closes_and_takes_no_more(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.add({"n": 1})
    assert not spool.close_if_empty()
    spool.done(1, spool.first(1)[0][1])

    assert spool.close_if_empty()
    assert not spool.add({"n": 2})
    assert not list(tmp_path.glob("*.log"))


@pytest.mark.parametrize(("point", "left"), [("spool.before_sync", [0, 1]), ("spool.before_done", [0, 1])])
def test_a_crash_at_each_place_loses_nothing_that_was_answered(tmp_path: Path, point: str, left: list[int]) -> None:
    spool = opened(tmp_path)
    spool.add({"n": 0})

    def go_on() -> None:
        spool.add({"n": 1})
        spool.done(1, spool.first(1)[0][1])

    with crash_at(1, point) as plan, pytest.raises(Crash):
        go_on()
    assert plan.struck

    assert numbers(Spool(tmp_path, most_mb=1)) == left


# Intake while the database is away, over a real socket.


class Outage(World):
    """A journal and a book of tokens that can lose their database."""

    is_away_for_tokens = False

    def look(self, token: str) -> SourceKey:
        if self.is_away_for_tokens:
            raise OperationalError("away")
        return super().look(token)

    def gone(self) -> None:
        self.raising = OperationalError("server closed the connection unexpectedly")

    def back(self) -> None:
        self.raising = None


@pytest.fixture
def world() -> Outage:
    found = Outage()
    found.gate.set()
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, most_mb=1)


@pytest.fixture
def catching_up(door: Door, spool: Spool, world: Outage, monkeypatch: pytest.MonkeyPatch) -> CatchingUp:
    """Reads sources from the book of tokens; looks only when it is told to."""

    def source(source_id: int) -> SourceKey:
        for found in SOURCES.values():
            if found.id == source_id:
                return found
        raise NotFound("There is no such source any more.")

    monkeypatch.setattr(queries, "source_by_id", source)
    return CatchingUp(spool, door.journal, is_back=lambda: world.raising is None)


@pytest.fixture
def door(world: Outage, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    noted: list[str] = []
    monkeypatch.setattr(actions, "note_error", lambda source_id, sentence, body: noted.append(sentence))
    monkeypatch.setattr(actions, "note_remote", lambda source_id, remote: None)
    journal = Journal(world.ingest, most=1_000)
    journal.start()
    intake = Intake(journal, look=world.look, spool=spool)
    try:
        with listening(intake) as loopback:
            yield Door(loopback, journal, world)
    finally:
        assert journal.stop(10)
        assert intake.close(10)


def titles(batches: Sequence[Batch]) -> list[str]:
    return [signal.title for batch in batches for signal in batch.decoded.signals]


def alert(name: str) -> list[dict[str, dict[str, str]]]:
    return [{"labels": {"alertname": name}, "annotations": {"summary": name}}]


def test_a_database_that_is_away_refuses_nothing_and_the_answer_says_where_it_lies(
    door: Door, spool: Spool, world: Outage, catching_up: CatchingUp
) -> None:
    world.gone()
    status, headers, body = door.post("/v2/enqueue", EVENT, token="pd")
    assert (status, headers["x-raglan-stored"]) == (202, "spool")
    assert b'"stored": "spool"' in body or b'"stored":"spool"' in body
    for name in ("One", "Two"):
        status, headers, _ = door.post("/api/v2/alerts", alert(name), token="prom")
        assert (status, headers["x-raglan-stored"]) == (200, "spool")
    assert (world.batches, spool.waiting) == ([], 3)
    assert not catching_up.catch_up()

    world.back()

    assert catching_up.catch_up()
    assert titles(world.batches) == ["down", "One", "Two"]
    status, headers, _ = door.post("/api/v2/alerts", alert("Three"), token="prom")
    assert "x-raglan-stored" not in headers
    assert titles(world.batches)[-1] == "Three"


def test_what_comes_while_the_spool_is_handed_over_keeps_its_place_behind_it(
    door: Door, spool: Spool, world: Outage, catching_up: CatchingUp
) -> None:
    world.gone()
    door.post("/api/v2/alerts", alert("First"), token="prom")
    world.back()
    door.post("/api/v2/alerts", alert("Second"), token="prom")
    assert world.batches == []

    assert catching_up.catch_up()

    assert titles(world.batches) == ["First", "Second"]


def test_it_is_stored_with_the_time_at_which_it_came(
    door: Door, world: Outage, catching_up: CatchingUp, spool: Spool
) -> None:
    world.gone()
    door.post("/api/v2/alerts", ALERT, token="prom")
    [(record, _)] = spool.first(1)
    world.back()
    catching_up.catch_up()

    assert world.batches[0].received_at.isoformat() == record["at"]


def test_no_token_lies_in_the_spool(door: Door, world: Outage, tmp_path: Path) -> None:
    world.gone()
    door.post("/api/v2/alerts", ALERT, token="prom")
    door.post("/integrations/prom/api/v2/alerts", ALERT)

    assert b'"authorization"' not in b"".join(path.read_bytes() for path in tmp_path.glob("*.log")).lower()
    assert b"/integrations/prom" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.log"))


def test_a_body_that_can_not_be_understood_is_refused_as_ever(door: Door, world: Outage, spool: Spool) -> None:
    world.gone()
    door.post("/api/v2/alerts", ALERT, token="prom")

    assert door.post("/v2/enqueue", {"event_action": "fly"}, token="pd")[0] == 400
    assert spool.waiting == 1


def test_an_outage_in_the_middle_of_catching_up_loses_nothing(
    door: Door, world: Outage, spool: Spool, catching_up: CatchingUp
) -> None:
    world.gone()
    for number in range(5):
        door.post("/api/v2/alerts", alert(f"A{number}"), token="prom")
    world.back()
    taken = world.ingest

    def once(batches: Sequence[Batch]) -> list[Outcome]:
        if world.batches:
            raise OperationalError("away again")
        return taken(batches[:1]) if len(batches) == 1 else fail()

    def fail() -> list[Outcome]:
        raise OperationalError("too many for a database that is on its way out")

    door.journal._ingest = once
    assert not catching_up.catch_up()
    assert spool.waiting == 4
    door.journal._ingest = taken
    assert catching_up.catch_up()

    assert titles(world.batches) == [f"A{number}" for number in range(5)]


def test_what_can_not_be_stored_is_set_aside_where_a_person_finds_it_and_holds_back_nobody(
    door: Door, world: Outage, spool: Spool, catching_up: CatchingUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gone()
    door.post("/api/v2/alerts", alert("Of a source that is gone"), token="prom")
    door.post("/v2/enqueue", EVENT, token="pd")
    world.back()
    known = queries.source_by_id
    monkeypatch.setattr(queries, "source_by_id", lambda number: known(number if number != 1 else 99))

    assert catching_up.catch_up()

    assert titles(world.batches) == ["down"]
    assert "There is no such source any more." in (tmp_path / "refused").read_text()


def test_a_sender_that_was_known_is_known_while_the_database_is_away(
    door: Door, world: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.post("/api/v2/alerts", ALERT, token="prom")
    world.gone()
    world.is_away_for_tokens = True
    monkeypatch.setattr("raglan.edge.tokens.KEEP_S", -1.0)

    assert door.post("/api/v2/alerts", ALERT, token="prom")[0] == 200
    assert door.post("/api/v2/alerts", ALERT, token="stranger")[0] == 503


def test_the_thread_catches_up_by_itself(
    door: Door, world: Outage, spool: Spool, catching_up: CatchingUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raglan.edge.catching_up.EVERY_S", 0.01)
    world.gone()
    door.post("/api/v2/alerts", ALERT, token="prom")
    catching_up.start()
    world.back()

    until(lambda: not spool.is_needed)
    catching_up.stop(5)
    assert len(world.batches) == 1

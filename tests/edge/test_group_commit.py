"""The journal: many requests share one commit, and one bad batch harms nobody else."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest
from django.db import DataError, OperationalError

from raglan.alerts.ports import Batch, Decoded, Outcome, RawSignal, SourceKey
from raglan.core import metrics
from raglan.core.clock import now
from raglan.core.errors import Overloaded
from raglan.edge.journal import CROWD, GROUP, Journal, NotStored, waiting_reports

T = TypeVar("T")


def batch(name: str = "a", signals: int = 1, source: int = 1) -> Batch:
    signal = RawSignal(status="firing", labels={"name": name}, annotations={}, title=name)
    return Batch(SourceKey(source, "web", "generic"), Decoded([signal] * signals), now())


def title(one: Batch) -> str:
    return one.decoded.signals[0].title


class Disk:
    """Stands for the database: notes each commit, waits when it is told to, raises on names that it is given."""

    def __init__(self, **bad: Exception) -> None:
        self.commits: list[list[str]] = []
        self.bad = bad
        self.held = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def ingest(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Take a group."""
        names = [title(one) for one in batches]
        self.held.set()
        assert self.gate.wait(60)
        for name in names:
            if name in self.bad:
                raise self.bad[name]
        self.commits.append(names)
        return [Outcome(new=len(one.decoded.signals)) for one in batches]


def run(disk: Disk, story: Callable[[Journal], Awaitable[T]], *, most: int = 10_000) -> T:
    """Tell a story to a journal that writes."""

    async def main() -> T:
        journal = Journal(disk.ingest, most=most)
        journal.start()
        try:
            return await story(journal)
        finally:
            disk.gate.set()
            assert await asyncio.to_thread(journal.stop, 60)
            assert not journal.is_writing

    return asyncio.run(main())


async def while_writing(disk: Disk, journal: Journal, *batches: Batch) -> list[object]:
    """Let a first batch hold the writer, put others behind it, and return what became of those."""
    disk.gate.clear()
    first = asyncio.create_task(journal.put(batch("first")))
    await asyncio.to_thread(disk.held.wait, 60)
    waiting = [asyncio.create_task(journal.put(one)) for one in batches]
    await asyncio.sleep(0)
    disk.gate.set()
    await first
    return list(await asyncio.gather(*waiting, return_exceptions=True))


def test_all_that_waits_is_committed_together_and_each_hears_its_own_outcome() -> None:
    disk = Disk()
    said = run(disk, lambda journal: while_writing(disk, journal, batch("a"), batch("b", 3), batch("c", 2)))
    assert said == [Outcome(new=1), Outcome(new=3), Outcome(new=2)]
    assert disk.commits == [["first"], ["a", "b", "c"]]


def test_a_group_holds_a_thousand_signals_at_most() -> None:
    disk = Disk()
    run(
        disk,
        lambda journal: while_writing(disk, journal, batch("a", 600), batch("b", 400), batch("c", GROUP), batch("d")),
    )
    assert disk.commits == [["first"], ["a", "b"], ["c"], ["d"]]


def test_nothing_is_answered_before_the_commit() -> None:
    disk = Disk()

    async def story(journal: Journal) -> bool:
        disk.gate.clear()
        task = asyncio.create_task(journal.put(batch()))
        await asyncio.to_thread(disk.held.wait, 60)
        await asyncio.sleep(0.05)
        early = task.done()
        disk.gate.set()
        await task
        return early

    assert run(disk, story) is False


def test_one_bad_batch_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk(bad=DataError("a mistake of ours"))
    said = run(disk, lambda journal: while_writing(disk, journal, batch("a"), batch("bad"), batch("c")))
    assert (said[0], said[2]) == (Outcome(new=1), Outcome(new=1))
    assert isinstance(said[1], NotStored)
    assert said[1].status == 500
    assert "a mistake" not in said[1].sentence
    assert disk.commits == [["first"], ["a"], ["c"]]


def test_a_single_batch_is_tried_twice() -> None:
    class Once(Disk):
        failed = False

        def ingest(self, batches: Sequence[Batch]) -> list[Outcome]:
            if not self.failed:
                self.failed = True
                raise OperationalError("the server was restarted")
            return super().ingest(batches)

    disk = Once()
    assert run(disk, lambda journal: journal.put(batch())) == Outcome(new=1)


def test_a_database_that_is_away_is_not_asked_for_each_batch() -> None:
    class Away(Disk):
        asked = 0

        def ingest(self, batches: Sequence[Batch]) -> list[Outcome]:
            if title(batches[0]) == "first":
                return super().ingest(batches)
            self.asked += 1
            raise OperationalError("no route")

    disk = Away()
    said = run(disk, lambda journal: while_writing(disk, journal, *(batch(f"{n}") for n in range(50))))
    assert all(isinstance(error, Overloaded) and error.retry_after for error in said)
    assert disk.asked == 3


def test_a_full_queue_refuses_and_takes_again_when_there_is_room() -> None:
    disk = Disk()

    async def story(journal: Journal) -> float:
        disk.gate.clear()
        waiting = [asyncio.create_task(journal.put(batch(f"{n}"))) for n in range(5)]
        await asyncio.to_thread(disk.held.wait, 60)
        await asyncio.sleep(0)
        fullness = journal.fullness
        with pytest.raises(Overloaded) as refused:
            await journal.put(batch("too much"))
        assert refused.value.retry_after > 0
        disk.gate.set()
        await asyncio.gather(*waiting)
        assert await journal.put(batch("again")) == Outcome(new=1)
        return fullness

    assert run(disk, story, most=5) == 1.0


def test_a_source_that_fills_the_queue_leaves_room_for_the_others() -> None:
    disk = Disk()

    async def story(journal: Journal) -> None:
        disk.gate.clear()
        waiting = [asyncio.create_task(journal.put(batch("noisy", 2, source=1))) for _ in range(4)]
        await asyncio.to_thread(disk.held.wait, 60)
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await journal.put(batch("noisy", source=1))
        waiting.append(asyncio.create_task(journal.put(batch("lone critical", source=2))))
        await asyncio.sleep(0)
        disk.gate.set()
        assert await waiting[-1] == Outcome(new=1)
        await asyncio.gather(*waiting)

    run(disk, story, most=8)


def test_stopping_writes_what_waits_and_takes_nothing_more() -> None:
    disk = Disk()

    async def story(journal: Journal) -> list[object]:
        disk.gate.clear()
        waiting = [asyncio.create_task(journal.put(batch("first")))]
        await asyncio.to_thread(disk.held.wait, 60)
        waiting.append(asyncio.create_task(journal.put(batch("second"))))
        await asyncio.sleep(0)
        stopping = asyncio.create_task(asyncio.to_thread(journal.stop, 60))
        while not journal._stopping:
            await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await journal.put(batch("late"))
        disk.gate.set()
        assert await stopping
        return list(await asyncio.gather(*waiting))

    assert run(disk, story) == [Outcome(new=1), Outcome(new=1)]
    assert disk.commits == [["first"], ["second"]]


def test_a_client_that_left_does_not_take_its_signals_with_it() -> None:
    disk = Disk()

    async def story(journal: Journal) -> None:
        disk.gate.clear()
        task = asyncio.create_task(journal.put(batch("left")))
        await asyncio.to_thread(disk.held.wait, 60)
        task.cancel()
        disk.gate.set()
        assert await journal.put(batch("stayed")) == Outcome(new=1)

    run(disk, story)
    assert disk.commits == [["left"], ["stayed"]]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_is_ended_lets_nobody_wait_for_ever() -> None:
    class Ended(BaseException):
        pass

    def ingest(batches: Sequence[Batch]) -> list[Outcome]:
        raise Ended

    async def main() -> None:
        journal = Journal(ingest, most=10)
        journal.start()
        with pytest.raises(Overloaded):
            await asyncio.wait_for(journal.put(batch()), 60)
        await asyncio.to_thread(journal.stop, 60)
        assert not journal.is_writing

    asyncio.run(main())


def test_who_was_answered_together_shares_the_next_commit_with_those_that_came_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("raglan.edge.journal.CROWD_S", 20.0)
    disk = Disk()
    crowd = [batch(f"a{number}") for number in range(CROWD)]

    async def story(journal: Journal) -> None:
        await while_writing(disk, journal, *crowd)
        again = [asyncio.create_task(journal.put(batch(f"b{number}"))) for number in range(CROWD - 1)]
        await asyncio.sleep(0.05)
        assert len(disk.commits) == 2  # the writer waits for the last of them
        await asyncio.gather(*again, asyncio.create_task(journal.put(batch("late"))))

    run(disk, story)
    assert disk.commits[-1] == [*(f"b{number}" for number in range(CROWD - 1)), "late"]


def test_a_crowd_that_does_not_come_back_is_waited_for_only_for_moments() -> None:
    disk = Disk()

    async def story(journal: Journal) -> None:
        await while_writing(disk, journal, *(batch(f"a{number}") for number in range(CROWD)))
        await journal.put(batch("one"))
        await journal.put(batch("other"))

    run(disk, story)
    assert disk.commits[-2:] == [["one"], ["other"]]


def test_a_whole_group_is_not_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.edge.journal.CROWD_S", 60.0)
    disk = Disk()

    async def story(journal: Journal) -> None:
        await while_writing(disk, journal, *(batch(f"a{number}") for number in range(CROWD)))
        await asyncio.wait_for(journal.put(batch("large", GROUP)), 50)

    run(disk, story)
    assert disk.commits[-1] == ["large"]


def test_what_may_linger_shares_a_commit_with_what_comes_a_little_later() -> None:
    disk = Disk()

    async def story() -> None:
        journal = Journal(disk.ingest, most=100, group=3, linger_s=20.0)
        journal.start()
        try:
            await asyncio.gather(*(journal.put(batch(name)) for name in "abc"))
        finally:
            assert await asyncio.to_thread(journal.stop, 60)

    asyncio.run(story())
    assert [sorted(names) for names in disk.commits] == [["a", "b", "c"]]


def test_what_waits_in_one_journal_is_not_told_as_what_waits_in_another() -> None:
    """The hosts' journal took the place of the alerts' one in the figure that tells of a full queue."""
    disk = Disk()

    async def story(journal: Journal) -> None:
        disk.gate.clear()
        waits = asyncio.create_task(journal.put(batch(signals=3)))
        await asyncio.to_thread(disk.held.wait, 60)
        other: Journal = Journal(disk.ingest, most=10)
        other.waiting = waiting_reports
        other.put_then(batch("b"), lambda _: None)
        told = metrics.REGISTRY.get_sample_value
        assert (told("raglan_journal_waiting"), told("raglan_fleet_waiting_kb")) == (3, 1)
        disk.gate.set()
        await waits

    run(disk, story)

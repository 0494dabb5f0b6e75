"""The loops that fire due timers: claim, hand to a small pool, look again when woken or when the next one is due.

Looks are cheap (one probe of an index for each pool), at most one in five milliseconds, and at least one a second.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db import InterfaceError, OperationalError, close_old_connections, connection, connections

from raglan.core import logs, metrics, timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic

MAX_WAIT_S = timers.LOOKS_WITHIN.total_seconds()
MIN_WAIT_S = 0.005
BATCH_PER_THREAD = 4
TOGETHER = 200
SEVERAL = 16
NETWORK_THREADS = 8
SHARE_OF_OTHERS = 0.5  # of the network threads: mail, feeds, the status page; the rest is for pages alone
BLOCKED_WAIT_S = 0.2
HELD_WAIT_S = 0.2
JUMP = timedelta(seconds=2)
COMPARE_EVERY_S = 5.0
MOST_SKEW_S = 5.0
log = logs.get("raglan.engine")


class ClockJumped(timeline.EventPayload):
    """The machine's clock was set; `ahead_s` is how far it is ahead of raglan's own since."""

    kind = "clock.jumped"
    node: str
    seconds: float
    ahead_s: float


class Pool:
    """Threads that fire claimed timers.

    It never takes more than it can start soon, or leases would end in the queue. What does not go first gets a share
    of the places, so that what hangs there never keeps what goes first waiting.
    """

    def __init__(self, name: str, *, threads: int, depth: int, share: float = 1, done: Callable[[], None]) -> None:
        self._queue: queue.Queue[tuple[Sequence[timers.Due], bool] | None] = queue.Queue()
        self._places = threads * depth
        self._places_of_others = max(1, int(self._places * share))
        self._taken = 0
        self._others = 0
        self._lock = threading.Lock()
        self._done = done
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"raglan-{name}-{index}", daemon=True) for index in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    @property
    def free(self) -> int:
        """How many more timers it can take."""
        return max(0, self._places - self._taken)

    @property
    def free_for_others(self) -> int:
        """How many more timers it can take that do not go first."""
        return max(0, min(self.free, self._places_of_others - self._others))

    def give(self, dues: Sequence[timers.Due]) -> None:
        """Hand over a claimed timer, or several of one kind that one thread does together."""
        is_other = self._places_of_others < self._places and not timers.HANDLERS[dues[0].kind].first
        with self._lock:
            self._taken += 1
            self._others += is_other
        self._queue.put((dues, is_other))

    def begin_no_more(self) -> None:
        """Finish what is running and leave the rest."""
        self._stopping = True

    def stop(self, deadline: float) -> bool:
        """Finish what is running; return whether that was done before the deadline (monotonic seconds)."""
        self.begin_no_more()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (given := self._queue.get()) is not None:
            dues, is_other = given
            left = dues if self._stopping else fire_together(dues)
            if len(left) > 1 and timers.HANDLERS[left[0].kind].several is not None:
                for due in left:  # one that hangs must not hold up the others
                    self.give([due])
                left = ()
            for due in left:
                if not self._stopping:  # else its lease is given back by the engine
                    fire_safely(due)
            with self._lock:
                self._taken -= 1
                self._others -= is_other
            if len(dues) > 1 or self._is_worth_a_claim():  # one claim brings this thread as many again
                self._done()
        connections.close_all()

    def _is_worth_a_claim(self) -> bool:
        """Tell whether there is room for each thread once more, or all that goes first is done while others hang."""
        room = self._places - len(self._threads)
        return self._taken - self._others <= room


def fire_together(dues: Sequence[timers.Due]) -> Sequence[timers.Due]:
    """Fire what is alike among timers of one kind at once; return what is left to be fired alone."""
    entry = timers.HANDLERS[dues[0].kind]
    if entry.together is None and entry.several is None:
        return dues
    close_old_connections()
    left = timers.fire_together(dues)
    gone = {due.id for due in left}
    if entry.several is None:  # which counts what it ends: it may give some back, and do what another thread brought
        metrics.timers_fired.labels(dues[0].kind).inc(sum(due.id not in gone for due in dues))
    return left


def fire_safely(due: timers.Due) -> None:
    """Fire a timer; when it raises, have it tried again or set aside."""
    close_old_connections()
    try:
        timers.fire(due)
        metrics.timers_fired.labels(due.kind).inc()
    except Exception as error:  # a poison timer is retried, then set aside; it never stops the loop
        metrics.timers_failed.labels(due.kind).inc()
        log.exception("a timer failed", extra={"kind": due.kind, "subject": due.subject, "attempt": due.attempt})
        try:
            timers.failed(due, f"{type(error).__name__}: {error}")
        except (OperationalError, InterfaceError):
            log.warning("a failed timer waits for its lease to end", extra={"kind": due.kind})


class Loop:
    """A thread that looks again and again: when woken, when something is due, and once a second at least."""

    def __init__(self, name: str, look: Callable[[], float]) -> None:
        self.last = time.monotonic()
        self.rounds = 0
        self._look = look
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self.last = time.monotonic()
        self._thread.start()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def stop(self) -> None:
        """End after the round that is under way."""
        self._stopping.set()
        self.wake()

    def join(self, deadline: float) -> bool:
        """Wait for the end until a moment (monotonic seconds); tell whether it came."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            wait = self._safely()
            if not self._stopping.wait(MIN_WAIT_S):  # what is woken a thousand times a second looks at most 200 times
                self._woken.wait(max(0.0, wait - MIN_WAIT_S))
        connections.close_all()

    def _safely(self) -> float:
        try:
            close_old_connections()
            wait = self._look()
        except (OperationalError, InterfaceError) as error:
            log.warning("the engine could not reach the database", extra={"error": str(error)})
            return MAX_WAIT_S
        except Exception:  # the loop must outlive any one failure; see the house style
            log.exception("the engine tick failed")
            return MAX_WAIT_S
        self.last = time.monotonic()
        self.rounds += 1
        return wait


class Companion(Protocol):
    """Work that runs beside the timers for as long as the engine does, in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self, deadline: float) -> None:
        """End, before a moment (monotonic seconds)."""


_beside: list[Callable[[], Companion]] = []


def beside(make: Callable[[], Companion]) -> None:
    """Let something run beside every engine that is started, such as lines to chat; timers never wait for it."""
    _beside.append(make)


class Engine:
    """Fires timers until stopped.

    One thread claims for two pools, of work in the database and of calls outside; another fires light timers.
    """

    def __init__(self, threads: int = 4, network_threads: int = NETWORK_THREADS) -> None:
        self._main = Loop("raglan-engine", self._tick)
        self._light = Loop("raglan-engine-light", self._fire_light)
        self._pools = {
            timers.Pool.WORK: Pool("work", threads=threads, depth=BATCH_PER_THREAD, done=self._freed),
            timers.Pool.NETWORK: Pool(
                "network", threads=network_threads, depth=1, share=SHARE_OF_OTHERS, done=self._freed
            ),
        }
        self._has_left = True  # the last look may have left something that is due for which there was no thread
        self._leaves = False
        self.clock_skew_s = 0.0
        self._agreed = connection.vendor != "postgresql"  # there it is asked first
        self._compared = -COMPARE_EVERY_S
        self._drift = CLOCK.drift()
        self._unsubscribe: Callable[[], object] = lambda: None
        self._end_claims: Callable[[], object] = lambda: None
        self.is_held: Callable[[], bool] = lambda: False
        self._companions: list[Companion] = []

    def start(self) -> None:
        """Start the threads."""
        self._unsubscribe = timers.on_wake(self.wake)
        self._end_claims = timers.on_claimed(self)
        for pool in self._pools.values():
            pool.start()
        self._main.start()
        self._light.start()
        self._companions = [make() for make in _beside]
        for companion in self._companions:
            companion.start()

    def wake(self) -> None:
        """Look for due timers now."""
        self._main.wake()
        self._light.wake()

    @property
    def is_working(self) -> bool:
        """Whether it fires timers at present: it was not told to end, nobody holds it, and its clock is right."""
        return self._agreed and not self._main.is_stopping and not self.is_held()

    @property
    def room(self) -> int:
        """How many calls outside that go first it would begin now."""
        return self._pools[timers.Pool.NETWORK].free * SEVERAL

    def take(self, dues: Sequence[timers.Due]) -> None:
        """Begin with timers of one kind that were claimed where they were written."""
        self._share_out(self._pools[timers.Pool.NETWORK], dues)

    def stop(self, timeout: float = 8.0) -> bool:
        """Claim no more, finish what is running, give unstarted claims back. Return whether all ended in time."""
        deadline = time.monotonic() + timeout
        self._unsubscribe()
        self._end_claims()
        for pool in self._pools.values():
            pool.begin_no_more()
        for loop in (self._main, self._light):
            loop.stop()
        ended = [loop.join(deadline) for loop in (self._main, self._light)]
        ended += [pool.stop(deadline) for pool in self._pools.values()]
        for companion in self._companions:
            companion.stop(deadline)
        if all(ended):
            timers.let_go()
        return all(ended)

    @property
    def last_tick(self) -> float:
        """When both loops had gone round (monotonic seconds)."""
        return min(self._main.last, self._light.last)

    @property
    def ticks(self) -> int:
        """How often both loops have gone round."""
        return min(self._main.rounds, self._light.rounds)

    @property
    def is_running(self) -> bool:
        """Whether it was started and not yet stopped."""
        return self._main.is_alive and self._light.is_alive

    def oldest_due_lateness(self) -> float:
        """Return by how many seconds the oldest due timer is late."""
        late = timers.lateness()
        metrics.timer_lateness.set(late)
        return late

    def _freed(self) -> None:
        """Look again for what had to wait for a thread, or for an earlier one of its lane."""
        if self._has_left:
            self._main.wake()

    def _tick(self) -> float:
        self._notice_jump()
        if self.is_held():
            return HELD_WAIT_S
        if not self._agrees():
            return MAX_WAIT_S
        work, network = self._pools[timers.Pool.WORK], self._pools[timers.Pool.NETWORK]
        self._has_left, self._leaves = True, False  # what ends while we look wakes us once more
        wait = min(
            self._claim_together(work),
            self._claim_for(timers.Pool.WORK, work.free, together=False),
            self._claim_first(network),
            self._claim_for(timers.Pool.NETWORK, network.free_for_others, first=False),
        )
        self._has_left = self._leaves
        return wait

    def _left(self, wait: float) -> float:
        """Note that something is due and was not claimed: a pool that finishes something wakes the loop."""
        self._leaves = True
        return wait

    def _claim_first(self, network: Pool) -> float:
        """Claim what goes before all other calls outside; the kind that has waited longest is asked for first."""
        pool = timers.Pool.NETWORK
        heads = {several: timers.heads(pool, first=True, several=several).get(pool) for several in (True, False)}
        waits = {several: _until(head) for several, head in heads.items()}
        for several in sorted(waits, key=lambda several: waits[several]):
            if waits[several] <= 0 and network.free:
                claimed = self._claim_several(network) if several else self._claim_alone(network)
                waits[several] = MIN_WAIT_S if claimed else self._left(BLOCKED_WAIT_S)
            elif waits[several] <= 0:
                waits[several] = self._left(MAX_WAIT_S)
        return min(waits.values())

    def _claim_several(self, network: Pool) -> int:
        """Share what is due out to the threads that are free; return how much that was."""
        claimed = timers.claim(network.free * SEVERAL, pool=timers.Pool.NETWORK, first=True, several=True)
        for dues in timers.by_kind(claimed).values():
            self._share_out(network, dues)
        return len(claimed)

    @staticmethod
    def _share_out(network: Pool, dues: Sequence[timers.Due]) -> None:
        share = -(-len(dues) // max(1, network.free))
        for start in range(0, len(dues), share):
            network.give(dues[start : start + share])

    @staticmethod
    def _claim_alone(network: Pool) -> int:
        claimed = timers.claim(network.free, pool=timers.Pool.NETWORK, first=True, several=False)
        for due in claimed:
            network.give([due])
        return len(claimed)

    def _claim_together(self, work: Pool) -> float:
        """Give a thread all that is due of a kind whose work is done for many at once; return when to look again."""
        if not work.free:
            return self._left(MAX_WAIT_S)
        wait = _until(timers.heads(timers.Pool.WORK, together=True).get(timers.Pool.WORK))
        if wait > 0:
            return wait
        claimed = timers.claim(TOGETHER, pool=timers.Pool.WORK, together=True)
        for dues in timers.by_kind(claimed).values():
            work.give(dues)
        return MIN_WAIT_S if claimed else self._left(BLOCKED_WAIT_S)

    def _claim_for(
        self, pool: timers.Pool, free: int, *, first: bool | None = None, together: bool | None = None
    ) -> float:
        """Give a pool what is due; return in how many seconds to look again, unless something happens before."""
        if not free:
            return self._left(MAX_WAIT_S)
        wait = _until(timers.heads(pool, first=first, together=together).get(pool))
        if wait > 0:
            return wait
        claimed = timers.claim(free, pool=pool, first=first, together=together)
        for due in claimed:
            network = timers.HANDLERS[due.kind].network  # a node of another version may have filed it elsewhere
            self._pools[timers.Pool.NETWORK if network else timers.Pool.WORK].give([due])
        # where nothing could be claimed, another node was faster, or an earlier one of its lane runs
        return MIN_WAIT_S if claimed else self._left(BLOCKED_WAIT_S)

    def _fire_light(self) -> float:
        if not self._agreed:
            return MAX_WAIT_S
        while (wait := _until(timers.heads(timers.Pool.LIGHT).get(timers.Pool.LIGHT))) <= 0:
            self._light.last = time.monotonic()
            if self._light.is_stopping or not timers.fire_light():
                return BLOCKED_WAIT_S
        return wait

    def _notice_jump(self) -> None:
        drift = CLOCK.drift()
        if abs(by := drift - self._drift) <= JUMP:
            return
        metrics.clock_jumps.inc()
        log.warning("the wall clock jumped; waits are not affected", extra={"seconds": by.total_seconds()})
        self._drift = drift
        jumped = ClockJumped(node=timers.NODE, seconds=by.total_seconds(), ahead_s=drift.total_seconds())
        with atomic():
            timeline.append(jumped, about=["raglan:clock"])

    def _agrees(self) -> bool:
        """Tell whether this node's clock and the database's agree, asked every few seconds; SQLite has none."""
        at = time.monotonic()
        if connection.vendor == "postgresql" and at - self._compared >= COMPARE_EVERY_S:
            self._compared = at
            self.clock_skew_s = database_skew().total_seconds()
            metrics.clock_skew.set(self.clock_skew_s)
            agrees = abs(self.clock_skew_s) <= MOST_SKEW_S
            if agrees != self._agreed and self._main.rounds:
                words = "the clocks agree again" if agrees else "this node claims nothing: its clock is wrong"
                log.warning(words, extra={"seconds": self.clock_skew_s})
            self._agreed = agrees
            self._light.wake()
        return self._agreed


def database_skew() -> timedelta:
    """Return how far our clock is ahead of that of PostgreSQL; what a test has moved does not count."""
    before = now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    half_way = before + (now() - before) / 2
    return half_way - CLOCK.moved - theirs


def _until(head: datetime | None) -> float:
    """Return the seconds until then, at most those until the next look."""
    return MAX_WAIT_S if head is None else min(MAX_WAIT_S, (head - now()).total_seconds())

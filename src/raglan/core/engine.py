"""The loop that fires due timers: claim, hand to a small pool, look again when woken or when the next one is due."""

import queue
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from raglan.core import logs, metrics, timers
from raglan.core.clock import CLOCK, now

MAX_WAIT_S = 1.0
MIN_WAIT_S = 0.005
BATCH_PER_THREAD = 4
NETWORK_THREADS = 8
JUMP = timedelta(seconds=2)
log = logs.get("raglan.engine")


class Pool:
    """Threads that fire claimed timers.

    It never takes more than it can start soon, or leases would end in the queue.
    """

    def __init__(self, name: str, *, threads: int, depth: int, done: Callable[[], None]) -> None:
        self._queue: queue.Queue[timers.Due | None] = queue.Queue()
        self._places = threads * depth
        self._taken = 0
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

    def give(self, due: timers.Due) -> None:
        """Hand over a claimed timer."""
        with self._lock:
            self._taken += 1
        self._queue.put(due)

    def stop(self, deadline: float) -> bool:
        """Finish what is running; return whether that was done before the deadline (monotonic seconds)."""
        self._stopping = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (due := self._queue.get()) is not None:
            if not self._stopping:  # else its lease is given back by the engine
                fire_safely(due)
            with self._lock:
                self._taken -= 1
            self._done()
        connections.close_all()


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


class Engine:
    """Fires timers until stopped: one claiming thread, a pool for work in the database, another for calls outside."""

    def __init__(self, threads: int = 4, network_threads: int = NETWORK_THREADS) -> None:
        self.last_tick = time.monotonic()
        self.ticks = 0
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._loop_thread = threading.Thread(target=self._loop, name="raglan-engine", daemon=True)
        self._pools = {
            False: Pool("work", threads=threads, depth=BATCH_PER_THREAD, done=self.wake),
            True: Pool("network", threads=network_threads, depth=1, done=self.wake),
        }
        self._drift = CLOCK.drift()
        self._unsubscribe: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the threads."""
        self.last_tick = time.monotonic()
        self._unsubscribe = timers.on_wake(self.wake)
        for pool in self._pools.values():
            pool.start()
        self._loop_thread.start()

    def wake(self) -> None:
        """Look for due timers now."""
        self._woken.set()

    def stop(self, timeout: float = 8.0) -> bool:
        """Claim no more, finish what is running, give unstarted claims back. Return whether all ended in time."""
        self._stopping.set()
        self.wake()
        self._unsubscribe()
        deadline = time.monotonic() + timeout
        if self._loop_thread.ident is not None:
            self._loop_thread.join(max(0.0, deadline - time.monotonic()))
        ended = [pool.stop(deadline) for pool in self._pools.values()]
        if all(ended):
            timers.release(timers.NODE)
        return all(ended)

    @property
    def is_running(self) -> bool:
        """Whether it was started and not yet stopped."""
        return self._loop_thread.is_alive()

    def oldest_due_lateness(self) -> float:
        """Return by how many seconds the oldest due timer is late."""
        late = timers.lateness()
        metrics.timer_lateness.set(late)
        return late

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                wait = self._tick()
            except (OperationalError, InterfaceError) as error:
                log.warning("the engine could not reach the database", extra={"error": str(error)})
                wait = MAX_WAIT_S
            except Exception:  # the loop must outlive any one failure; see the house style
                log.exception("the engine tick failed")
                wait = MAX_WAIT_S
            self._woken.wait(wait)
        connections.close_all()

    def _tick(self) -> float:
        close_old_connections()
        self._notice_jump()
        full = [self._claim_for(network) for network in (False, True)]
        self.last_tick = time.monotonic()
        self.ticks += 1
        if any(full):
            return MAX_WAIT_S  # a pool that finishes something wakes the loop
        upcoming = timers.next_due()
        if upcoming is None:
            return MAX_WAIT_S
        return min(MAX_WAIT_S, max(MIN_WAIT_S, (upcoming - now()).total_seconds()))

    def _claim_for(self, network: bool) -> bool:
        """Give a pool what is due; return whether it has no place left."""
        pool = self._pools[network]
        kinds = [kind for kind, entry in timers.HANDLERS.items() if entry.network is network]
        if pool.free and kinds and timers.any_due(kinds):
            for due in timers.claim(pool.free, kinds=kinds):
                pool.give(due)
        return pool.free == 0

    def _notice_jump(self) -> None:
        drift = CLOCK.drift()
        if abs(drift - self._drift) > JUMP:
            metrics.clock_jumps.inc()
            log.warning("the wall clock jumped; waits are not affected", extra={"seconds": drift.total_seconds()})
            self._drift = drift

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from raglan.core import timers
from raglan.core.clock import now
from raglan.core.models import Timer

Fired = list[timers.Due]


@pytest.fixture
def handler() -> Iterator[Callable[..., Fired]]:
    """Register a handler for a kind; what it was given is in the list. `does` may raise or wait."""
    made: list[str] = []

    def register(
        kind: str = "test.work",
        *,
        does: Callable[[timers.Due], object] = lambda due: None,
        network: bool = False,
        first: bool = False,
        several: Callable[[Sequence[timers.Due]], Sequence[timers.Due]] | None = None,
        on_parked: Callable[[timers.Due, str], None] | None = None,
    ) -> Fired:
        fired: Fired = []

        def function(due: timers.Due) -> None:
            fired.append(due)
            does(due)

        timers.handler(kind, network=network, first=first, several=several, on_parked=on_parked)(function)
        made.append(kind)
        return fired

    yield register
    for kind in made:
        timers.HANDLERS.pop(kind, None)


@pytest.fixture
def plan() -> Callable[..., Timer]:
    """Write a timer that is due by so many seconds ago."""

    def write(kind: str = "test.work", subject: str = "thing:1", *, ago: float = 1, lane: str = "") -> Timer:
        return timers.schedule(kind, subject=subject, due_at=now() - timedelta(seconds=ago), lane=lane)

    return write


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait for a real thread, at most a minute: on a busy machine it may come late."""

    def wait(holds: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end, "it did not come true"
            time.sleep(0.01)

    return wait

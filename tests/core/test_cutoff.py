"""One thread watches the moments of all conversations."""

import threading
import time

from raglan.core.cutoff import Later


def test_a_moment_that_raises_does_not_end_the_watch_of_the_others() -> None:
    done = threading.Event()

    def fail() -> None:
        raise RuntimeError("this one alone")

    Later(time.monotonic(), fail).plan()
    Later(time.monotonic() + 0.01, done.set).plan()
    assert done.wait(30)

"""Named places where a test may make the process die.

Production code calls `fault_point("db.before_commit")` at every step between which a crash would matter. Without a
plan that is one check against None. A test installs a plan that records the names, or raises `Crash` at the k-th
place, and so walks every history that ends in the middle of something.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Crash(BaseException):
    """The process died here; not an Exception, so that no `except Exception` brings it back to life."""


class Plan:
    """What happens at fault points: names are recorded, and from the k-th one on everything dies."""

    def __init__(self, crash_at: int | None = None, name: str | None = None) -> None:
        self.names: list[str] = []
        self.struck = False
        self._crash_at = crash_at
        self._name = name
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        """Note one place, and die if it is the chosen one or death has come already."""
        with self._lock:
            if self.struck:
                # A dead process does not run its `finally` blocks or its other threads to their next step.
                raise Crash(name)
            if self._name is not None and name != self._name:
                return
            self.names.append(name)
            if len(self.names) == self._crash_at:
                self.struck = True
                raise Crash(name)


_plan: Plan | None = None


def fault_point(name: str) -> None:
    """Mark a place where a crash would matter; does nothing unless a test has installed a plan."""
    if _plan is not None:
        _plan.reach(name)


def is_armed() -> bool:
    """Tell whether a plan is installed."""
    return _plan is not None


@contextmanager
def _installed(plan: Plan) -> Iterator[None]:
    global _plan  # noqa: PLW0603 -- one check against None is all that production pays
    if _plan is not None:
        raise RuntimeError("a fault plan is already installed")
    _plan = plan
    try:
        yield
    finally:
        _plan = None


class Each(Plan):
    """Calls a function at every place, for a simulation; what it raises happens there."""

    def __init__(self, happens: Callable[[str], None]) -> None:
        super().__init__()
        self._happens = happens

    def reach(self, name: str) -> None:
        """Let happen what happens here."""
        self._happens(name)


@contextmanager
def at_each(happens: Callable[[str], None]) -> Iterator[None]:
    """Call `happens(name)` at every fault point: it may raise `Crash`, move time, or let another node work."""
    with _installed(Each(happens)):
        yield


@contextmanager
def record() -> Iterator[list[str]]:
    """Record the names of all fault points that are reached, in order."""
    plan = Plan()
    with _installed(plan):
        yield plan.names


@contextmanager
def crash_at(k: int, name: str | None = None) -> Iterator[Plan]:
    """Raise `Crash` at the k-th fault point (of that name, if one is given), counted from 1.

    The crash passes through: catch it around the scenario, then look at `plan.struck` to learn whether there was a
    k-th point at all.
    """
    plan = Plan(crash_at=k, name=name)
    with _installed(plan):
        yield plan

"""`atomic`: Django's transactions, with places to crash for tests.

The write lock of SQLite is taken by our database backend where a transaction begins and given back where it ends, so
Django's own `transaction.atomic` (used by its sessions, admin and allauth) queues in the same line, and callbacks
registered by `on_commit` run without the lock.
"""

import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from types import TracebackType
from typing import ParamSpec, TypeVar, overload

from django.db import DEFAULT_DB_ALIAS, transaction

from raglan.core import faults
from raglan.core.db.raw import of_thread
from raglan.core.faults import fault_point

P = ParamSpec("P")
R = TypeVar("R")


class _Depth(threading.local):
    """How many of our blocks this thread is inside of, by database alias; and which of them only count."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self.counts: list[bool] = []


_depth = _Depth()


class Atomic(ContextDecorator):
    """A transaction, or a savepoint inside one; usable as a decorator and as a context manager."""

    def __init__(self, using: str | None = None, *, savepoint: bool = True, durable: bool = False) -> None:
        self._alias = using or DEFAULT_DB_ALIAS
        self._may_count = not (savepoint or durable)
        self._inner = transaction.Atomic(self._alias, savepoint, durable)

    def __enter__(self) -> None:
        depth = _depth.of.get(self._alias, 0)
        only_counts = self._may_count and depth > 0 and of_thread(self._alias).in_atomic_block
        if not only_counts:
            self._inner.__enter__()
        _depth.counts.append(only_counts)
        _depth.of[self._alias] = depth + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _depth.of[self._alias] -= 1
        if _depth.counts.pop():  # all that such a block of Django's does, for a tenth of the time
            if kind is not None:
                transaction.get_connection(self._alias).needs_rollback = True
            return
        if kind is not None or _depth.of[self._alias] or not faults.is_armed():
            self._inner.__exit__(kind, error, trace)
            return
        self._exit_with_faults()

    def _exit_with_faults(self) -> None:
        """Commit the outermost block with a fault point on either side.

        Under a test's wrapping transaction nothing is committed; releasing our savepoint stands for the commit.
        """
        try:
            fault_point("db.before_commit")
        except BaseException as crash:
            self._inner.__exit__(type(crash), crash, crash.__traceback__)
            raise
        connection = transaction.get_connection(self._alias)
        if connection.needs_rollback:
            self._inner.__exit__(None, None, None)
        elif len(connection.atomic_blocks) > 1:
            self._inner.__exit__(None, None, None)
            fault_point("db.after_commit")
        else:
            # First in the line of callbacks: a crash after the commit loses all of them.
            connection.run_on_commit.insert(0, (set(), lambda: fault_point("db.after_commit"), False))
            self._inner.__exit__(None, None, None)


@overload
def atomic(using: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def atomic(using: str | None = None, *, savepoint: bool = True, durable: bool = False) -> Atomic: ...
def atomic(
    using: Callable[P, R] | str | None = None, *, savepoint: bool = True, durable: bool = False
) -> Callable[P, R] | Atomic:
    """Run in one transaction: all of it is stored, or none.

    Use as `@atomic`, `@atomic(durable=True)` or `with atomic():`. Blocks nest; no network inside.
    """
    if callable(using):
        return Atomic()(using)
    return Atomic(using, savepoint=savepoint, durable=durable)


def in_write(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Tell whether this thread is inside an `atomic` block; whoever is about to wait for a network asks first."""
    return _depth.of.get(using, 0) > 0

"""One transaction for what several threads want to store at the same time, as databases do with commits.

Whoever comes while another one stores waits, and the next in turn stores for all that wait.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from raglan.core import logs
from raglan.core.db.transactions import atomic, in_write

T = TypeVar("T")
R = TypeVar("R")
log = logs.get("raglan.db")


@dataclass(slots=True)
class _Call(Generic[T, R]):
    item: T
    result: R | None = None
    error: BaseException | None = None
    is_done: bool = False


class Together(Generic[T, R]):
    """Calls a function with the items of all threads that wait, in one transaction; each gets its own result.

    The function takes a list and returns the results in its order. When it raises for several, each is done alone, so
    that one cannot spoil the others.
    """

    def __init__(self, function: Callable[[Sequence[T]], Sequence[R]], most: int = 64) -> None:
        self._function = function
        self._most = most
        self._turn = threading.RLock()  # what a function does may lead here again
        self._guard = threading.Lock()
        self._waiting: list[_Call[T, R]] = []

    def __call__(self, item: T) -> R:
        """Store one item, alone or with others; return when that is committed. Raises what the function raises.

        Inside a transaction nobody else is waited for: it may be waiting for what this one holds.
        """
        call: _Call[T, R] = _Call(item)
        if in_write():
            self._store([call])
        else:
            with self._guard:
                self._waiting.append(call)
            with self._turn:
                if not call.is_done:
                    self._store(self._take(call))
        if call.error is not None:
            raise call.error
        return call.result  # type: ignore[return-value]  # it is there when nothing was raised

    def _take(self, call: _Call[T, R]) -> list[_Call[T, R]]:
        with self._guard:
            others = [one for one in self._waiting if one is not call][: self._most - 1]
            taken = [call, *others]
            self._waiting = [one for one in self._waiting if not any(one is other for other in taken)]
        return taken

    def _store(self, calls: Sequence[_Call[T, R]]) -> None:
        try:
            with atomic():
                results = self._function([call.item for call in calls])
        except (OperationalError, InterfaceError) as error:  # the database, not an item
            self._end(calls, error)
        except Exception as error:
            if len(calls) == 1:
                self._end(calls, error)
                return
            log.exception("several things could not be stored together; each is stored alone")
            for call in calls:
                self._store([call])
        except BaseException as error:
            self._end(calls, error)
        else:
            for call, result in zip(calls, results, strict=True):
                call.result, call.is_done = result, True

    @staticmethod
    def _end(calls: Sequence[_Call[T, R]], error: BaseException) -> None:
        for call in calls:
            call.error, call.is_done = error, True

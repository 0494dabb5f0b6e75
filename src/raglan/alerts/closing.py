"""Tells this process which alerts have just been closed, before anyone who asked for it hears that it is done."""

from collections.abc import Callable, Sequence

from django.db import transaction

Listener = Callable[[Sequence[int]], None]
_listeners: list[Listener] = []


def on_closed(listener: Listener) -> Callable[[], None]:
    """Call `listener(ids)` after each commit that closed alerts; return a function that ends it. It may not raise."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener) if listener in _listeners else None


def tell_after_commit(ids: Sequence[int]) -> None:
    """Tell the listeners when the current transaction is on disk."""
    told = tuple(ids)

    def tell() -> None:
        for listener in list(_listeners):
            listener(told)

    transaction.on_commit(tell)

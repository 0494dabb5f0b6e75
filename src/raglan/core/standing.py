"""What stands until an event says that it may not any more: the database is asked for it once, not with each commit.

On SQLite only, and inside a transaction, where nobody else writes: there one look at the newest events tells it for all
matters. PostgreSQL, where a commit beside this one may be what changes something, is asked each time.
"""

from collections.abc import Callable
from functools import cached_property, partial

from django.db import transaction

from raglan.core import timeline
from raglan.core.db import quiet


class Matter:
    """Something that changes only with events whose kinds begin in certain ways."""

    def __init__(self, *beginnings: str) -> None:
        self._beginnings = beginnings
        self._changes = 0
        _watch.matters.append(self)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of its events."""
        return frozenset(kind for kind in timeline.KINDS if kind.startswith(self._beginnings))

    def stamp(self) -> int | None:
        """Return what is another one after each change: an answer that was kept with an equal one still stands.

        None says nothing: on PostgreSQL, outside a transaction, and in the very one that tells a change.
        """
        told = quiet.told_here()
        if told is None:
            return None
        quiet.look_once(_watch.look)
        return self._changes if self.kinds.isdisjoint(told) else None

    def change(self) -> None:
        """Let no answer stand."""
        self._changes += 1


class _Watch:
    """Up to which event is known what changed. Only who holds the write lock of SQLite comes here."""

    def __init__(self) -> None:
        self.matters: list[Matter] = []
        self.up_to: int | None = None

    def look(self) -> None:
        """Look through the newer events."""
        newer = quiet.newer(self.up_to) if self.up_to is not None else None
        if newer is not None:
            last, told = newer
            changed = [matter for matter in self.matters if not matter.kinds.isdisjoint(told)] if told else []
        else:
            last = quiet.newest((), since=None)[0] or 0
            changed = [matter for matter in self.matters if not quiet.newest(sorted(matter.kinds), since=self.up_to)[1]]
        for matter in changed:
            matter.change()
        if not quiet.told_here():  # what this transaction tells may be taken back, and its numbers given once more
            self.up_to = last


_watch = _Watch()


def forget() -> None:
    """Let nothing stand, as after a start."""
    _watch.up_to = None


class Nothing:
    """Tells whether there is none of something, which in most places stays so until an event of a matter.

    It may become none by itself, as time passes; `is_any` is asked each time as long as there is some.
    """

    def __init__(self, matter: Matter, is_any: Callable[[], bool]) -> None:
        self._matter = matter
        self._is_any = is_any
        self._since: int | None = None

    def __call__(self) -> bool:
        """Say whether there is none."""
        stamp = self._matter.stamp()
        if stamp is not None and stamp == self._since:
            return True
        if self._is_any():
            return False
        if stamp is not None:
            transaction.on_commit(partial(self._keep, stamp))  # what is not on disk yet may be taken back
        return True

    def _keep(self, stamp: int) -> None:
        self._since = stamp

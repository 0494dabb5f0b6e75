"""Which alerts fire, by their fingerprints, in memory: for SQLite, where an index of them costs each new alert a page.

Fingerprints come in no order, so that nearly each alert would rewrite a page of such an index. Here they stand in a
dict, of 15 bytes of each, as a number, to the id of its alert. It may know alerts that are over, so whoever asks looks
at the rows that it names; it may not miss one that fires. That holds because ids of alerts grow with the commits:
SQLite has one writer at a time and gives no id twice that was ever on disk. So the rows are read once, and then those
beyond the last id that was seen. Only what is on disk moves that id; a transaction under way, which may still be taken
back, reads its own rows each time. What other processes store is found the same way.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import transaction

from raglan.alerts.models import Alert
from raglan.core.db import bulk

KEY = 30  # of 64 hexadecimal digits: 120 bits, which Python holds in four of its own digits
TABLE = Alert._meta.db_table
COUNTER = "SELECT seq FROM sqlite_sequence WHERE name = ?"
ALL = f"SELECT id, fingerprint FROM {TABLE} INDEXED BY alert_state WHERE state = 'firing'"  # noqa: S608
NEWER = f"SELECT id, fingerprint FROM {TABLE} NOT INDEXED WHERE id > ? AND state = 'firing'"  # noqa: S608


class OpenPrints:
    """The dict of one process; safe on any thread."""

    def __init__(self) -> None:
        self._ids: dict[int, int] = {}
        self._seen = 0
        self._lock = threading.Lock()

    def find(self, fingerprints: Collection[str], last: int | None = None) -> list[int]:
        """Return the ids of all alerts that fire with one of these fingerprints, and maybe of some that are over.

        `last` is the property of that name, where it was just read.
        """
        with self._lock:
            known, own = self._ids, self._catch_up(last)
            keys = [_key(fingerprint) for fingerprint in fingerprints]
            found = [known[key] for key in keys if key in known]
        return [*found, *(own[key] for key in keys if key in own)] if own else found

    def load(self) -> None:
        """Read what fires, so that the first who asks need not wait for it."""
        with self._lock:
            self._catch_up()

    @property
    def last(self) -> int:
        """The last id that was given to an alert, as this transaction sees it."""
        return _last_id()

    def follow(self, opened: Mapping[str, int], *, before: int, after: int) -> None:
        """Know all that a transaction opened, which is on disk now: it moved the last id from `before` to `after`.

        When another transaction came in between, its rows are read instead.
        """
        with self._lock:
            if self._seen == before:
                self._ids.update((_key(fingerprint), alert) for fingerprint, alert in opened.items())
                self._seen = after
            else:
                self._catch_up()

    def forget(self, closed: Iterable[tuple[str, int]]) -> None:
        """Forget alerts that are over, unless others fire with their fingerprints."""
        with self._lock:
            for fingerprint, alert in closed:
                if self._ids.get(_key(fingerprint)) == alert:
                    del self._ids[_key(fingerprint)]

    def _catch_up(self, last: int | None = None) -> dict[int, int]:
        """Read what has been opened since; return what is of a transaction under way, which is not kept."""
        last = _last_id() if last is None else last
        if last == self._seen:
            return {}
        if last < self._seen:  # another database
            self._ids, self._seen = {}, 0
        own = bulk.ready()
        ask = own.connection.execute
        with own.wrap_database_errors:
            rows = ask(NEWER, [self._seen]) if self._seen else ask(ALL)
            found = {_key(fingerprint): alert for alert, fingerprint in rows}
        if own.in_atomic_block:
            return found
        self._ids.update(found)
        self._seen = last
        return {}


def follow_commit(opened: Mapping[str, int], *, before: int, given: int) -> None:
    """Know what this transaction opens as soon as it is on disk.

    The last id was `before` when it began, and it took so many `given` ids since; when there are more, they are read.
    """
    after = open_prints.last
    is_all = after - before == given
    transaction.on_commit(lambda: open_prints.follow(opened, before=before if is_all else -1, after=after))


def forget_after_commit(closed: Sequence[tuple[str, int]]) -> None:
    """Forget what this transaction closes as soon as it is on disk; each is a fingerprint and an id."""
    gone = list(closed)
    transaction.on_commit(lambda: open_prints.forget(gone))


def _key(fingerprint: str) -> int:
    """Return a number, which takes less memory than bytes: there is one for each alert that fires."""
    try:
        return int(fingerprint[:KEY], 16)
    except ValueError:  # not one of ours: nothing fires with it
        return int.from_bytes(fingerprint.encode("utf-8", "replace"), "big")


def _last_id() -> int:
    own = bulk.ready()
    with own.wrap_database_errors:
        row = own.connection.execute(COUNTER, [TABLE]).fetchone()
    return int(row[0]) if row else 0


open_prints = OpenPrints()

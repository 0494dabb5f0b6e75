"""Which alerts fire, by their fingerprints, in memory: for SQLite, where an index of fingerprints costs a page a row.

Fingerprints come in no order, so that nearly each new alert would rewrite a page of such an index. Here they stand in a
dict of 16 bytes of each to the id of its alert. It may know alerts that are over, and whoever asks looks at the rows
that it names; it may not miss one that fires. That holds because the ids of alerts grow with the commits: SQLite has one
writer at a time and never gives an id twice. So the dict is read from the rows once, and then all beyond the last id
that it has seen. Only what is on disk moves that id; a transaction that is under way, and may still be taken back, reads
its own rows each time. What other processes store is found the same way.
"""

import threading
from collections.abc import Collection, Iterable, Mapping

from django.db import connection, transaction

from raglan.alerts.models import Alert

KEY = 32  # of 64 hexadecimal digits
TABLE = Alert._meta.db_table
COUNTER = "SELECT seq FROM sqlite_sequence WHERE name = ?"
ALL = f"SELECT id, fingerprint FROM {TABLE} INDEXED BY alert_state WHERE state = 'firing' ORDER BY id DESC"  # noqa: S608
NEWER = f"SELECT id, fingerprint FROM {TABLE} NOT INDEXED WHERE id > ? AND state = 'firing'"  # noqa: S608


class OpenPrints:
    """The dict of one process; safe on any thread."""

    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._seen = 0
        self._lock = threading.Lock()

    def find(self, fingerprints: Collection[str]) -> list[int]:
        """Return the ids of all alerts that fire with one of these fingerprints, and maybe of some that are over."""
        with self._lock:
            known, own = self._ids, self._catch_up()
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
        """Know what a transaction opened, which is on disk now; it found the last id at `before` and left it at `after`.

        When another transaction came in between, all of it is read instead.
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

    def clear(self) -> None:
        """Know nothing, as at the start of a process."""
        with self._lock:
            self._ids, self._seen = {}, 0

    def _catch_up(self) -> dict[bytes, int]:
        """Read what has been opened since; return what is of a transaction under way, which is not kept."""
        last = _last_id()
        if last == self._seen:
            return {}
        if last < self._seen:  # another database
            self._ids, self._seen = {}, 0
        ask = connection.connection.execute
        with connection.wrap_database_errors:
            rows = ask(NEWER, [self._seen]) if self._seen else reversed(ask(ALL).fetchall())
            found = {_key(fingerprint): alert for alert, fingerprint in rows}
        if connection.in_atomic_block:
            return found
        self._ids.update(found)
        self._seen = last
        return {}


def follow_commit(opened: Mapping[str, int], closed: Iterable[tuple[str, int]], *, before: int) -> None:
    """Take over what this transaction opens and closes, as soon as it is on disk."""
    after, gone = open_prints.last, list(closed)

    def follow() -> None:
        open_prints.follow(opened, before=before, after=after)
        open_prints.forget(gone)

    transaction.on_commit(follow)


def _key(fingerprint: str) -> bytes:
    return bytes.fromhex(fingerprint[:KEY])


def _last_id() -> int:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        row = connection.connection.execute(COUNTER, [TABLE]).fetchone()
    return int(row[0]) if row else 0


open_prints = OpenPrints()

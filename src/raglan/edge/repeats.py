"""Repeats of open alerts, answered from memory: nothing in them must survive.

What Prometheus sends most of the time is what raglan knows already. An alert is on disk since its first 2xx; a repeat
only moves when it was last heard of and when it would expire. So a message whose bytes are those of an open alert is
counted here and written behind, every two seconds, one row an alert.

What that may cost: a process that dies forgets the counts of at most two seconds and, for as long, that an alert was
heard of. It can not make an alert expire too early: a message is answered from here only while the expiry on disk is
at least half as far away as the one that it brings; else it goes through the journal like a new one.

It is right only where this process is the only writer, which is SQLite; with PostgreSQL another node may close an
alert, and every message goes through the journal. Here every close is told before anyone hears that it is done. Marks
are learned from what the journal stored, never across a close: the ids of closed alerts are kept for longer than any
answer is under way.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from raglan.alerts import closing
from raglan.alerts.ports import Beat, Glimpsed, Standing
from raglan.core import logs

WRITE_EVERY_S = 2.0
MOST = 250_000
CLOSED_KEPT_S = 120.0
LEARNED_WITHIN_S = 60.0
log = logs.get("raglan.repeats")
NOTHING: Mapping[bytes, "Known"] = {}
Write = Callable[[Sequence[Beat], Sequence[int]], None]


class Known(msgspec.Struct, gc=False):
    """An open alert, the expiry that is on disk for it, and of which source its last message was, with which mark.

    A struct, because there is one for each open alert.
    """

    alert: int
    on_disk: datetime
    source_id: int
    mark: bytes


Repeat = tuple[Known, datetime]


@dataclass(slots=True)
class _Heard:
    count: int
    seen_at: datetime
    expires_at: datetime
    known: Known


class Repeats:
    """Marks of open alerts. `keeps=False` knows nothing, for several writers."""

    def __init__(self, write: Write, *, keeps: bool = True) -> None:
        self._write = write
        self._keeps = keeps
        self._by_mark: defaultdict[int, dict[bytes, Known]] = defaultdict(dict)
        self._known: dict[int, Known] = {}  # by alert, the one first that was learned first
        self._closed: dict[int, float] = {}
        self._heard: dict[int, _Heard] = {}
        self._sources: set[int] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raglan-repeats", daemon=True)
        self._unsubscribe = closing.on_closed(self.forget)

    def start(self) -> None:
        """Start to write behind."""
        self._thread.start()

    def sort(self, source_id: int, seen: Glimpsed, at: datetime) -> tuple[list[int], list[Repeat]]:
        """Return the places of what is news, and what repeats an alert known to be open and safe on disk."""
        if not self._keeps:
            return list(range(len(seen.marks))), []
        news, repeats, known = [], [], self._by_mark.get(source_id, NOTHING).get  # no lock: nothing may be put in here
        before, half_way = at, at
        for place, (mark, expires_at) in enumerate(zip(seen.marks, seen.expiries, strict=True)):
            if expires_at is not before:  # those of one request mostly are one
                before, half_way = expires_at, at + (expires_at - at) / 2
            found = known(mark)
            if found is None or found.on_disk < half_way:
                news.append(place)
            else:
                repeats.append((found, expires_at))
        return news, repeats

    def hear(self, source_id: int, repeats: Sequence[Repeat], at: datetime) -> None:
        """Count repeats, to be written behind."""
        with self._lock:
            self._sources.add(source_id)
            for known, expires_at in repeats:
                heard = self._heard.get(known.alert)
                if heard is None:
                    self._heard[known.alert] = _Heard(1, at, expires_at, known)
                else:
                    heard.count += 1
                    heard.seen_at = at
                    heard.expires_at = max(heard.expires_at, expires_at)

    def learn(
        self, source_id: int, marks: Sequence[bytes], standing: Sequence[Standing | None], *, since: float
    ) -> None:
        """Know alerts again that the journal found open; `since` is when they were given to it (monotonic seconds)."""
        if not self._keeps or not standing or time.monotonic() - since > LEARNED_WITHIN_S:
            return
        with self._lock:
            for mark, stands in zip(marks, standing, strict=True):
                if stands is None or stands.alert in self._closed:
                    continue
                self._drop(stands.alert)  # its words may be others now
                if (other := self._by_mark[source_id].get(mark)) is not None:
                    self._drop(other.alert)
                known = Known(stands.alert, stands.expires_at, source_id, mark)
                self._known[stands.alert] = self._by_mark[source_id][mark] = known
            while len(self._known) > MOST:
                self._drop(next(iter(self._known)))

    def forget(self, ids: Sequence[int]) -> None:
        """Called on the thread that closed alerts, after its commit."""
        at = time.monotonic()
        with self._lock:
            self._closed |= dict.fromkeys(ids, at)  # all of them first, so that none is learned again
            for alert in ids:
                self._drop(alert)

    def write(self) -> None:
        """Write what was heard; what can not be written now is kept for the next time."""
        with self._lock:
            heard, self._heard = self._heard, {}
            sources, self._sources = self._sources, set()
            self._closed = {alert: at for alert, at in self._closed.items() if time.monotonic() - at < CLOSED_KEPT_S}
        if not heard:
            return
        beats = [Beat(alert, item.count, item.seen_at, item.expires_at) for alert, item in heard.items()]
        try:
            self._write(beats, sorted(sources))
        except (DatabaseError, InterfaceError) as error:
            log.warning("repeats could not be counted; they are tried again", extra={"error": str(error)})
            self._keep(heard, sources)
            return
        for item in heard.values():
            item.known.on_disk = max(item.known.on_disk, item.expires_at)

    def _drop(self, alert: int) -> None:
        known = self._known.pop(alert, None)
        if known is not None:
            self._by_mark[known.source_id].pop(known.mark, None)

    def _keep(self, heard: dict[int, _Heard], sources: set[int]) -> None:
        with self._lock:
            self._sources |= sources
            for alert, old in heard.items():
                new = self._heard.get(alert)
                if new is not None:
                    new.count += old.count
                    new.expires_at = max(new.expires_at, old.expires_at)
                else:
                    self._heard[alert] = old

    def stop(self, timeout: float = 2.0) -> bool:
        """Write what was heard and end; return whether that was done in time."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        self._unsubscribe()
        return not self._thread.is_alive()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopping.wait(WRITE_EVERY_S)
            close_old_connections()
            self.write()
        connections.close_all()

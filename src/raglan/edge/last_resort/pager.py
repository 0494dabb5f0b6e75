"""The pager of last resort: a thread that keeps the standing fresh, pages when the database is away, and tells after.

Each node pages for its own spool. A message is noted before it is handed over and after: a crash in between may send it
twice and loses nothing, because the signal is in the spool and pages once more when the database is back.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, close_old_connections
from prometheus_client import Counter, Gauge

from raglan.core import logs, metrics, timers
from raglan.core.clock import now
from raglan.core.errors import Overloaded
from raglan.edge.last_resort import sending
from raglan.edge.last_resort.cases import (
    Case,
    Entry,
    Passed,
    Sending,
    Sent,
    Taken,
    Wanted,
    messages_due,
    steps_due,
    take_in,
    urgent_of,
)
from raglan.edge.last_resort.diary import Diary
from raglan.edge.last_resort.reading import Refreshing
from raglan.edge.last_resort.standing import Kept, Owners, Sources, Standing, age_words
from raglan.edge.looking import Looking
from raglan.edge.spool import Place, Spool
from raglan.edge.threads import Threads
from raglan.paging import events, kept, last_resort

LOOK_S = 1.0
READ_AT_ONCE = 500
SENDERS = 4
HOLD_S = 20.0
OLD_S = 15 * 60
log = logs.get("raglan.last_resort")

is_on = Gauge("raglan_last_resort_on", "Whether this node pages without the database", registry=metrics.REGISTRY)
age = Gauge("raglan_last_resort_standing_age_seconds", "Age of what it would page by", registry=metrics.REGISTRY)
sent = Counter("raglan_last_resort_sent", "Messages of last resort", ["channel", "outcome"], registry=metrics.REGISTRY)


class Pager:
    """Pages for one node. `silent_since` says since when the database does not answer; None while it does."""

    def __init__(
        self,
        folder: Path,
        spool: Spool,
        *,
        after_s: float,
        every_s: float = 60.0,
        silent_since: Callable[[], float | None],
    ) -> None:
        self._spool = spool
        self._after_s = after_s
        self._every_s = every_s
        self._silent_since = silent_since
        self.standing = Kept(folder / "standing", Standing)
        self._owners = Kept(folder / "owners", Owners)
        self.sources = Kept(folder / "sources", Sources)
        self._refreshing = Refreshing(self.standing, self._owners, self.sources)
        self.diary = Diary(folder / "diary")
        self._known: Standing | None = None
        self._place: Place = (0, 0)
        self._telling = threading.Lock()
        self._refresh_at = 0.0
        self._answers_since: float | None = None
        self._senders: Threads | None = None
        self._looking = Looking("raglan-last-resort", self._look, every_s=LOOK_S)

    # Life ----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin looking."""
        self._looking.start()

    def stop(self, timeout: float = 0.0) -> None:
        """Look no more."""
        self._looking.stop(timeout)
        if self._senders is not None:
            self._senders.stop(timeout)

    def _look(self) -> None:
        try:
            self.look()
        except (DatabaseError, Overloaded) as error:
            log.warning("paging without the database waits", extra={"error": str(error)[:300]})
        except Exception:  # this thread must outlive anything: without it nobody is paged
            log.exception("paging without the database failed; it is tried again")

    def look(self) -> None:
        """Do once what is to be done."""
        away = self.away_s()
        is_on.set(self.is_on)
        if away >= self._after_s:
            self.page()
        elif away == 0 and self._silent_since() is None:
            self._in_good_times()

    def _in_good_times(self) -> None:
        self._known = None
        kept.spare({})
        close_old_connections()
        if self.diary.has_news:
            self.tell()
        if not self._spool.is_needed and not self.diary.is_empty and self.diary.begin_anew():
            self._place = (0, 0)
            log.warning("the database knows what was sent without it")
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + self._every_s
            self._refreshing.refresh()
        if (at := self.standing.at) is not None:
            age.set(max(0.0, (now() - at).total_seconds()))

    def away_s(self) -> float:
        """Return for how long the database has been away, or has taken nothing of what waits; 0 when it is there."""
        at, silent = time.monotonic(), self._silent_since()
        stuck = self._spool.stuck_since
        since = min((moment for moment in (silent, stuck) if moment is not None), default=None)
        return 0.0 if since is None else at - since

    @property
    def is_on(self) -> bool:
        """Whether it pages now."""
        return self.away_s() >= self._after_s

    def holds_engine(self) -> bool:
        """Whether due work waits, for a moment, until the database knows what was sent and answered without it."""
        if not self.diary.has_news:
            self._answers_since = None
            return False
        if self._silent_since() is not None:
            self._answers_since = None
            return True
        self._answers_since = self._answers_since or time.monotonic()
        return time.monotonic() - self._answers_since < HOLD_S

    # Paging --------------------------------------------------------------------------------------------------------

    def page(self) -> None:
        """Take in what the spool holds, take the steps that are due, send the messages that are due."""
        standing, at = self._read_standing(), now()
        with self.diary.lock:
            self._take_in(standing, at)
            self._note(steps_due(self.diary.cases, standing, at))
            wanted = messages_due(self.diary.cases, standing, at, is_able=sending.is_able)
            letters = [(self._begin(item, at), sending.write(item, of=standing.at, at=at)) for item in wanted]
        for begun, letter in letters:
            self._give(begun, letter)

    def _read_standing(self) -> Standing:
        if self._known is None:
            self._known = self.standing.read() or _by_owners(self._owners.read())
            kept.spare(self._known.channels)
            facts = {"people": len(self._known.people), "age": age_words(self._known.at, now())}
            log.critical("the database is away; critical alerts page from this node's own list", extra=facts)
            if not self._known.people:
                log.critical("this node knows nobody whom it could page")
        return self._known

    def _take_in(self, standing: Standing, at: datetime) -> None:
        while some := self._spool.after(self._place, READ_AT_ONCE):
            signals = [signal for record, _ in some for signal in urgent_of(record)]
            self._place = some[-1][1]
            if signals:
                self._note(take_in(self.diary.cases, standing, signals, at), applied=True)

    def _note(self, entries: list[Entry], *, applied: bool = False) -> None:
        """Keep entries. A disk that takes none must not keep anybody from being paged."""
        try:
            self.diary.add(entries, applied=applied)
        except OSError as error:
            log.critical("the diary could not be written", extra={"error": str(error)})
            for entry in () if applied else entries:
                self.diary.cases.apply(entry)

    def _begin(self, wanted: Wanted, at: datetime) -> Sending:
        case, asked = wanted.case, wanted.asked
        begun = Sending(
            case.id,
            len(case.tried),
            asked.person,
            asked.name,
            wanted.number,
            wanted.way.channel,
            at,
            len(case.firing) + case.more,
        )
        self._note([begun])
        return begun

    def _give(self, begun: Sending, letter: sending.Letter) -> None:
        self._senders = self._senders or Threads("last-resort", SENDERS, line=1_000)
        self._senders.give(lambda: self._send(begun, letter))

    def _send(self, begun: Sending, letter: sending.Letter) -> None:
        try:
            with self.diary.lock:
                case = self.diary.cases.all.get(begun.case)
                if case is None or not case.is_open:
                    self._note([Sent(begun.case, begun.number, now(), "somebody had taken it")] if case else [])
                    return
            why = sending.hand_over(letter)
        except Exception as error:  # a channel's mistake must not end the thread
            log.exception("a message of last resort could not be handed over")
            why = f"raglan itself failed: {type(error).__name__}"
        sent.labels(begun.channel, "failed" if why else "handed_over").inc()
        log.warning("a message of last resort", extra={"person": begun.person, "channel": begun.channel, "why": why})
        with self.diary.lock:
            if begun.case in self.diary.cases.all:
                self._note([Sent(begun.case, begun.number, now(), why)])

    # Answers -------------------------------------------------------------------------------------------------------

    def answer(self, case: str, person: int, *, has_it: bool) -> None:
        """Keep an answer on disk. Raises OSError."""
        entry = Taken(case, person, now()) if has_it else Passed(case, person, now())
        if has_it or self.case(case) is not None:
            self.diary.add([entry])
        log.warning("an answer without the database", extra={"case": case, "person": person, "has_it": has_it})

    def case(self, case: str) -> Case | None:
        """Return a case of this node."""
        with self.diary.lock:
            return self.diary.cases.all.get(case)

    # Telling -------------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """Tell the database what was done. Raises what it raises; then all is told once more."""
        with self._telling:
            with self.diary.lock:
                written = self.diary.written
                told = [_told(case) for case in self.diary.cases.all.values()]
                told += [
                    last_resort.Told(item.case, timers.NODE, None, item.at, answers=((item.person, item.at),))
                    for item in self.diary.cases.strange
                ]
            for item in told:
                last_resort.tell(item)
            self.diary.told(written)

    # Words ---------------------------------------------------------------------------------------------------------

    @property
    def words(self) -> tuple[bool, str]:
        """Whether all is well, and how it stands, without names."""
        at, kept_at = now(), self.standing.at
        by = f"by a list that is {age_words(kept_at, at)}" if kept_at else "without a list of whom to page"
        if self.is_on:
            with self.diary.lock:
                cases = list(self.diary.cases.all.values())
            count = sum(one.is_done for case in cases for one in case.tried)
            taken = sum(bool(case.answers) for case in cases)
            return kept_at is not None, f"on, {by}: {count} messages sent, {taken} of {len(cases)} pages taken"
        is_fresh = kept_at is not None and (at - kept_at).total_seconds() < OLD_S + self._every_s
        return is_fresh or self._silent_since() is not None or kept_at is None, f"ready, {by}"


def _by_owners(owners: Owners | None) -> Standing:
    """Return a standing in which everything pages those who look after raglan."""
    found = owners or Owners()
    return Standing(
        at=found.at,
        people={one.id: one for one in found.people},
        owners=tuple(one.id for one in found.people),
    )


def _told(case: Case) -> last_resort.Told:
    outcomes = {None: "unknown", "": "handed over"}
    messages = [
        events.MessageOfLastResort(
            person=one.person,
            name=one.name,
            channel=one.channel,
            at=one.at,
            outcome=outcomes.get(one.why, "failed"),
            why=one.why or "",
        )
        for one in case.tried
    ]
    answers = tuple((item.person, item.at) for item in case.answers)
    return last_resort.Told(case.id, timers.NODE, case.policy, case.at, tuple(case.groups), tuple(messages), answers)

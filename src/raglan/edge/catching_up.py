"""Brings what the spool holds into the database once that answers again, in order, as if it came through its door."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from raglan.alerts import actions, ports, queries
from raglan.alerts.ports import Batch, IntakeRequest, Outcome, SourceKey
from raglan.core import logs
from raglan.core.db import deadline
from raglan.core.errors import BadInput, NotFound, Overloaded, RaglanError
from raglan.edge.journal import Journal
from raglan.edge.looking import Looking
from raglan.edge.spool import Record, Spool

EVERY_S = 1.0
AT_ONCE = 200
ANSWERS_WITHIN_S = 2.0
KEPT_BACK = ("authorization", "cookie", "proxy-authorization", "content-encoding")
log = logs.get("raglan.spool")


def record_of(source: SourceKey, request: IntakeRequest, at: datetime, token: str) -> Record:
    """Return what has to be kept of an unpacked request; its token is a secret and is not needed again."""
    headers = {name: value for name, value in request.headers.items() if name not in KEPT_BACK}
    return {
        "at": at.isoformat(),
        "source": source.id,
        "slug": source.slug,
        "method": request.method,
        "path": request.path,
        "quoted": request.quoted,
        "query": request.query,
        "headers": {name: value for name, value in headers.items() if not token or token not in value},
        "remote": request.remote,
        "body": base64.b64encode(request.body).decode("ascii"),
    }


def request_of(record: Record) -> IntakeRequest:
    """Return the request again."""
    headers = record["headers"]
    return IntakeRequest(
        method=str(record["method"]),
        path=str(record["path"]),
        quoted=str(record.get("quoted", "")),
        query=str(record["query"]),
        headers=headers if isinstance(headers, dict) else {},
        body=base64.b64decode(str(record["body"])),
        remote=str(record["remote"]),
    )


def does_database_answer() -> bool:
    """Ask it something small."""
    close_old_connections()
    try:
        with deadline(ANSWERS_WITHIN_S), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return True
    except (DatabaseError, InterfaceError):
        connection.close()
        return False


def is_database_ready() -> bool:
    """Ask whether it answers and takes what is written: one that only follows another does not, during a fail-over."""
    if not does_database_answer():
        return False
    if connection.vendor != "postgresql":
        return True
    try:
        with deadline(ANSWERS_WITHIN_S), connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")
            follows, is_read_only = cursor.fetchone()
            return not follows and is_read_only == "off"
    except (DatabaseError, InterfaceError):
        connection.close()
        return False


class CatchingUp:
    """A thread that looks at the spool each second. `is_back` tells whether the database answers.

    `before` is done first, each time: what was sent and answered without the database has to be known to it by then.
    """

    def __init__(
        self, spool: Spool, journal: Journal[Batch, Outcome], *, is_back: Callable[[], bool] = does_database_answer
    ) -> None:
        self._spool = spool
        self._journal = journal
        self._is_back = is_back
        self.before: Callable[[], object] = lambda: None
        self._looking = Looking("raglan-spool", self._look, every_s=EVERY_S)

    def start(self) -> None:
        """Begin looking."""
        self._looking.start()

    def stop(self, timeout: float = 0.0) -> None:
        """Look no more; what is left stays on disk for the next start."""
        self._looking.stop(timeout)

    def catch_up(self) -> bool:
        """Hand over what waits, if the database answers; tell whether nothing is left."""
        if not self._is_back():
            return False
        self.before()
        total = 0
        while some := self._spool.first(AT_ONCE):
            handed = self._hand_over([record for record, _ in some])
            if handed:
                self._spool.done(handed, some[handed - 1][1])
            total += handed
            if handed < len(some) or self._looking.is_stopping:
                return False
        closed = self._spool.close_if_empty()
        if closed and total:
            log.warning("the database is back; what was spooled is stored", extra={"requests": total})
        return closed

    def _look(self) -> None:
        if not self._spool.is_needed:
            return
        try:
            self.catch_up()
        except Exception:  # this thread must outlive anything: without it nothing that waits is stored
            log.exception("the spool could not be handed over; it is tried again")

    def _hand_over(self, records: Sequence[Record]) -> int:
        """Return how many of the first records are done with."""
        batches = [_read(record) for record in records]
        results = asyncio.run(self._put([batch for batch in batches if isinstance(batch, Batch)]))
        stored = iter(results)
        for index, (record, batch) in enumerate(zip(records, batches, strict=True)):
            result = next(stored) if isinstance(batch, Batch) else batch
            if isinstance(result, Overloaded):
                return index
            if isinstance(result, BaseException):
                self._set_aside(record, result)
        return len(records)

    async def _put(self, batches: Sequence[Batch]) -> list[Outcome | BaseException]:
        """Let the journal store some batches, in this order."""
        return await asyncio.gather(*(self._journal.put(batch) for batch in batches), return_exceptions=True)

    def _set_aside(self, record: Record, error: BaseException) -> None:
        """What was answered with 2xx and can not be stored is kept, said in the log, and shown at its source."""
        why = error.sentence if isinstance(error, RaglanError) else type(error).__name__
        log.error("a spooled request could not be stored", extra={"source": record["slug"], "why": why})
        self._spool.set_aside(record, why)
        try:
            actions.note_error(int(str(record["source"])), f"Taken while the database was away: {why}", body=b"")
        except (DatabaseError, InterfaceError, BadInput, NotFound) as failed:
            log.warning("that could not be noted at its source", extra={"error": str(failed)})


def _read(record: Record) -> Batch | Exception:
    """Decode a request as its door does. A database that is away again raises."""
    try:
        source = queries.source_by_id(int(str(record["source"])))
        request = request_of(record)
        door = ports.door_for(request.method, request.path)
        if door is None:
            raise NotFound("No door takes this any more.")
        return Batch(source, door.decode(source, request), datetime.fromisoformat(str(record["at"])))
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:  # whatever is wrong with one must not hold back those behind it
        return error

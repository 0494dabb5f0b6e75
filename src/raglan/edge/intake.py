"""Alert intake: token, size, decode by the door of the format, journal, and an answer only after the commit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from django.db import InterfaceError, OperationalError
from msgspec import structs

from raglan.alerts import actions, ports, queries
from raglan.alerts.pipeline.severity import is_critical
from raglan.alerts.ports import Answer, Batch, Decoded, Desk, Door, IntakeRequest, Outcome, SourceKey
from raglan.core import logs, metrics
from raglan.core.addresses import neighbours
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotSignedIn, Overloaded, RaglanError
from raglan.edge.answers import PLAIN, Receive, Scope, Send, answer, answer_json, check_head, refuse
from raglan.edge.at_once import INLINE, AtOnce, Known, Reply, seen_as, with_repeats
from raglan.edge.body import ClientGone, check_length, read
from raglan.edge.catching_up import record_of
from raglan.edge.doors import QuickDoor, accepted, door_for, glimpses, guarded, refused, replies
from raglan.edge.heads import MAX_BODY, PREFIX, body_of, request_of, unpacked
from raglan.edge.journal import Away, Journal
from raglan.edge.last_resort.cases import urgent_in
from raglan.edge.places import Places, size_of
from raglan.edge.repeats import Repeats
from raglan.edge.spool import Spool
from raglan.edge.threads import Threads
from raglan.edge.tokens import Tokens

BODIES_AT_ONCE, SHARE = 48 * MAX_BODY, 12 * MAX_BODY  # of all sources, of one
NAMELESS_AT_ONCE, NAMELESS_SHARE = 16 * MAX_BODY, 2 * MAX_BODY  # with the token in the body: of all, of one address
THREADS = 4
LINE = 4_000
PATHS = 256
IDLE_S = 10.0
WHOLE_S = 30.0
SHORT = "The disk is full. Critical alerts only are taken; send this again."
SHORT_RETRY_S = 30
NOTE_EVERY_S = 2.0
MEET_EVERY_S = 60.0
BARE = ("/v2/", "/api/v2/", "/-/", "/ping/", "/generic/2010-04-15/")
OLD_PROMETHEUS = "/api/v1/alerts"
log = logs.get("raglan.intake")


class Intake:
    """Takes requests of all doors."""

    def __init__(
        self,
        journal: Journal[Batch, Outcome],
        *,
        trusted_proxies: int = 0,
        look: Callable[[str], SourceKey] = queries.source_by_token,
        repeats: Repeats | None = None,
        spool: Spool | None = None,
        is_short: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._is_short = is_short
        self._repeats = repeats or Repeats(actions.seen_again, keeps=False)
        self._trusted_proxies = trusted_proxies
        self._threads = Threads("intake", THREADS, line=LINE)
        self._tokens = Tokens(self._threads, look, is_away=lambda: self._is_away)
        self._named = Places(BODIES_AT_ONCE, share=SHARE)
        self._nameless = Places(NAMELESS_AT_ONCE, share=NAMELESS_SHARE)
        self._takers: dict[tuple[str, str], tuple[Desk | None, Door | None]] = {}
        self._noted: dict[int, float] = {}
        self._met: dict[int, tuple[str, float]] = {}
        known = Known(self._takers, self._met, self._tokens, lambda: self._is_away or is_short(), spool is not None)
        self._at_once = AtOnce(journal, self._repeats, self._named, known, trusted_proxies=trusted_proxies)

    def takes(self, scope: Scope) -> bool:
        """Tell whether a path is intake's."""
        path: str = scope["path"]
        path = f"/{path.lstrip('/')}"  # clients that are given an address with a slash at its end write two
        if path.rstrip("/") == OLD_PROMETHEUS:  # REST has the same path for reading
            return bool(scope["method"] == "POST")
        return path.startswith((PREFIX, *BARE))

    def at_once(self, scope: Scope, body: bytes, reply: Reply) -> bool:
        """Take a request whose body is whole without a task of its own; False, and nothing done, when it needs one."""
        return self._at_once.take(scope, body, reply)

    def bytes_at_once(self, data: bytes, remote: str, reply: Reply) -> bool:
        """Take a whole request as it came; False, and nothing done, when it is for the parser."""
        return self._at_once.take_bytes(data, remote, reply)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            said = await self._take(scope, receive)
        except RaglanError as error:
            seen_as(error.status).inc()
            await refuse(send, error)
            return
        except ClientGone:
            return
        seen_as(said.status).inc()
        if isinstance(said.body, bytes):
            await answer(send, said.status, said.body, content_type=PLAIN, headers=said.headers)
        else:
            await answer_json(send, said.status, said.body, headers=said.headers)

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        check_head(scope)
        head = request_of(scope, self._trusted_proxies)
        desk, door = self._taker(head.method, head.path)
        check_length(scope, MAX_BODY)
        token, source = await self._sender(desk, door, head)
        pool, who = (self._named, source.id) if source else (self._nameless, neighbours(head.remote))
        with pool.keep(who, size_of(scope, MAX_BODY)):
            body = await read(receive, most=MAX_BODY, idle_s=IDLE_S, whole_s=WHOLE_S)
            request = structs.replace(head, body=body)
            if desk is not None:
                if self._is_short():
                    raise Overloaded(SHORT, retry_after=SHORT_RETRY_S)
                return await self._threads.ask(lambda: desk.answer(source, unpacked(request)))
            assert door is not None
            if source is None:
                token = await self._threads.ask(lambda: guarded(lambda: door.token(unpacked(request))))
                source = await self._source(token, door.kinds)
            return await self._through(door, source, token, request)

    def _taker(self, method: str, path: str) -> tuple[Desk | None, Door | None]:
        """Return the desk or the door for a request; remembered, because most come by few paths. Raises NotFound."""
        found = self._takers.get((method, path))
        if found is None:
            desk = ports.desk_for(method, path)
            found = desk, None if desk else door_for(method, path)
            if len(self._takers) >= PATHS:
                self._takers.clear()
            self._takers[method, path] = found
        return found

    async def _sender(self, desk: Desk | None, door: Door | None, head: IntakeRequest) -> tuple[str, SourceKey | None]:
        """Return token and source before the body is read, so that a stranger's is not; none when only it can tell."""
        token = head.token
        if desk is not None:
            return token, None if desk.is_open(head.path) else await self._source(token, desk.kinds)
        assert door is not None
        token = token or guarded(lambda: door.token(head))
        return token, await self._source(token, door.kinds) if token else None

    async def _source(self, token: str, kinds: Sequence[str]) -> SourceKey:
        """Return the source of a token. Raises NotSignedIn, also when it is none of these kinds."""
        source = await self._tokens.source(token)
        if source.kind not in kinds:
            raise NotSignedIn("This token belongs to a source of another kind.")
        return source

    @property
    def _is_away(self) -> bool:
        """Whether the database is, so that requests go to the spool."""
        return self._spool is not None and self._spool.is_needed

    async def _through(self, door: Door, source: SourceKey, token: str, request: IntakeRequest) -> Answer:
        """Store and answer; while the database is away, on this node's own disk."""
        if self._is_away and (said := await self._spooled(door, source, token, request)) is not None:
            return said
        try:
            return await self._stored(door, source, token, request)
        except Away:
            if self._spool is None:
                raise
            self._spool.open()
            log.warning("the database does not answer; requests go to the spool", extra={"source": source.slug})
            said = await self._spooled(door, source, token, request)
            if said is None:  # the spool was emptied meanwhile: the database is back
                return await self._stored(door, source, token, request)
            return said

    async def _spooled(self, door: Door, source: SourceKey, token: str, request: IntakeRequest) -> Answer | None:
        """Decode, keep on disk, answer; None when the spool was closed meanwhile."""
        spool = self._spool
        assert spool is not None
        try:
            decoded = await self._read(door, source, request)
        except BadInput as error:
            return refused(door, error)
        if isinstance(decoded, Answer):
            return decoded
        at = now()
        record = {**record_of(source, unpacked(request), at, token), "urgent": urgent_in(source, decoded)}
        if not await self._threads.ask(lambda: spool.add(record)):
            return None
        metrics.signals_accepted.labels(source.slug).inc(len(decoded.signals))
        said = accepted(door, decoded, Outcome(new=len(decoded.signals), parked=len(decoded.problems)))
        body = {**said.body, "stored": "spool"} if isinstance(said.body, dict) else said.body
        return replace(said, body=body, headers={**said.headers, "X-Raglan-Stored": "spool"})

    async def _stored(self, door: Door, source: SourceKey, token: str, request: IntakeRequest) -> Answer:
        """Decode, store, answer."""
        if self._is_short():
            return await self._critical_only(door, source, request)
        await self._meet(source, request.remote)
        if glimpses(door) and (said := await self._quickly(door, source, request)) is not None:
            return said
        try:
            decoded = await self._read(door, source, request)
        except BadInput as error:
            await self._note(source, error, body_of(request, token))
            return refused(door, error)
        if isinstance(decoded, Answer):
            return decoded
        outcome = await self._journal.put(Batch(source, decoded, now()))
        return accepted(door, decoded, outcome)

    async def _read(self, door: Door, source: SourceKey, request: IntakeRequest) -> Decoded | Answer:
        """Return what a door reads in a request, or the answer that it gives by itself. Raises BadInput."""
        return await self._threads.ask(lambda: guarded(lambda: _taken(door, source, unpacked(request))))

    async def _critical_only(self, door: Door, source: SourceKey, request: IntakeRequest) -> Answer:
        """Store what is critical and fires; what is left out makes the answer a 503, so that all of it comes again."""
        try:
            decoded = await self._read(door, source, request)
        except BadInput as error:
            return refused(door, error)
        if isinstance(decoded, Answer):
            return decoded
        severe = [one for one in decoded.signals if is_critical(one.severity) and one.status == "firing"]
        outcome = Outcome()
        if severe:
            kept = structs.replace(decoded, signals=severe, problems=(), marks=())
            outcome = await self._journal.put(Batch(source, kept, now()))
        if len(severe) < len(decoded.signals):
            raise Overloaded(SHORT, retry_after=SHORT_RETRY_S)
        return accepted(door, decoded, outcome)

    async def _quickly(self, door: QuickDoor, source: SourceKey, request: IntakeRequest) -> Answer | None:
        """Answer repeats from memory, store what is news; return None when the whole body must be read thoroughly."""
        if "content-encoding" in request.headers:
            return None
        body = request.body
        seen = door.glimpse(body) if len(body) <= INLINE else await self._threads.ask(lambda: door.glimpse(body))
        if seen is None:
            return None
        at, since = now(), time.monotonic()
        news, repeats = self._repeats.sort(source.id, seen, at)
        decoded = seen.decode(news)
        if decoded is None:
            return None
        outcome = Outcome()
        if news:
            outcome = await self._journal.put(Batch(source, decoded, at))
            self._repeats.learn(source.id, decoded.marks, outcome.standing, since=since)
        return accepted(door, decoded, with_repeats(self._repeats, outcome, source, repeats, at))

    async def _meet(self, source: SourceKey, remote: str) -> None:
        """Keep from where a source sends, when that is news, but not more often than a person can read."""
        known, at = self._met.get(source.id, ("", -MEET_EVERY_S)), time.monotonic()
        if known[0] == remote or at - known[1] < MEET_EVERY_S:
            return
        self._met[source.id] = (remote, at)
        try:
            await self._threads.ask(lambda: actions.note_remote(source.id, remote))
        except (Overloaded, OperationalError, InterfaceError):
            self._met.pop(source.id, None)  # the next message tries again

    async def _note(self, source: SourceKey, error: BadInput, body: bytes) -> None:
        """Keep for its owner what a source sent wrongly, but not more often than a person can read."""
        log.info("a body could not be understood", extra={"source": source.slug, "field": error.field})
        at = time.monotonic()
        if at - self._noted.get(source.id, -NOTE_EVERY_S) < NOTE_EVERY_S:
            return
        self._noted[source.id] = at
        try:
            await self._threads.ask(lambda: actions.note_error(source.id, error.sentence, body=body))
        except Overloaded:
            log.warning("what a source sent wrongly could not be noted", extra={"source": source.slug})

    def close(self, timeout: float = 0.0) -> bool:
        """Take nothing more; return whether what was under way ended in time."""
        self._tokens.close()
        self._repeats.stop(timeout)
        return self._threads.stop(timeout)


def _taken(door: Door, source: SourceKey, request: IntakeRequest) -> Decoded | Answer:
    """Return what a door reads in an unpacked request, or the answer that it gives by itself. Raises BadInput."""
    said = door.reply(source, request) if replies(door) else None
    return door.decode(source, request) if said is None else said

"""The door of the fleet: reports of hosts and runs of tools, answered only after the commit."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from prometheus_client import Counter

from raglan.core import logs, metrics
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound, Overloaded, RaglanError
from raglan.edge.answers import Receive, Scope, Send, WrongMethod, answer_json, check_head, headers_of, refuse
from raglan.edge.body import ClientGone, check_length, read
from raglan.edge.doors import guarded
from raglan.edge.heads import header_token, is_packed, unpack
from raglan.edge.intake import SHORT_RETRY_S
from raglan.edge.journal import Journal
from raglan.edge.places import Places, size_of
from raglan.edge.threads import Threads
from raglan.edge.tokens import Tokens
from raglan.fleet import intake, ports, reports, sources
from raglan.fleet.cases import Result, Taken
from raglan.fleet.intake import Handed
from raglan.fleet.ports import RunRequest
from raglan.fleet.sources import FleetKey

PREFIX = "/fleet/"
REPORT, RUNS = "report", "runs"
MAX_BODY = 4 * 1024 * 1024
BODIES_AT_ONCE, SHARE = 48 * 1024 * 1024, 32 * 1024 * 1024  # of all sources, of one, which may be of a whole fleet
THREADS = 2
LINE = 2_000
INLINE, INLINE_PACKED = 64 * 1024, 16 * 1024
SENT, MOST_DIGITS = "x-raglan-sent", 12  # seconds since 1970
IDLE_S, WHOLE_S = 10.0, 60.0
QUEUE_KB, GROUP_KB, LINGER_S = 32 * 1024, 8 * 1024, 0.2
NOTE_EVERY_S, SAMPLE_EVERY_S = 2.0, 60.0
SHORT = "The disk is full. Keep this, and send it again later."
ACCEPTED: dict[str, object] = {"ok": True}
WORDS = {
    Taken.AGAIN: "this report was taken before",
    Taken.LATE: "a later report of this host was taken before; this one went into its history",
    Taken.SHARED: "two machines use this machine id; this one is not shown",
}
log = logs.get("raglan.fleet")
seen = Counter("raglan_fleet_requests", "Requests of hosts and of tools", ["kind", "status"], registry=metrics.REGISTRY)


@dataclass(frozen=True, slots=True)
class Place:
    """What an address asks for: a report, or runs of a tool."""

    kind: str
    token: str
    rest: str


class Fleet:
    """Takes what hosts and tools tell."""

    def __init__(
        self,
        journal: Journal[Handed, Result],
        *,
        look: Callable[[str], FleetKey] = sources.source_by_token,
        is_short: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journal = journal
        self._is_short = is_short
        self._threads = Threads("fleet", THREADS, line=LINE)
        self._tokens = Tokens(self._threads, look, kind="fleet_source:")
        self._places = Places(BODIES_AT_ONCE, share=SHARE)
        self._noted: dict[tuple[int, bool], float] = {}

    def takes(self, scope: Scope) -> bool:
        """Tell whether a path is of this door."""
        return place_of(scope["path"]) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        place = place_of(scope["path"])
        assert place is not None
        try:
            status, body = await self._take(place, scope, receive)
        except RaglanError as error:
            seen.labels(_known(place.kind), error.status).inc()
            await refuse(send, error)
            return
        except ClientGone:
            return
        seen.labels(place.kind, status).inc()
        await answer_json(send, status, body)

    async def _take(self, place: Place, scope: Scope, receive: Receive) -> tuple[int, dict[str, object]]:
        check_head(scope)
        if scope["method"] != "POST":
            raise WrongMethod("Send this with POST.")
        if place.kind != REPORT and ports.decoder_of(place.kind) is None:
            raise NotFound("No tool of this name is known here. Copy the line from Setup once more.")
        check_length(scope, MAX_BODY)
        headers = headers_of(scope)
        source = await self._tokens.source(place.token or token_of(headers))
        if self._is_short():
            raise Overloaded(SHORT, retry_after=SHORT_RETRY_S)
        with self._places.keep(source.id, size_of(scope, MAX_BODY)):
            body = await read(receive, most=MAX_BODY, idle_s=IDLE_S, whole_s=WHOLE_S)
            return await self._through(place, source, headers, body)

    async def _through(
        self, place: Place, source: FleetKey, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, object]]:
        """Read, store, answer; what cannot be taken is kept for the owner of the source to see."""
        try:
            if is_packed(headers):
                body = await self._unpacked(body)
            handed = await self._read(place, source, headers, body)
            result = await self._journal.put(handed)
        except BadInput as error:
            result = error
        if isinstance(result, BadInput):
            await self._note(source, place.kind, body, problem=result.sentence)
            raise result
        if result is Taken.NEEDS_PACKAGES:
            return 409, {"need": "packages"}
        await self._note(source, place.kind, body)
        return 202, ACCEPTED if result is Taken.TAKEN else {**ACCEPTED, "note": WORDS[result]}

    async def _unpacked(self, packed: bytes) -> bytes:
        if len(packed) <= INLINE_PACKED:
            return unpack(packed, MAX_BODY)
        return await self._threads.ask(lambda: unpack(packed, MAX_BODY))

    async def _read(self, place: Place, source: FleetKey, headers: Mapping[str, str], body: bytes) -> Handed:
        """Return what a body tells. Raises BadInput."""
        at, size = now(), intake.size_of(body)
        if place.kind == REPORT:
            sent = headers.get(SENT, "")

            def read_report() -> reports.Received:
                when = float(sent) if sent.isdecimal() and len(sent) < MOST_DIGITS else 0.0
                return guarded(lambda: reports.read(body, source=source.id, received_at=at, sent=when))

            report = read_report() if len(body) <= INLINE else await self._threads.ask(read_report)
            return Handed(source, size, at, report=report)
        decoder = ports.decoder_of(place.kind)
        assert decoder is not None
        request = RunRequest(place.rest, headers, body)
        runs = await self._threads.ask(lambda: guarded(lambda: decoder.decode(request)))
        return Handed(source, size, at, runs=runs)

    async def _note(self, source: FleetKey, kind: str, body: bytes, *, problem: str = "") -> None:
        """Keep something that a source sent, but not more often than a person can read."""
        at, key = time.monotonic(), (source.id, bool(problem))
        if at - self._noted.get(key, -SAMPLE_EVERY_S) < (NOTE_EVERY_S if problem else SAMPLE_EVERY_S):
            return
        self._noted[key] = at
        try:
            await self._threads.ask(lambda: sources.note_payload(source.id, kind, body, problem=problem))
        except (Overloaded, OperationalError, InterfaceError):
            log.warning("what a source of the fleet sent could not be noted", extra={"source": source.slug})

    def close(self, timeout: float = 0.0) -> bool:
        """Take nothing more; return whether what was under way ended in time."""
        self._tokens.close()
        return self._threads.stop(timeout)


def place_of(path: str) -> Place | None:
    """Return what an address asks for: `/fleet/report`, `/fleet/runs/KIND`, each also behind a token."""
    path = f"/{path.lstrip('/')}"
    if not path.startswith(PREFIX):
        return None
    parts = path.removeprefix(PREFIX).split("/")
    token = "" if parts[0] in (REPORT, RUNS) else parts.pop(0)
    match parts:
        case ["report"] | ["report", ""]:
            return Place(REPORT, token, "/")
        case ["runs", kind, *rest] if kind:
            return Place(kind, token, "/" + "/".join(rest))
        case _:
            return None


def _known(kind: str) -> str:
    """Return a kind as it is counted: an address may say anything."""
    return kind if kind == REPORT or ports.decoder_of(kind) else "unknown"


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token of a request: of Authorization, or of the header that Chef knows."""
    return header_token(headers.get("authorization", "")) or headers.get("x-data-collector-token", "").strip()

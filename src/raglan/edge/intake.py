"""Alert intake: token, size, decode by the door of the format, journal, and an answer only after the commit."""

import asyncio
import base64
import binascii
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections
from prometheus_client import Counter

from raglan.alerts import actions, ports, queries
from raglan.alerts.ports import Answer, Batch, Decoded, Door, IntakeRequest, SourceKey
from raglan.core import logs, metrics
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotSignedIn, Overloaded, RaglanError
from raglan.edge.answers import PLAIN, Receive, Scope, Send, answer, answer_json, check_head, headers_of
from raglan.edge.journal import Journal, NotStored
from raglan.edge.wsgi import client_of

MAX_BODY = 1024 * 1024
CACHE_S = 30.0
CACHE_SIZE = 1_000
PREFIX = "/integrations/"
log = logs.get("raglan.intake")

requests_seen = Counter("raglan_intake_requests", "Intake requests", ["status"], registry=metrics.REGISTRY)
decoder_bugs = Counter("raglan_decoder_bugs", "Bodies that a decoder raised on unexpectedly", registry=metrics.REGISTRY)


class Intake:
    """Takes requests of all doors."""

    def __init__(self, journal: Journal, *, trusted_proxies: int = 0) -> None:
        self._journal = journal
        self._trusted_proxies = trusted_proxies
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="raglan-intake")
        self._known: dict[str, tuple[float, SourceKey]] = {}

    def takes(self, scope: Scope) -> Door | None:
        """Return the door for a request, or None when it is not intake."""
        token, path = split_path(scope["path"])
        if not token and not path.startswith(("/api/v2/alerts", "/api/v1/alerts", "/v2/enqueue")):
            return None
        return ports.door_for(scope["method"], path)

    async def __call__(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            said = await self._take(door, scope, receive)
        except RaglanError as error:
            headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Overloaded) else {}
            if error.status == 401:
                headers["WWW-Authenticate"] = "Bearer"
            requests_seen.labels(error.status).inc()
            await answer_json(send, error.status, error.as_json(), headers=headers)
            return
        requests_seen.labels(said.status).inc()
        if isinstance(said.body, bytes):
            await answer(send, said.status, said.body, content_type=PLAIN, headers=said.headers)
        else:
            await answer_json(send, said.status, said.body, headers=said.headers)

    async def _take(self, door: Door, scope: Scope, receive: Receive) -> Answer:
        check_head(scope)
        body = unpack(await read_body(receive), headers_of(scope).get("content-encoding", ""))
        request = request_of(scope, body, self._trusted_proxies)
        token = request.token or door.token(request)
        source = await self._source(token)
        if source.kind not in door.kinds:
            raise NotSignedIn("This token belongs to a source of another kind.")
        loop = asyncio.get_running_loop()
        try:
            decoded = await loop.run_in_executor(self._pool, decode, door, source, request)
        except BadInput as error:
            await loop.run_in_executor(self._pool, _note_error, source.id, error.sentence)
            return door.refuse(error)
        try:
            outcome = await self._journal.put(Batch(source, decoded, now()))
        except NotStored:
            raise Overloaded("This could not be stored. Send it again.", retry_after=5) from None
        return door.answer(decoded, outcome)

    async def _source(self, token: str) -> SourceKey:
        at = time.monotonic()
        known = self._known.get(token)
        if known is not None and at - known[0] < CACHE_S:
            return known[1]
        source = await asyncio.get_running_loop().run_in_executor(self._pool, _look_up, token)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[token] = (at, source)
        return source

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def decode(door: Door, source: SourceKey, request: IntakeRequest) -> Decoded:
    """Decode by the door. Whatever else a decoder raises is a bad body for its sender and a counted bug for us."""
    try:
        return door.decode(source, request)
    except BadInput:
        raise
    except Exception as error:  # the last resort at the border; see the reliability page, 11
        decoder_bugs.inc()
        log.exception("a decoder raised on a body", extra={"source": source.slug})
        raise BadInput("", f"this could not be read ({type(error).__name__})") from None


def _look_up(token: str) -> SourceKey:
    close_old_connections()
    try:
        return queries.source_by_token(token)
    finally:
        close_old_connections()


def _note_error(source_id: int, sentence: str) -> None:
    close_old_connections()
    try:
        actions.note_error(source_id, sentence)
    finally:
        close_old_connections()


def split_path(path: str) -> tuple[str, str]:
    """Return the token of a path prefix and the path behind it."""
    if not path.startswith(PREFIX):
        return "", path
    token, _, rest = path.removeprefix(PREFIX).partition("/")
    return token, f"/{rest}"


def request_of(scope: Scope, body: bytes, trusted_proxies: int) -> IntakeRequest:
    """Return the request as doors see it."""
    headers = headers_of(scope)
    token, path = split_path(scope["path"])
    return IntakeRequest(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        remote=client_of(scope, trusted_proxies),
        token=token or header_token(headers.get("authorization", "")),
    )


def header_token(text: str) -> str:
    """Return the token of an Authorization header: of Bearer, or the password of Basic."""
    scheme, _, value = text.strip().partition(" ")
    match scheme.lower():
        case "bearer" | "token" | "geniekey":
            return value.strip().removeprefix("token=")
        case "basic":
            try:
                return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        case _:
            return ""


async def read_body(receive: Receive) -> bytes:
    """Read a body of at most 1 MiB. Raises BadInput with 413."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadInput("", "the body ended early")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MAX_BODY:
            raise BadInput("", "the body has more than 1 MiB", status=413)
        if not message.get("more_body"):
            return b"".join(pieces)


def unpack(body: bytes, encoding: str) -> bytes:
    """Undo gzip, to at most 1 MiB. Raises BadInput."""
    if encoding.lower() not in ("gzip", "x-gzip"):
        return body
    try:
        unpacker = zlib.decompressobj(wbits=31)
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise BadInput("", "the body is not gzip as its header says") from None
    if len(plain) > MAX_BODY:
        raise BadInput("", "the body has more than 1 MiB once unpacked", status=413)
    return plain

"""Two raglans watch each other. Each says hello every 30 seconds; who hears nothing three times pages its own people.

A hello is signed with a shared key over its time, a nonce and its body. A time that is not later than the last one
that was taken is refused, so that nobody can replay an old hello while the other one is silent. This is no consensus:
when the line between them is cut, both page.
"""

import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta

from raglan.config import config
from raglan.core import http, logs, signs, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput, DeliveryError, NotFound, NotSignedIn, RaglanError
from raglan.edge import body, life
from raglan.edge.answers import Receive, Scope, Send, WrongMethod, answer_json, header, refuse
from raglan.edge.threads import Threads
from raglan.paging import actions as paging
from raglan.paging.models import Page

HELLO = "watch.hello"
LISTEN = "watch.peer"
MISSES = 3
APART = timedelta(minutes=5)
HEARD = "peer heard"
SAID = "peer hello"
SILENT = "peer silent"
LISTENED = "peer listened for"
PATH = "/peer/hello"
MOST_BODY = 64 * 1024
log = logs.get("raglan.peers")


class PeerSilent(timeline.EventPayload):
    """The other raglan was not heard three times; `page` tells our own people."""

    kind = "peer.silent"
    peer: str
    since: datetime
    page: int


class PeerBack(timeline.EventPayload):
    """The other raglan is heard again."""

    kind = "peer.back"
    peer: str
    page: int


def sign(key: str, at: str, nonce: str, said: bytes) -> str:
    """Return the signature of a hello."""
    return hmac.new(key.encode(), f"{at}\n{nonce}\n".encode() + said, hashlib.sha256).hexdigest()


def every() -> timedelta:
    """Return the time between two hellos."""
    return timedelta(seconds=config().peer_every_s)


def key() -> str:
    """Return the shared key; empty when nobody is watched."""
    return config().peer_key.get_secret_value() if config().peer_url else ""


@timers.handler(HELLO, network=True)
def hello(due: timers.Due) -> None:
    """Say hello to the other one, unless we ourselves are not well: then our silence tells."""
    life.again(HELLO, due.subject, every())
    if not key():
        return
    if why := life.held_back():
        signs.note(SAID, ok=False, why=why)
        return
    said, at, nonce = json.dumps(life.state()).encode(), now().isoformat(), secrets.token_hex(16)
    headers = {
        "Content-Type": "application/json",
        "X-Raglan-Time": at,
        "X-Raglan-Nonce": nonce,
        "X-Raglan-Signature": sign(key(), at, nonce, said),
    }
    try:
        status = http.post(config().peer_url.rstrip("/") + PATH, said, headers).status
        why = "" if status == 200 else f"it answered {status}"
    except DeliveryError as error:
        why = error.sentence
    signs.note(SAID, ok=not why, why=why)


def heard(said: bytes, *, at: str, nonce: str, signature: str) -> None:
    """Take a hello. Raises NotSignedIn when it is not signed by the shared key, or was said before."""
    if not key():
        raise NotFound("This raglan watches nobody.")
    wanted = sign(key(), at, nonce, said).encode()
    if not nonce or not hmac.compare_digest(wanted, signature.encode("latin-1", "replace")):
        raise NotSignedIn("This hello is not signed with the shared key.")
    try:
        moment = datetime.fromisoformat(at)
        if abs(now() - moment) > APART:
            raise NotSignedIn("This hello is of another time; compare the clocks of both machines.")
    except (ValueError, TypeError):
        raise NotSignedIn("This hello does not say when it was said.") from None
    state = _state(said)
    if str(state["raglan"]).rstrip("/") == config().public_url:
        raise NotSignedIn("This hello is our own; peer_url must lead to the other raglan.")
    with atomic():
        take_turn("peer")
        before = signs.last(HEARD)
        if before is not None and moment <= datetime.fromisoformat(str(before.data["said_at"])):
            raise NotSignedIn("This hello was said before.")
        signs.note(HEARD, said_at=at, state=state)


def _state(said: bytes) -> dict[str, object]:
    try:
        value = json.loads(said)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadInput("", "a hello is a JSON object")
    return {name: str(value.get(name, ""))[:300] for name in ("raglan", "version", "lag_s", "audit_head")}


@timers.handler(LISTEN)
def listen(due: timers.Due) -> None:
    """Page our own people when the other one is silent; end that page when it is heard again."""
    life.again(LISTEN, due.subject, every() / 3)
    last = signs.last(HEARD)
    if not key() or last is None:
        return
    silent = signs.last(SILENT)
    paged = int(str(silent.data["page"])) if silent else 0
    listened = _listened()
    if min(last.age, listened) > every() * MISSES and not paged:
        _page(last.at)
    elif last.age <= every() * MISSES and paged:
        page = Page.objects.filter(pk=paged).first()
        if page is not None:
            paging.resolve(page, why=f"{config().peer_url} is heard again")
        signs.note(SILENT, page=0)
        timeline.append(PeerBack(peer=config().peer_url, page=paged), about=["raglan:peer", "health"])


def _listened() -> timedelta:
    """Note that we listen, and return for how long we have. Whoever was away hears what is said from then on."""
    before = signs.last(LISTENED)
    goes_on = before is not None and before.age <= every()
    since = datetime.fromisoformat(str(before.data["since"])) if before is not None and goes_on else now()
    signs.note(LISTENED, since=since.isoformat())
    return now() - since


def _page(since: datetime) -> None:
    peer = config().peer_url
    words = paging.Words(
        title=f"raglan at {peer} is silent since {since:%H:%M} UTC",
        text="The other raglan may page nobody now. See whether it runs; until then, watch what it watches.",
        severity="critical",
    )
    page = paging.start(paging.ensure_fallback(), words, reason=paging.Reason(type="peer", link=peer))
    signs.note(SILENT, page=page.pk)
    timeline.append(PeerSilent(peer=peer, since=since, page=page.pk), about=["raglan:peer", "health", page])
    log.error("the other raglan is silent", extra={"peer": peer})


class Peers:
    """Answers `/peer/hello`, on a thread of its own."""

    def __init__(self) -> None:
        self._threads = Threads("peer", 1, line=8)

    def takes(self, path: str) -> bool:
        """Tell whether a path is ours."""
        return path == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            if scope["method"] != "POST":
                raise WrongMethod("A hello is a POST.")
            body.check_length(scope, MOST_BODY)
            said = await body.read(receive, most=MOST_BODY, idle_s=5, whole_s=10)
            at, nonce, signature = (
                header(scope, name) for name in (b"x-raglan-time", b"x-raglan-nonce", b"x-raglan-signature")
            )
            await self._threads.ask(lambda: heard(said, at=at, nonce=nonce, signature=signature))
        except body.ClientGone:
            return
        except RaglanError as error:
            await refuse(send, error)
            return
        await answer_json(send, 200, {"heard": True})

    def close(self) -> None:
        """End the thread."""
        self._threads.stop()

"""`/gate`: may this host's automation go on? Answered from memory, so that a stop is told however busy the database is.

Go or stop, the name of the hold and its end are told to whoever asks: a host must not go on because its token was
changed. Reasons, exceptions and the file with every hold need a token, or to be asked on this machine: they may speak
of what is broken. What a host without a token asks does not count as heard, for anybody could say so in its name.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote

from django.db import close_old_connections

from raglan.changes import asking, gate, gate_text, hearing, hold_queries, ports
from raglan.core import bus, logs
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotSignedIn, Overloaded, RaglanError
from raglan.core.secrets import digest
from raglan.edge.answers import Receive, Scope, Send, WrongMethod, answer, check_head, header, refuse
from raglan.edge.gate_hosts import GateHosts
from raglan.edge.health import is_local
from raglan.edge.threads import Threads
from raglan.edge.wsgi import client_of

PATH = "/gate"
TICK_S = 1.0
READ_EVERY_S = 10.0
OLD_S = 60.0
KEEP_S = 60.0
MOST_TOKENS = 4_096
MOST_HEARD = 50_000
A_SECOND, MOST_AT_ONCE = 100.0, 1_000.0  # of one address without a token
MOST_ADDRESSES = 10_000
GOOD_FOR = timedelta(minutes=10)
NO_STORE = {"Cache-Control": "no-store"}
log = logs.get("raglan.gate")
Knows = Callable[[str], bool]


class Buckets:
    """How often each address may ask; the ones that asked longest ago are forgotten first."""

    def __init__(self, a_second: float = A_SECOND, most: float = MOST_AT_ONCE) -> None:
        self._a_second, self._most = a_second, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, at: float) -> None:
        """Count one. Raises Overloaded."""
        left, before = self._left.pop(who, (self._most, at))
        left = min(self._most, left + (at - before) * self._a_second)
        self._left[who] = (max(left - 1, -1.0), at)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        if left < 1:
            raise Overloaded("This address asks too often without a token.", retry_after=2)


class Gate:
    """Answers `/gate`, `/gate/<word>=<name>/…` and `/gate/file`."""

    def __init__(self, knows: Knows, *, trusted_proxies: int = 0) -> None:
        self._knows = knows
        self._proxies = trusted_proxies
        self._threads = Threads("gate", 1, line=64)
        self._lookups = Threads("gate-tokens", 1, line=64)  # apart, so that guessing tokens delays no hold
        self._writers = Threads("gate-heard", 1, line=4)  # apart: writing waits for others, reading holds must not
        self._buckets = Buckets()
        self._tokens: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._heard: dict[str, hearing.Heard] = {}
        self._asked: dict[str, asking.Question] = {}
        self._cautions: dict[str, tuple[asking.Caution, ...]] = {}
        self._is_writing = False
        self._is_asked = False
        self._next_read = 0.0
        self._read_at = 0.0
        self.read_at: datetime | None = None
        self.rules: tuple[gate.HoldRule, ...] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closing = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self.hosts = GateHosts()
        self.hosts.on_news = lambda known: self._tell_news()
        self._telling = threading.Lock()
        self.on_news: Callable[[Sequence[gate.HoldRule], Mapping[str, gate.Asked]], None] = lambda rules, known: None

    def takes(self, path: str) -> bool:
        """Tell whether a path is ours."""
        return path == PATH or path.startswith(PATH + "/")

    def start(self) -> None:
        """Read the holds, and again whenever one changes; call on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = bus.subscribe(self._changed)
        self._tick()

    def close(self) -> None:
        """Write down who has heard, and end."""
        self._unsubscribe()
        self._is_closing = True
        self.hosts.close()
        self._write_heard()
        self._writers.stop(2.0)
        self._threads.stop(2.0)
        self._lookups.stop()

    # Holds in memory.

    def _changed(self, names: Sequence[str], event_id: int) -> None:
        """Called on whatever thread committed."""
        if not {"holds", asking.WATCHED, "*"}.isdisjoint(names):
            self._ask_to_read()
        if not {"hosts", ports.PLACED, "*"}.isdisjoint(names):
            self.hosts.changed()

    def _ask_to_read(self) -> None:
        self._is_asked = True
        try:
            self._threads.give(self._read)
        except Overloaded:  # what waits reads what is new
            return

    def _read(self) -> None:
        """On the thread: a reading that began after the last change has seen it."""
        if not self._is_asked:
            return
        self._is_asked = False
        close_old_connections()
        at, began = now(), time.monotonic()
        try:
            rules = tuple(hold_queries.rules())
        except Exception as error:  # whatever it is, the gate goes on and reads again
            log.warning("holds could not be read; those in memory count", extra={"error": type(error).__name__})
            self._next_read = 0.0  # with the next tick
            return
        if self.rules is None:  # no host that a hold is for is let go on because of a start
            self.hosts.begin(rules)
        self.rules, self.read_at, self._read_at = rules, at, began
        self._tell_news()
        self.hosts.look_for(self.rules)
        try:
            self._cautions = asking.cautions()
        except Exception as error:  # they are beside the holds, and never in their way
            log.warning("what was changed by hand could not be read", extra={"error": type(error).__name__})

    def _tell_news(self) -> None:
        """Tell what is known now: of two threads that have news at once, the last one tells both."""
        with self._telling:
            if self.rules is not None:
                self.on_news(self.rules, self.hosts.known)

    def _tick(self) -> None:
        if self._loop is None or self._is_closing:
            return
        self._loop.call_later(TICK_S, self._tick)
        if time.monotonic() >= self._next_read:
            self._next_read = time.monotonic() + READ_EVERY_S
            self._ask_to_read()
        self.hosts.tick()
        self._write_heard()

    # Who has heard.

    def _note(self, asked: gate.Asked, said: gate.Answer) -> None:
        named = said.holds or tuple(hold for hold, _ in said.through)
        if not asked.host or not named or (len(self._heard) >= MOST_HEARD and asked.host not in self._heard):
            return
        names = tuple(hold.name for hold in named)
        self._heard[asked.host] = hearing.Heard(asked.host, names, stopped=bool(said.holds), at=said.at)

    def _cautions_for(self, asked: gate.Asked, said: gate.Answer) -> list[str]:
        """Return what the host is to know of what stands changed by hand on it; note that it asked, if that is news."""
        found = [one for one in self._cautions.get(asked.host.casefold(), ()) if one.concerns(asked.packages)]
        if not said.holds and any(one.is_awaited for one in found) and len(self._asked) < MOST_HEARD:
            self._asked[asked.host] = asking.Question(asked.host, asked.packages, said.at)
        return [one.words for one in found if one.words]

    def _write_heard(self) -> None:
        if not (self._heard or self._asked) or self._is_writing:
            return
        many, self._heard, self._is_writing = list(self._heard.values()), {}, True
        questions, self._asked = list(self._asked.values()), {}

        def write() -> None:
            close_old_connections()
            try:
                hearing.heard_many(many)
                if questions:
                    asking.heard(questions)
            except Exception as error:  # they ask again soon
                log.warning("who has heard could not be written", extra={"error": type(error).__name__})
            finally:
                self._is_writing = False

        try:
            self._writers.give(write)
        except Overloaded:
            self._is_writing = False

    # Answers.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            words = await self._words(scope)
        except RaglanError as error:
            await refuse(send, error)
            return
        await answer(send, 200, words.encode(), headers=NO_STORE)

    async def _words(self, scope: Scope) -> str:
        check_head(scope)
        if scope["method"] not in ("GET", "HEAD"):
            raise WrongMethod("The gate is asked with GET.", allow="GET, HEAD")
        is_known = (is_local(scope) and not self._proxies) or await self._is_known(scope)
        if not is_known:
            self._buckets.take(client_of(scope, self._proxies), time.monotonic())
        if self.rules is None:
            raise Overloaded("The holds are not read yet.", retry_after=1)
        if scope["path"] == PATH + "/file":
            return self._file(is_known=is_known)
        asked = self.hosts.add(asked_by(scope))
        said = gate.answer(self.rules, asked, now())
        if not is_known:
            return gate_text.text(said, with_reason=False, read_s=self._age())
        self._note(asked, said)
        return gate_text.text(said, with_reason=True, read_s=self._age(), hands=self._cautions_for(asked, said))

    def _file(self, *, is_known: bool) -> str:
        if not is_known:
            raise NotSignedIn("The file with every hold needs a token.")
        assert self.rules is not None
        at = self.read_at or now()  # a file that is made of old news says so
        return gate_text.file(self.rules, at, good_until=at + GOOD_FOR, known=self.hosts.known)

    def _age(self) -> int:
        """How many seconds ago the holds were read, when that is long."""
        age = time.monotonic() - self._read_at
        return int(age) if age > OLD_S else 0

    async def _is_known(self, scope: Scope) -> bool:
        """Whether a request brings a token that hosts or programs have; while the database is away, none is new."""
        scheme, _, token = header(scope, b"authorization").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return False
        key = digest(token)
        found = self._tokens.get(key)
        if found is None or time.monotonic() - found[0] > KEEP_S:
            if found is None or not found[1]:
                self._buckets.take(client_of(scope, self._proxies), time.monotonic())
            try:
                found = time.monotonic(), await self._lookups.ask(lambda: self._knows(token))
            except Overloaded:
                return found is not None and found[1]
            self._tokens[key] = found
            if len(self._tokens) > MOST_TOKENS:
                self._tokens.popitem(last=False)
        return found[1]


def asked_by(scope: Scope) -> gate.Asked:
    """Return what a request says of its host, in the query or in the path. Raises BadInput."""
    try:
        said = parse_qs(scope["query_string"].decode("utf-8"), strict_parsing=bool(scope["query_string"]))
    except ValueError:
        raise BadInput("", "Ask as /gate?host=web1&cluster=fra1.") from None
    for piece in scope["path"][len(PATH) + 1 :].split("/"):
        name, equals, value = unquote(piece).partition("=")
        if equals:
            said.setdefault(name, []).append(value)
        elif piece:
            raise BadInput("", "Ask as /gate/host=web1/cluster=fra1.")
    return gate_text.asked_in(said)

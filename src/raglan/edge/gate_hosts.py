"""Where hosts belong as raglan knows it, in memory: a host that says less of itself is held as the screens say.

Only what holds name is kept, and nothing is read while none names a place or a tag. It is read on a thread of its own,
in portions with breaks, so that no answer waits for it; again once hosts changed, for a small part of the time.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from django.db import close_old_connections

from raglan.changes import gate, ports
from raglan.core import logs
from raglan.core.errors import Overloaded
from raglan.edge.threads import Threads

SOONEST_S = 1.0
SHARE = 40  # so many times as long as reading took, it is not read again
SURELY_S = 300.0
BREAK_S = 0.005
NOBODY: Mapping[str, gate.Asked] = {}
log = logs.get("raglan.gate")


class GateHosts:
    """What is known of hosts by name, in small letters; of several hosts of one name all that is known counts."""

    def __init__(self) -> None:
        self._threads = Threads("gate-hosts", 1, line=1)
        self._named: dict[str, frozenset[str]] = gate.named_by(())
        self._is_changed = False
        self._next_read = 0.0
        self._next_surely = 0.0
        self._is_closing = False
        self.known: Mapping[str, gate.Asked] = NOBODY
        self.on_news: Callable[[Mapping[str, gate.Asked]], None] = lambda known: None

    def add(self, asked: gate.Asked) -> gate.Asked:
        """Return what is asked with what is known of its host besides."""
        found = self.known.get(asked.host.casefold())
        return asked if found is None else gate.and_known(asked, found)

    def look_for(self, rules: Sequence[gate.HoldRule]) -> None:
        """Take the holds of now; when they name other places or tags, hosts are read at once."""
        named = gate.named_by(rules)
        if named != self._named:
            self._named, self._is_changed, self._next_read = named, True, 0.0
            self.tick()

    def begin(self, rules: Sequence[gate.HoldRule]) -> None:
        """Read what holds name before the first answer; on the thread of the gate. What fails is read again."""
        self._named, self._is_changed = gate.named_by(rules), True
        self._read()

    def changed(self) -> None:
        """Hosts belong elsewhere: they are read again when it is time."""
        self._is_changed = True

    def tick(self) -> None:
        """Have hosts read when they changed, and now and then without."""
        at = time.monotonic()
        if self._is_closing or at < self._next_read or not (self._is_changed or at >= self._next_surely):
            return
        self._next_read = at + SOONEST_S
        try:
            self._threads.give(self._read)
        except Overloaded:  # one that waits reads what is new
            return

    def close(self) -> None:
        """End."""
        self._is_closing = True
        self._threads.stop(2.0)

    def _read(self) -> None:
        """On the thread: a reading that began after the last change has seen it."""
        self._is_changed = False
        named = self._named  # read last: a hold that comes now is seen by this or by the next reading
        close_old_connections()
        began = time.thread_time()
        try:
            found = self._found(named) if any(named.values()) else NOBODY
        except Exception as error:  # whatever it is, what was known last counts, and it is read again
            log.warning("where hosts belong could not be read", extra={"error": type(error).__name__})
            self._is_changed = True
            return
        finally:
            close_old_connections()
        at = time.monotonic()
        self._next_read = max(at + SOONEST_S, at + SHARE * (time.thread_time() - began))
        self._next_surely = at + SURELY_S
        if named is not self._named:  # a hold came meanwhile
            self._is_changed, self._next_read = True, 0.0
        if found != self.known:
            self.known = found
            self.on_news(found)

    def _found(self, named: Mapping[str, frozenset[str]]) -> Mapping[str, gate.Asked]:
        found: dict[str, gate.Asked] = {}
        for portion in ports.roll().placed(named):
            for name, words in portion:
                key = name.casefold()
                other = found.get(key)
                found[key] = words if other is None or other == words else gate.and_known(other, words)
            if self._is_closing:
                return self.known
            time.sleep(BREAK_S)  # answers come first
        return found

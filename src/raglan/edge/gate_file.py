"""Writes the file with every hold where the options say, and has it brought elsewhere: for when raglan is away."""

import os
import shlex
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from raglan.changes import gate, gate_text
from raglan.config import Config
from raglan.core import logs, programs
from raglan.core.clock import now
from raglan.edge.gate import GOOD_FOR

EVERY_S = 60.0
BRING_EVERY_S = 240.0
AGAIN_S = 5.0
DEADLINE_S = 30
KEPT = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")
log = logs.get("raglan.gate")


class GateFile:
    """Keeps the file fresh, on a thread of its own; a hold that changes is in it at once."""

    def __init__(self, config: Config) -> None:
        self._path = Path(config.gate_file)
        self._command = shlex.split(config.gate_command)
        self._rules: Sequence[gate.HoldRule] | None = None
        self._known: Mapping[str, gate.Asked] = {}
        self._read_at = now()
        self._brought: tuple[Sequence[gate.HoldRule], Mapping[str, gate.Asked]] | None = None
        self._news = threading.Event()
        self._is_stopping = False
        self._brought_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="raglan-gate-file", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """End; the file stays, and grows old."""
        self._is_stopping = True
        self._news.set()
        self._thread.join(timeout)

    def tell(self, rules: Sequence[gate.HoldRule], known: Mapping[str, gate.Asked]) -> None:
        """Take what was read, holds and where hosts belong; what is new is written at once."""
        is_new = rules != self._rules or known is not self._known
        self._rules, self._known, self._read_at = rules, known, now()
        if is_new:
            self._news.set()

    def _run(self) -> None:
        wait_s = EVERY_S
        while not self._is_stopping:
            self._news.wait(wait_s)
            self._news.clear()
            if self._rules is None or self._is_stopping:
                continue
            try:
                wait_s = EVERY_S if self.write(self._rules) else AGAIN_S
            except OSError as error:
                log.warning("the file of the gate could not be written", extra={"error": str(error)})

    def write(self, rules: Sequence[gate.HoldRule]) -> bool:
        """Write it whole or not at all, and have it brought when it is due; tell whether that was done. Raises OSError.

        It says when the holds were read: while the database is away it grows old, and hosts ask elsewhere.
        """
        at, known = self._read_at, self._known
        text = gate_text.file(rules, at, good_until=at + GOOD_FOR, known=known)
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._path)
        is_new = self._brought is None or rules != self._brought[0] or known is not self._brought[1]
        if not self._command or not (is_new or time.monotonic() - self._brought_at > BRING_EVERY_S):
            return True
        is_brought = self._bring()
        if is_brought:
            self._brought, self._brought_at = (rules, known), time.monotonic()
        return is_brought

    def _bring(self) -> bool:
        words = [word.replace("{file}", str(self._path)) for word in self._command]
        bounds = programs.Bounds(DEADLINE_S)
        environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        try:
            ended = programs.run(words, folder=str(self._path.parent), env=environ, bounds=bounds)
        except (programs.TooSlowError, programs.TooMuchError) as error:
            log.warning("the file of the gate was not brought in time", extra={"error": type(error).__name__})
            return False
        if ended.code:
            log.warning("the file of the gate was not brought", extra={"code": ended.code})
        return not ended.code

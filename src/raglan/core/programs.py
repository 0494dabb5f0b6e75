"""Runs a program under a deadline, and keeps so much of what it prints and no more.

Beyond either bound it is killed with what it started. What left its group may go on, but is waited for no more.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

PIECE = 64 * 1024
MIB = 1024 * 1024
MOST = MIB
LET_GO_S = 5


class TooSlowError(Exception):
    """It did not end in time."""


class TooMuchError(Exception):
    """It printed more than may be kept."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it printed more than {most // MIB} MiB")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a program may take, and how much it may print to each of its two outputs."""

    seconds: float
    most: int = MOST


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, what it printed and what it complained of."""

    code: int
    out: bytes
    said: bytes


def run(
    words: Sequence[str],
    *,
    folder: str,
    env: Mapping[str, str],
    bounds: Bounds,
    given: bytes = b"",
    joined: bool = False,
) -> Ended:
    """Run a program in a folder, without a shell; `joined` takes its complaints as part of what it prints.

    Raises OSError when it can not be started, TooSlowError, TooMuchError.
    """
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if joined else subprocess.PIPE,
        start_new_session=True,
    )
    talk = _Talk(process, given, bounds)
    try:
        talk.run()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started, too
        with suppress(subprocess.TimeoutExpired):
            process.wait(LET_GO_S)
        raise
    finally:
        talk.close()
    return Ended(process.returncode, bytes(talk.out), bytes(talk.said))


class _Talk:
    """Gives a program what it reads, and takes what it prints, piece by piece."""

    def __init__(self, process: "subprocess.Popen[bytes]", given: bytes, bounds: Bounds) -> None:
        self.out, self.said = bytearray(), bytearray()
        self._process, self._bounds = process, bounds
        self._left = memoryview(given)
        self._until = time.monotonic() + bounds.seconds
        self._waiting = selectors.DefaultSelector()
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._waiting.register(process.stdin, selectors.EVENT_WRITE)
        for stream, kept in ((process.stdout, self.out), (process.stderr, self.said)):
            if stream is not None:
                self._waiting.register(stream, selectors.EVENT_READ, kept)

    def run(self) -> None:
        """Go on until both outputs are closed and the program has ended."""
        while self._waiting.get_map():
            for key, _ in self._waiting.select(self._seconds_left()):
                if key.data is None:
                    self._give(self._process.stdin)
                else:
                    self._take(key.fd, key.data)
        try:
            self._process.wait(self._seconds_left())
        except subprocess.TimeoutExpired:
            raise TooSlowError from None

    def close(self) -> None:
        """Let go of all that is open."""
        self._waiting.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _seconds_left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooSlowError
        return left

    def _give(self, stream: IO[bytes] | None) -> None:
        """Write as much as the program takes; close when that was all, or when it reads no more."""
        assert stream is not None
        try:
            self._left = self._left[os.write(stream.fileno(), self._left[:PIECE]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._waiting.unregister(stream)
            stream.close()

    def _take(self, descriptor: int, kept: bytearray) -> None:
        piece = os.read(descriptor, PIECE)
        if not piece:
            self._waiting.unregister(descriptor)
        kept += piece
        if len(kept) > self._bounds.most:
            raise TooMuchError(self._bounds.most)

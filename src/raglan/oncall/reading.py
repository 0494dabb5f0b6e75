"""Fetches a foreign calendar and reads it in a worker process that can not harm this one."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from subprocess import DEVNULL, PIPE
from urllib.parse import urlsplit

from raglan.core import http
from raglan.core.errors import DeliveryError

AHEAD = timedelta(days=190)
WORKER_S = 20
MAX_WORKER_ANSWER = 4 * 1024 * 1024


class NotReadError(Exception):
    """A calendar could not be fetched or understood."""


def fetch(url: str) -> bytes:
    """Return what stands at an address. Raises NotReadError."""
    try:
        answer = http.get(url, {"Accept": "text/calendar, */*;q=0.1"})
    except DeliveryError as error:
        raise NotReadError(str(error)) from None
    if answer.status != 200:
        where = (
            f" and points to {urlsplit(answer.headers.get('location', '')).hostname}"
            if 300 <= answer.status < 400
            else ""
        )
        raise NotReadError(f"it answered with {answer.status}{where}")
    if len(answer.body) >= http.MAX_ANSWER:
        raise NotReadError("it is larger than 5 MiB")
    return answer.body


def ask_worker(body: bytes, time_zone: str, at: datetime) -> dict[str, object]:
    """Return the events of a calendar in the coming months, as a process of its own reads them. Raises NotReadError."""
    span = {"zone": time_zone, "start": at.isoformat(), "end": (at + AHEAD).isoformat()}
    command = [sys.executable, "-m", "raglan.oncall.ical_worker"]
    said = run_bounded(command, json.dumps(span).encode() + b"\n" + body, seconds=WORKER_S, most=MAX_WORKER_ANSWER)
    try:
        answer = json.loads(said)
    except ValueError:
        raise NotReadError("reading it took too much time or memory") from None
    if not isinstance(answer, dict):
        raise NotReadError("reading it gave nothing")
    return answer


def run_bounded(command: Sequence[str], text: bytes, *, seconds: float, most: int) -> bytes:
    """Return what a program answers that reads all before it writes. Raises NotReadError beyond a limit.

    Not more than `most` bytes are ever taken from it, so that it can not fill our memory.
    """
    is_late = threading.Event()
    with _started(command) as worker:
        cut = threading.Timer(seconds, _cut, (worker, is_late))
        cut.start()
        try:
            assert worker.stdin is not None
            assert worker.stdout is not None
            with suppress(BrokenPipeError), worker.stdin:
                worker.stdin.write(text)
            said = worker.stdout.read(most + 1)
        finally:
            cut.cancel()
            worker.kill()
    if is_late.is_set():
        raise NotReadError("reading it takes too long")
    if len(said) > most:
        raise NotReadError(f"what it says is larger than {most // 1024 // 1024} MiB")
    return said


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        raise NotReadError("nothing here could read it") from None


def _cut(worker: subprocess.Popen[bytes], is_late: threading.Event) -> None:
    is_late.set()
    worker.kill()


def as_list(value: object) -> list[object]:
    """Return a list as it came from the worker; anything else is an empty one."""
    return value if isinstance(value, list) else []

"""From an entry posted by one person to the page of another that shows it: the word of the stream, then the part."""

import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from bench.floor import Floor
from bench.ground import Figure, Reader, percentile, running
from raglan.demo.client import number

ENTRIES = 100
RATE = 5


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Post to a room at a steady rate while a second reader listens, and reads what it is told of."""
    with running(folder) as server:
        room = number(server.client.post("/incidents", {"title": "The site is slow"}))
        reader = Reader(server.port)
        words = _listen(server.port, reader, f"incident:{room}")
        next(words)
        taken, began = [], time.perf_counter()
        for index in range(ENTRIES):
            time.sleep(max(0.0, began + index / RATE - time.perf_counter()))
            text = f"Looked at web-{index:03d}."
            sent = time.perf_counter()
            server.client.post(f"/incidents/{room}/entries", {"text": text, "key": f"live-{index}"})
            _read_until(words, reader, f"/incidents/{room}/part/lines/", text)
            taken.append((time.perf_counter() - sent) * 1000)
    p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
    return [
        Figure("entry POST to a second reader's page, p50", p50, "ms", 1000),
        Figure("entry POST to a second reader's page, p99", p99, "ms", 1000, f"{p99 / p50:.1f} × p50"),
    ]


def _listen(port: int, reader: Reader, topic: str) -> Iterator[None]:
    """Yield once for each message of the reader's stream."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/live?topics={topic}", headers={"Cookie": reader.cookie})
    answer: HTTPResponse = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"the stream answered {answer.status}")
    while line := answer.readline():
        if line == b"\n":
            yield
    raise SystemExit("the stream ended")


def _read_until(words: Iterator[None], reader: Reader, path: str, text: str) -> None:
    """Read the part at each message until it shows the text."""
    for _ in words:
        if text.encode() in reader.get(path)[1]:
            return

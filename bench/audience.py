"""2,000 people watch one room: from the POST of an entry to the last of their streams, beside nginx with nchan."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench.bare import bare
from bench.floor import Floor
from bench.ground import Figure, Reader, Running, running
from bench.load import cpu_s, memory_mib
from bench.nchan import nchan, program
from raglan.demo.client import number

WATCHERS = 2_000
WARM = 50
ROUNDS = 5
POSTS = 4
REST_S = 0.5
SETTLED_S = 3.0
MOST_KIB = 12
PEOPLE = (
    ("viewer", "UTC"),
    ("responder", "UTC"),
    ("viewer", "Europe/Prague"),
    ("responder", "America/New_York"),
)
Post = Callable[[str], None]


class Crowd:
    """Readers in a process of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def until_all_have(self, needle: str, post: Post) -> tuple[float, float]:
        """Post, and return the milliseconds until the post was answered and until the last reader had it."""
        self._say(needle)
        time.sleep(0.05)
        began = time.perf_counter()
        post(needle)
        answered = time.perf_counter()
        last, seen = json.loads(self._hear())
        if seen != WATCHERS:
            raise SystemExit(f"{needle} reached {seen} of {WATCHERS} readers")
        return (answered - began) * 1000, (last - began) * 1000

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the readers ended")
        return line


@contextmanager
def crowd(
    port: int, path: str, greeting: str, cookies: Sequence[str] = ("",), *, count: int = WATCHERS
) -> Iterator[Crowd]:
    """Open the streams, in a process of their own; the cookies take turns."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n"
    heads = [f"{head}Cookie: {cookie}\r\n\r\n" if cookie else f"{head}\r\n" for cookie in cookies]
    wanted = {"port": port, "heads": heads, "greeting": greeting, "count": count}
    command = [sys.executable, "-m", "bench.watchers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            opened = Crowd(process)
            opened._say(json.dumps(wanted))
            if opened._hear() != "ready\n":
                raise SystemExit("the readers did not start")
            yield opened
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds to the last reader, of the peer and of raglan, a pair for each round, and what a reader costs."""

    peer: str
    most: float
    theirs: list[float]
    ours: list[float]
    answered: list[float]
    kib: float
    cpu_us: float

    @property
    def ratio(self) -> float:
        """How many times the peer's time, round by round."""
        return median(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Post to both in turn while 2,000 watch each."""
    with ExitStack() as ended:
        peer, most, opened, post = _peer(folder, ended)
        server = ended.enter_context(running(folder / "raglan"))
        found = _compare(server, ended, (peer, most, opened, post))
    return [
        Figure(
            "entry POST to the last of 2,000 readers",
            median(found.ours),
            "ms",
            found.most * median(found.theirs),
            f"{found.ratio:.2f} × {found.peer}",
        ),
        Figure(f"the same, {found.peer}", median(found.theirs), "ms"),
        Figure("of it, until the POST is answered", median(found.answered), "ms"),
        Figure("memory of a reader", found.kib, "KiB", MOST_KIB),
        Figure("processor time of a delivery, POST included", found.cpu_us, "µs"),
    ]


def _peer(folder: Path, ended: ExitStack) -> tuple[str, float, Crowd, Post]:
    """Start what raglan is compared with: its name, how many times its time is allowed, its readers, how to post."""
    if command := program():
        _, port = ended.enter_context(nchan(folder / "nginx", command))
        connection = HTTPConnection("127.0.0.1", port, timeout=30)

        def post(text: str) -> None:
            connection.request("POST", "/post", text)
            connection.getresponse().read()

        return "nginx with nchan", 1.5, ended.enter_context(crowd(port, "/live", "HTTP/1.1 200")), post
    loop = ended.enter_context(bare(WATCHERS))
    return "a bare loop of send", 4.0, ended.enter_context(crowd(loop.port, "/live", "hello")), loop.post


def _compare(server: Running, ended: ExitStack, peer: tuple[str, float, Crowd, Post]) -> Found:
    name, most, theirs, post = peer
    room = number(server.client.post("/incidents", {"title": "The site is slow"}))
    cookies = [_reader(server, index).cookie for index in range(len(PEOPLE))]
    path = f"/live?topics=incident:{room}"
    with crowd(server.port, path, "event: hello", cookies, count=WARM):
        time.sleep(SETTLED_S)
        before = memory_mib(server.pid)
    ours = ended.enter_context(crowd(server.port, path, "event: hello", cookies))
    time.sleep(SETTLED_S)
    kib = (memory_mib(server.pid) - before) * 1024 / (WATCHERS - WARM)

    def say(text: str) -> None:
        server.client.post(f"/incidents/{room}/entries", {"text": text, "key": text})

    _round(ours, say, "warm")
    pairs, cpu = [], 0.0
    for index in range(ROUNDS):
        first = _round(theirs, post, f"theirs-{index}")
        began = cpu_s(server.pid)
        pairs.append((first, _round(ours, say, f"ours-{index}")))
        cpu += cpu_s(server.pid) - began
    return Found(
        peer=name,
        most=most,
        theirs=[found[1] for found, _ in pairs],
        ours=[found[1] for _, found in pairs],
        answered=[found[0] for _, found in pairs],
        kib=kib,
        cpu_us=cpu / ROUNDS / POSTS / WATCHERS * 1e6,
    )


def _round(opened: Crowd, post: Post, name: str) -> tuple[float, float]:
    """Return the medians of a few posts: until the answer, and until the last reader has it."""
    taken = []
    for index in range(POSTS):
        time.sleep(REST_S)
        taken.append(opened.until_all_have(f"{name}-{index}-end", post))
    return median(answered for answered, _ in taken), median(last for _, last in taken)


def _reader(server: Running, index: int) -> Reader:
    role, zone = PEOPLE[index]
    body = {"email": f"p{index}@example.test", "name": f"Person {index}", "role": role, "time_zone": zone}
    return Reader(server.port, number(server.client.post("/people", body)))

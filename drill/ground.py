"""What the drills share: servers that may be killed, a client that writes down what was acknowledged, a mail box."""

import json
import re
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.ground import Sink, set_up
from raglan.cli.children import Child, free_port, wait_until_ready
from raglan.cli.rehearsal import environment, token_of
from raglan.demo.client import Client

READY_S = 120
KEY = re.compile(r"[a-z]+-[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Result:
    """What one drill found."""

    promise: str
    runs: int
    lost: int
    repeated: int
    late_s: float | None
    control: str
    control_fails: bool = True
    most_repeated: int | None = None
    most_late_s: float | None = None
    facts: Sequence[str] = ()

    @property
    def is_kept(self) -> bool:
        """Whether nothing was lost, the rest is within its bounds, and the control showed that the drill can fail."""
        repeats = self.most_repeated is None or self.repeated <= self.most_repeated
        on_time = self.most_late_s is None or (self.late_s or 0) <= self.most_late_s
        return not self.lost and repeats and on_time and self.control_fails


class Box(Sink):
    """A mail server that counts copies, and notes when the first of each came."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: Counter[str] = Counter()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- its name
        answer = await super().handle_DATA(server, session, envelope)
        mail = envelope.content if isinstance(envelope.content, bytes) else b""
        self.copies[mail.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode("utf-8", "replace")] += 1
        return answer

    def by_key(self) -> Counter[str]:
        """Return how many mails name each key; a mail that may be a repeat says so before it."""
        found: Counter[str] = Counter()
        for subject, number in self.copies.items():
            if (key := KEY.search(subject)) is not None:
                found[key[0]] += number
        return found

    @property
    def repeated(self) -> int:
        """How many mails came once more than once."""
        return sum(number - 1 for number in self.by_key().values())

    def of(self, key: str) -> int:
        """Return how many mails name a key."""
        return sum(number for subject, number in self.copies.items() if key in subject)

    def has(self, key: str, least: int) -> bool:
        """Tell whether so many mails name a key."""
        return self.of(key) >= least

    def first(self, key: str) -> float | None:
        """Return when the first mail that names a key came (perf_counter)."""
        return min((at for subject, at in self.arrived.items() if key in subject), default=None)


class Node:
    """One raglan that may be started and killed again and again."""

    def __init__(self, folder: Path, smtp_url: str, **options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        more = {f"RAGLAN_{name.upper()}": value for name, value in options.items() if name.islower()}
        plain = {name: value for name, value in options.items() if not name.islower()}
        base = {**environment(folder, self.port, smtp_url), "RAGLAN_LOG_LEVEL": "warning", "RAGLAN_DEMO": "true"}
        base["RAGLAN_SAFE_MODE_AFTER"] = "0"  # it is meant to be killed often
        base["RAGLAN_STORM_GROUPS"] = "0"  # what is counted is that each alert has a page of its own
        self.env = {**base, **more}
        self._process_env = {**self.env, **plain}
        self._log: IO[bytes] = (folder / "log").open("ab")
        self.child: Child | None = None

    def options(self, **more: str) -> None:
        """Set options for the next start, by the names of their variables."""
        for env in (self.env, self._process_env):
            env.update({f"RAGLAN_{name}": value for name, value in more.items()})

    def start(self) -> None:
        """Start, and wait until it is ready."""
        self.child = Child(["serve"], self._process_env, output=self._log)
        if not wait_until_ready(self.child, "127.0.0.1", self.port, seconds=READY_S):
            raise SystemExit(f"it did not start: {self.said()[-2000:]}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this one process."""
        assert self.child is not None
        self.child.process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`."""
        assert self.child is not None
        self.child.process.kill()
        self.child.process.wait()

    def said(self) -> str:
        """Return what it wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def client(self) -> Client:
        """Return a client with a token of an administrator."""
        return Client(f"http://127.0.0.1:{self.port}", token_of(self.env))

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask once; status 0 when nobody answers."""
        door = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            door.request("GET", path)
            answer = door.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
        finally:
            door.close()

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the database itself, past raglan."""
        if url := self.env["RAGLAN_DATABASE_URL"]:
            with psycopg.connect(url) as there:
                return there.execute(sql).fetchall()
        path = Path(self.env["RAGLAN_DATA_DIR"]) / "raglan.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as there_:
            return there_.execute(sql).fetchall()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.child is not None:
            if self.child.process.poll() is None:
                self.child.process.send_signal(signal.SIGCONT)
            self.child.stop()
        self._log.close()


@dataclass
class Told:
    """What a client knows: which keys were answered with 2xx, and when; and how other answers counted."""

    at: dict[str, float] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)


class Load:
    """Posts alerts, each with a key of its own, to whichever node answers; writes a key down after its 2xx."""

    def __init__(self, nodes: Sequence[Node], path: str, *, rate: float, name: str = "drill") -> None:
        self.told = Told()
        self._nodes, self._path, self._rate, self._name = nodes, path, rate, name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(40)

    def _run(self) -> None:
        number, node, door = 0, 0, None
        while not self._stop.wait(1 / self._rate):
            number += 1
            door = door or HTTPConnection("127.0.0.1", self._nodes[node].port, timeout=20)
            key = f"{self._name}-{number:06d}"
            try:
                status = post(door, self._path, [alert(key)])
            except (OSError, HTTPException):
                door.close()
                door, node = None, (node + 1) % len(self._nodes)
                continue
            self.told.statuses[status] += 1
            if 200 <= status < 300:
                self.told.at[key] = time.perf_counter()


def alert(key: str, *, labels: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return one firing alert whose page names its key."""
    named = {"alertname": key, "key": key, **(labels or {})}
    return {"labels": named, "annotations": {"summary": f"{key} is not well"}}


def post(door: HTTPConnection, path: str, alerts: Sequence[Mapping[str, object]]) -> int:
    """Send alerts as Alertmanager's clients do; return the status."""
    door.request("POST", path, json.dumps(alerts), {"Content-Type": "application/json"})
    answer = door.getresponse()
    answer.read()
    return answer.status


@contextmanager
def prepared(node: Node) -> Iterator[str]:
    """Start a node, make one person's policy, a route and a source; give the path that takes alerts."""
    node.start()
    yield set_up(node.client(), group_by=["key"])


def settle(node: Node, *, patience_s: float = 120) -> int:
    """Wait until nothing is left to be sent; return how many notifications still are."""
    unsent = "SELECT count(*) FROM paging_notification WHERE state IN ('waiting', 'sending')"
    soon = "SELECT count(*) FROM core_timer WHERE kind IN ('core.react', 'paging.deliver') AND parked_at IS NULL"
    sent = "SELECT 1 FROM paging_notification WHERE paging_notification.page_id = paging_page.id"
    untold = f"SELECT count(*) FROM paging_page WHERE state = 'triggered' AND NOT EXISTS ({sent})"
    until, left = time.monotonic() + patience_s, 1
    while left and time.monotonic() < until:
        left = sum(int(str(node.rows(sql)[0][0])) for sql in (unsent, soon, untold))
        time.sleep(0.5 if left else 0)
    time.sleep(1)  # the mails are handed over before they are recorded, and counted by us a moment later
    return left


def missing(node: Node, told: Told, box: Box) -> list[str]:
    """Say which acknowledged alerts are not there, and which pages never went out."""
    label = "labels->>'key'" if node.env["RAGLAN_DATABASE_URL"] else "json_extract(labels, '$.key')"
    there = {str(row[0]) for row in node.rows(f"SELECT {label} FROM alerts_alert")}
    titles = [KEY.search(str(row[0])) for row in node.rows("SELECT title FROM paging_page")]
    pages = {key[0] for key in titles if key is not None}
    came = box.by_key()
    found = [f"{key} was acknowledged and is not there" for key in told.at if key not in there]
    found += [f"{key} was acknowledged and has no page" for key in told.at if key in there and key not in pages]
    return found + [f"the page of {key} never went out" for key in pages if key not in came]

"""What the measurements share: a server of their own, signed-in readers, percentiles, a look into /proc."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from raglan.cli.children import Child, free_port, wait_until_ready
from raglan.cli.rehearsal import environment, token_of
from raglan.demo.client import Client, Json, number, text

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PERSON = re.compile(r'name="person" value="(\d+)"')


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, its goal and what it is compared with."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    ratio: str = ""
    is_budget: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the goal is kept."""
        return self.goal is None or self.value <= self.goal


class Sink:
    """A mail server that keeps nothing but the time at which each subject arrived."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def url(self) -> str:
        """The address for `smtp_url`."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- its name
        """Note when a mail was taken."""
        at = time.perf_counter()
        mail = envelope.content if isinstance(envelope.content, bytes) else b""
        subject = mail.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode("utf-8", "replace")
        self.arrived.setdefault(subject, at)
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


@dataclass(frozen=True, slots=True)
class Running:
    """One server under measurement."""

    server: Child
    port: int
    env: dict[str, str]
    client: Client
    sink: Sink

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.server.process.pid


@contextmanager
def running(folder: Path, options: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Serve from a fresh folder, with a token and a mail sink, and with options of the measurement's own."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ended:
        sink = ended.enter_context(Sink())
        port = free_port()
        env = {**environment(folder, port, sink.url), "RAGLAN_DEMO": "true", "RAGLAN_LOG_LEVEL": "warning"}
        env["RAGLAN_STORM_GROUPS"] = "0"  # each group pages, as the peer does
        env |= options or {}
        log = ended.enter_context((folder / "log").open("wb"))
        server = ended.enter_context(Child(["serve"], env, output=log))
        if not wait_until_ready(server, "127.0.0.1", port):
            raise SystemExit((folder / "log").read_text()[-2000:])
        yield Running(server, port, env, Client(f"http://127.0.0.1:{port}", token_of(env)), sink)


def set_up(client: Client, *, group_by: Sequence[str]) -> str:
    """Make one person's policy, a route and a source; return the path that takes Alertmanager's alerts."""
    me = client.get("/whoami")
    person = number(me, "person_id") if isinstance(me, dict) else 0
    steps: list[Json] = [{"wait_s": 3600, "targets": [{"type": "person", "id": person}]}]
    client.post("/policies", {"name": "Bench", "slug": "bench", "repeat": 0, "steps": steps})
    client.post("/routes", {"position": 10, "matchers": [], "policy": "bench", "group_by": list(group_by)})
    source = client.post("/sources", {"name": "Bench", "slug": "bench", "kind": "alertmanager"})
    return f"/integrations/{text(source, 'token')}/api/v2/alerts"


class Reader:
    """A signed-in browser without a screen."""

    def __init__(self, port: int, person: int = 0) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: SimpleCookie = SimpleCookie()
        form = self.get("/account/login/")[1].decode()
        csrf, first = CSRF.search(form), PERSON.search(form)
        if csrf is None or first is None:
            raise SystemExit("the demonstration's sign-in is not there")
        body = urlencode({"csrfmiddlewaretoken": csrf[1], "person": person or first[1]})
        self.request("POST", "/demo/sign-in/", body, {"Content-Type": "application/x-www-form-urlencoded"})

    def get(self, path: str, *, gzip: bool = False) -> tuple[int, bytes]:
        """Return status and body of a screen."""
        return self.request("GET", path, None, {"Accept-Encoding": "gzip"} if gzip else {})

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send one request with the cookies so far."""
        self._connection.request(method, path, body, {**headers, "Cookie": self.cookie, "Accept": "text/html"})
        answer = self._connection.getresponse()
        for value in answer.headers.get_all("Set-Cookie") or []:
            self._cookies.load(value)
        return answer.status, answer.read()

    @property
    def cookie(self) -> str:
        """The cookies so far, as a header."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())

    def timed(self, path: str) -> float:
        """Return the milliseconds until the whole screen is here. Raises SystemExit when it is not 200."""
        began = time.perf_counter()
        status, _ = self.get(path)
        if status != 200:
            raise SystemExit(f"{path} answered {status}")
        return (time.perf_counter() - began) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100

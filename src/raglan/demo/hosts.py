"""The company's machines as raglan hears of them: what each reports, its Chef runs, and what it asks before a run.

What they would do comes from the model, in the form in which `raglan-host` and Chef's data collector tell it. Whether
they may is asked: once a hold is raised, the answer of the gate decides about each run.
"""

import enum
import hashlib
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from raglan.demo import company
from raglan.demo.client import Client, Json, Refused
from raglan.demo.model import HORIZON, Machine, Outcome, State

LOOK_EVERY = 10
AT_ONCE = 48
ROLE, PACKAGE, UNIT = "httpd", "httpd", "httpd.service"
OLD, NEW = "2.2.31-1", "2.2.32-1"
RESPONSE_TOOLS = "tools"  # the cluster on which they live
NEEDS_PACKAGES = 409
STOP = "stop"
CANARIES = 25  # one of so many
BOOT = str(uuid.uuid5(uuid.NAMESPACE_DNS, company.SITE))  # no replay starts a machine anew
OTHERS = (
    *("bash", "ca-certificates", "chef", "coreutils", "cronie", "curl", "dhclient", "glibc", "gnupg2", "grep", "gzip"),
    *("iproute", "kernel", "krb5-libs", "less", "libcurl", "logrotate", "lsof", "mailcap", "net-snmp", "nss", "ntp"),
    *("openldap", "openssh-server", "openssl", "pam", "pcre", "perl", "procps", "python", "rsync", "rsyslog", "sudo"),
    *("systemd", "tar", "tzdata", "util-linux", "vim-minimal", "xz", "yum", "zlib"),
)
_BY_CLUSTER = {"web": ("mod_ssl", "php", "php-opcache"), "api": ("mod_ssl", "memcached"), "tools": ("graphite-web",)}


def packages_of(machine: Machine, state: State) -> list[list[str]]:
    """Return what is installed on a machine, as `raglan-host` lists it."""
    names = {*OTHERS, *_BY_CLUSTER[machine.cluster]}
    httpd = OLD if state is State.OLD_GOOD else NEW
    return sorted([*([name, "1.0-1", "x86_64"] for name in names), [PACKAGE, httpd, "x86_64"]])


def written(packages: list[list[str]]) -> str:
    """Return a list of packages as the bytes of which the digest is taken."""
    return json.dumps(packages, separators=(",", ":"))


class Kind(enum.Enum):
    """What a machine does at a second of the story: it asks before a run, tells of a change, tells of a run."""

    ASKS = 0
    REPORTS = 1
    RAN = 2


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that a machine says or asks, of the run that began at a second."""

    at: int
    machine: Machine
    kind: Kind
    state: State
    run: int = 0


def words_of(planned: Outcome) -> list[Word]:
    """Return all that machines would say and ask if nothing stopped them, in order."""
    words = (word for machine in planned.machines for word in _words(machine))
    return sorted(words, key=lambda word: (word.at, word.kind.value))


def _words(machine: Machine) -> Iterator[Word]:
    for start, end in machine.runs:
        yield Word(start, machine, Kind.ASKS, machine.state_at(start), start)
        for turn in machine.turns:
            if start <= turn.at <= end:
                yield Word(turn.at, machine, Kind.REPORTS, turn.state, start)
        if end <= HORIZON:
            yield Word(end, machine, Kind.RAN, machine.state_at(end), start)


@dataclass(slots=True)
class Hosts:
    """The machines' side of one replay: what they would do if nothing stopped them, and who tells them to stop.

    While `asks` is set, each asks the gate before a run, and does not run when the answer is stop. raglan takes reports
    together, a moment after they came; the words of so many looks as `behind` says may still be on their way meanwhile.
    """

    reports: Client
    planned: Outcome
    clock: Callable[[], float] = time.time
    asks: bool = False
    behind: int = 0
    heard: dict[str, str] = field(init=False, default_factory=dict)
    _words: list[Word] = field(init=False)
    _next: int = field(init=False, default=0)
    _stopped: set[tuple[str, int]] = field(init=False, default_factory=set)
    _seq: dict[str, int] = field(init=False, default_factory=dict)
    _threads: ThreadPoolExecutor | None = field(init=False, default=None)
    _latest: dict[str, Future[None]] = field(init=False, default_factory=dict)
    _on_the_way: deque[list[Future[None]]] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        self._words = words_of(self.planned)

    def begin(self) -> None:
        """Let every machine report how it stands before the story."""
        self._all(Word(0, machine, Kind.REPORTS, State.OLD_GOOD) for machine in self.planned.machines)
        self.finish()

    def until(self, second: int) -> None:
        """Say all that is due until a second of the story, the end included."""
        first = self._next
        while self._next < len(self._words) and self._words[self._next].at <= second:
            self._next += 1
        self._all(self._words[first : self._next])
        if self.behind:
            self._wait(self.behind)
        else:
            self.finish()

    def finish(self) -> None:
        """Wait until all that was said has been taken. Raises what the server refused."""
        try:
            self._wait(0)
        finally:
            self._latest.clear()
            if self._threads is not None:
                self._threads.shutdown()
                self._threads = None

    def _wait(self, behind: int) -> None:
        while len(self._on_the_way) > behind:
            for said in self._on_the_way.popleft():
                said.result()

    def _all(self, words: Iterable[Word]) -> None:
        """Say it several at a time; what one machine says stays in its order."""
        of: dict[str, list[Word]] = {}
        for word in words:
            if self.asks or word.kind is not Kind.ASKS:
                of.setdefault(word.machine.name, []).append(word)
        if of and self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE)
        self._on_the_way.append([self._give(name, said) for name, said in of.items()])

    def _give(self, name: str, words: list[Word]) -> Future[None]:
        assert self._threads is not None
        given = self._latest[name] = self._threads.submit(self._say, words, self._latest.get(name))
        return given

    def _say(self, words: list[Word], before: "Future[None] | None") -> None:
        if before is not None:
            before.result()  # threads begin in the order of what they were given, so that it runs or has ended
        for word in words:
            if word.kind is Kind.ASKS:
                self._ask_before(word)
            elif (word.machine.name, word.run) in self._stopped:
                continue
            elif word.kind is Kind.RAN:
                self.reports.call("POST", "/fleet/runs/chef", converged(word, self.clock()))
            else:
                self._report(word)

    def _ask_before(self, word: Word) -> None:
        answer = self.heard[word.machine.name] = self._ask(word.machine)
        if answer == STOP:
            self._stopped.add((word.machine.name, word.run))

    def _report(self, word: Word) -> None:
        """Tell the digest of what is installed, and the list itself when raglan does not know it."""
        packages = packages_of(word.machine, word.state)
        body = self._body(word, hashlib.sha256(written(packages).encode()).hexdigest())
        try:
            self.reports.call("POST", "/fleet/report", body)
        except Refused as refused:
            if refused.status != NEEDS_PACKAGES:
                raise
            self.reports.call("POST", "/fleet/report", {**body, "packages": packages})

    def _body(self, word: Word, digest: str) -> dict[str, Json]:
        name = word.machine.name
        at = self.clock()
        self._seq[name] = max(self._seq.get(name, 0) + 1, int(at * 1000))  # another replay goes on behind it
        return {
            "v": 1,
            "host": host_of(word.machine),
            "at": at,
            "boot": BOOT,
            "seq": self._seq[name],
            "packages_hash": digest,
            "units": [["crond.service", "active"], [UNIT, "active" if word.state.serves else "failed"]],
            "because": "timer",
        }

    def is_stopped(self, machine: Machine) -> bool:
        """Tell whether a machine that asks now must not run."""
        return self._ask(machine) == STOP

    def _ask(self, machine: Machine) -> str:
        """Ask whether a run may begin; return go or stop."""
        told = {"host": name_of(machine), "cluster": machine.cluster, "role": ROLE, "package": PACKAGE}
        return self.reports.text("GET", f"/gate?{urlencode(told)}").partition("\n")[0]


def name_of(machine: Machine) -> str:
    """Return the whole name of a machine."""
    return f"{machine.name}.{company.MAIL_DOMAIN}"


def host_of(machine: Machine) -> Mapping[str, Json]:
    """Return which machine speaks."""
    return {
        "name": name_of(machine),
        "machine": hashlib.sha256(f"{company.SITE} {machine.name}".encode()).hexdigest()[:32],
        "cluster": machine.cluster,
        "role": ROLE,
        "environment": "production",
        "system": "centos-7",
        "tags": list(tags_of(machine)),
        "services": list(_carried(machine)),
    }


def tags_of(machine: Machine) -> Iterator[str]:
    """Each machine stands in one of two halls, and a few are looked at first: the canaries."""
    number = int(hashlib.sha256(machine.name.encode()).hexdigest()[:8], 16)
    if number % CANARIES == 0:
        yield "canary"
    yield f"hall {'ab'[number % 2]}"


def _carried(machine: Machine) -> Iterator[str]:
    """The response tools live on machines of their own cluster, beside httpd that they need."""
    yield "httpd"
    if machine.cluster == RESPONSE_TOOLS:
        yield from company.TOOL_NAMES


def converged(word: Word, ended: float) -> dict[str, Json]:
    """Return a run that ended at a time (seconds since 1970) as Chef's data collector tells it."""
    has_failed = word.state is State.NEW_BAD
    turned = next((turn.state for turn in word.machine.turns if word.run <= turn.at <= word.at), None)
    return {
        "message_type": "run_converge",
        "message_version": "1.1.0",
        "run_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{word.machine.name} {word.run} {ended}")),
        "node_name": name_of(word.machine),
        "start_time": _stamp(ended - (word.at - word.run)),
        "end_time": _stamp(ended),
        "status": "failure" if has_failed else "success",
        "resources": _resources(turned),
        "error": {"message": "httpd did not start"} if has_failed else None,
    }


def _resources(turned: State | None) -> list[Json]:
    """Return what a run looked after, by what it made of its machine."""
    if turned is State.NEW_BAD:
        moved: dict[str, Json] = {"type": "yum_package", "name": PACKAGE, "status": "updated", "result": "install"}
        wrong = {"type": "service", "name": ROLE, "status": "failed", "error_message": "httpd did not start"}
        return [{**moved, "before": {"version": OLD}, "after": {"version": NEW}}, wrong]
    if turned is State.NEW_GOOD:
        default = {"type": "file", "name": "/etc/httpd/conf.d/welcome.conf", "status": "updated", "result": "delete"}
        return [default, {"type": "service", "name": ROLE, "status": "updated", "result": "start"}]
    return []


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

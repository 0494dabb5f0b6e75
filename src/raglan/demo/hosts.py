"""The company's machines as raglan hears of them: what each reports, its Chef runs, and what it asks before a run.

Everything comes from the model, in the form in which `raglan-host` and Chef's data collector tell it.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from raglan.demo import company
from raglan.demo.client import Client, Json, Refused
from raglan.demo.model import HORIZON, Machine, Outcome, State

LOOK_EVERY = 10
AT_ONCE = 16
ROLE, PACKAGE, UNIT = "httpd", "httpd", "httpd.service"
OLD, NEW = "2.2.31-1", "2.2.32-1"
RESPONSE_TOOLS = "tools"  # the cluster on which they live
NEEDS_PACKAGES = 409
_BASE = (
    *("bash", "ca-certificates", "chef", "coreutils", "cronie", "curl", "dhclient", "glibc", "gnupg2", "grep", "gzip"),
    *("iproute", "kernel", "krb5-libs", "less", "libcurl", "logrotate", "lsof", "mailcap", "net-snmp", "nss", "ntp"),
    *("openldap", "openssh-server", "openssl", "pam", "pcre", "perl", "procps", "python", "rsync", "rsyslog", "sudo"),
    *("systemd", "tar", "tzdata", "util-linux", "vim-minimal", "xz", "yum", "zlib"),
)
_BY_CLUSTER = {"web": ("mod_ssl", "php", "php-opcache"), "api": ("mod_ssl", "memcached"), "tools": ("graphite-web",)}


def packages_of(machine: Machine, state: State) -> list[list[str]]:
    """Return what is installed on a machine, as `raglan-host` lists it."""
    names = {*_BASE, *_BY_CLUSTER[machine.cluster]}
    httpd = OLD if state is State.OLD_GOOD else NEW
    return sorted([*([name, "1.0-1", "x86_64"] for name in names), [PACKAGE, httpd, "x86_64"]])


def written(packages: list[list[str]]) -> str:
    """Return a list of packages as the bytes of which the digest is taken."""
    return json.dumps(packages, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that a machine says or asks, at a second of the story."""

    at: int
    machine: Machine
    state: State
    run: tuple[int, int] | None = None
    asks: bool = False


def words_of(outcome: Outcome) -> list[Word]:
    """Return all that machines say by themselves, in order: each change at once, and the runs that Chef tells of."""
    said = [Word(turn.at, machine, turn.state) for machine in outcome.machines for turn in machine.turns]
    runs = [
        Word(end, machine, machine.state_at(end), (start, end))
        for machine in outcome.machines
        for start, end in machine.runs
        if end <= HORIZON
    ]
    return sorted([*said, *runs], key=lambda word: word.at)


def asks_of(planned: Outcome, since: int) -> list[Word]:
    """Return which machines ask from a time on whether their next run may begin, each once."""
    first = (
        (machine, min((start for start, _ in machine.runs if start >= since), default=None))
        for machine in planned.machines
    )
    return sorted(
        (Word(at, machine, machine.state_at(since), asks=True) for machine, at in first if at is not None),
        key=lambda word: word.at,
    )


@dataclass(slots=True)
class Hosts:
    """The machines' side of one replay."""

    reports: Client
    outcome: Outcome
    words: list[Word] = field(default_factory=list)
    clock: Callable[[], float] = time.time
    heard: dict[str, str] = field(init=False, default_factory=dict)
    _next: int = field(init=False, default=0)
    _boot: str = field(init=False, default_factory=lambda: str(uuid.uuid4()))
    _seq: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.words = self.words or words_of(self.outcome)

    def begin(self) -> None:
        """Let every machine report how it stands before the story."""
        self._all(Word(0, machine, State.OLD_GOOD) for machine in self.outcome.machines)

    def add(self, words: Iterable[Word]) -> None:
        """Have more said or asked from now on."""
        left = sorted([*self.words[self._next :], *words], key=lambda word: word.at)
        self.words[self._next :] = left

    def until(self, second: int) -> None:
        """Say all that is due until a second of the story, the end included."""
        first = self._next
        while self._next < len(self.words) and self.words[self._next].at <= second:
            self._next += 1
        self._all(self.words[first : self._next])

    def _all(self, words: Iterable[Word]) -> None:
        """Say it several at a time; what one machine says stays in its order."""
        of: dict[str, list[Word]] = {}
        for word in words:
            of.setdefault(word.machine.name, []).append(word)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self._say, of.values()))

    def _say(self, words: list[Word]) -> None:
        for word in words:
            if word.asks:
                self.heard[word.machine.name] = self._ask(word.machine)
            elif word.run is not None:
                self.reports.call("POST", "/fleet/runs/chef", converged(word, self.clock()))
            else:
                self._report(word)

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
        self._seq[name] = self._seq.get(name, 0) + 1
        return {
            "v": 1,
            "host": host_of(word.machine),
            "at": self.clock(),
            "boot": self._boot,
            "seq": self._seq[name],
            "packages_hash": digest,
            "units": [["crond.service", "active"], [UNIT, "active" if word.state.serves else "failed"]],
            "because": "timer",
        }

    def is_stopped(self, machine: Machine) -> bool:
        """Tell whether a machine that asks now must not run."""
        return self._ask(machine) == "stop"

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
        "tags": [],
        "services": list(_carried(machine)),
    }


def _carried(machine: Machine) -> Iterator[str]:
    """The response tools live on machines of their own cluster, beside httpd that they need."""
    yield "httpd"
    if machine.cluster == RESPONSE_TOOLS:
        yield from company.TOOL_NAMES


def converged(word: Word, ended: float) -> dict[str, Json]:
    """Return a run that ended at a time (seconds since 1970) as Chef's data collector tells it."""
    start, end = word.run or (0, 0)
    has_failed = word.state is State.NEW_BAD
    turned = next((turn.state for turn in word.machine.turns if start <= turn.at <= end), None)
    return {
        "message_type": "run_converge",
        "message_version": "1.1.0",
        "run_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{word.machine.name} {start} {ended}")),
        "node_name": name_of(word.machine),
        "start_time": _stamp(ended - (end - start)),
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

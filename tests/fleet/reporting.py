"""Reports of hosts for tests, written as `raglan-host` sends them."""

import hashlib
import json
from collections.abc import Sequence

from raglan.core.clock import now
from raglan.fleet import cases, reports, taking
from raglan.fleet.models import Host
from raglan.fleet.reports import Received

WEB = (("apache2", "2.4.6-40", "amd64"), ("openssl", "3.0.11-1", "amd64"), ("zlib1g", "1.2.13", "amd64"))
NEWER = (("apache2", "2.4.6-45", "amd64"), *WEB[1:])
Packages = Sequence[tuple[str, str, str]]


def packed(packages: Packages) -> str:
    """Return a list of packages as hosts send and hash it."""
    return json.dumps([list(package) for package in packages], separators=(",", ":"))


def hash_of(packages: Packages) -> str:
    """Return the hash of a list."""
    return hashlib.sha256(packed(packages).encode()).hexdigest()


def body(name: str = "web1", *, packages: Packages | None = WEB, **said: object) -> bytes:
    """Return the body of a report; words of the host are given by `host`."""
    place = {"name": name, "machine": f"id-{name}", "cluster": "east", "role": "web", **dict(said.pop("host", {}))}  # type: ignore[call-overload]  # a dict of words
    told = {"v": 1, "host": place, "at": now().timestamp(), "boot": f"boot-{name}", "seq": 1, **said}
    text = json.dumps(told)
    return text.encode() if packages is None else f'{text[:-1]}, "packages": {packed(packages)}}}'.encode()


def received(name: str = "web1", *, sent: float = 0, **said: object) -> Received:
    """Return a report that just came."""
    return reports.read(body(name, **said), source=0, received_at=now(), sent=sent)  # type: ignore[arg-type]  # as body


def report(name: str = "web1", **said: object) -> cases.Result:
    """Take one report."""
    return taking.take_reports([received(name, **said)])[0]  # type: ignore[arg-type]  # as body


def host(name: str = "web1") -> Host:
    """Return a host by its name."""
    return Host.objects.get(name=name)

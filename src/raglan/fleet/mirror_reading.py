"""Fetches the index of a mirror and has it read in a process of its own."""

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from tempfile import gettempdir
from urllib.parse import urljoin, urlsplit

from raglan.config import config
from raglan.core import http, programs
from raglan.core.errors import DeliveryError
from raglan.fleet.mirror_models import Mirror

MORE_S = 50
WORKER_S = 60
COMMAND_S = 60
MIB = 1024 * 1024
MOST = 40 * MIB
MOST_SMALL = MIB
MOST_ANSWER = 40 * MIB
KEPT = ("PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")
SETTLED = timedelta(minutes=1)
INDEXES = ("Packages.xz", "Packages.gz", "Packages")
Package = tuple[str, str, str]


class NotReadError(Exception):
    """An index could not be fetched or understood."""


@dataclass(frozen=True, slots=True)
class Index:
    """What a mirror has, or that it has what it had: then `packages` is None."""

    digest: str
    validators: Mapping[str, str] = field(default_factory=dict)
    packages: frozenset[Package] | None = None


@dataclass(frozen=True, slots=True)
class _Fetched:
    body: bytes
    validators: Mapping[str, str]


def commands() -> dict[str, list[str]]:
    """Return the commands that the configuration allows to be run, by name."""
    split = (line.partition("=") for line in config().mirror_commands)
    return {name.strip(): shlex.split(words) for name, _, words in split}


def read(mirror: Mirror) -> Index:
    """Return what a mirror has now. Raises NotReadError."""
    match mirror.kind:
        case Mirror.Kind.YUM:
            return _read_yum(mirror)
        case Mirror.Kind.COMMAND:
            return _index(mirror, _Fetched(_run(mirror.address), {}), "command")
        case Mirror.Kind.APT if mirror.address.endswith("/"):
            return _read_apt_folder(mirror)
        case _:
            return _index(mirror, _fetch(mirror.address, mirror.validators), mirror.kind)


def _read_apt_folder(mirror: Mirror) -> Index:
    """Read the index of a folder, by whichever way it is packed."""
    for name in INDEXES:
        try:
            return _index(mirror, _fetch(urljoin(mirror.address, name), mirror.validators), mirror.kind)
        except _MissingError:
            continue
    raise NotReadError(f"there is neither of {', '.join(INDEXES)} at this address")


def _read_yum(mirror: Mirror) -> Index:
    base = mirror.address if mirror.address.endswith("/") else f"{mirror.address}/"
    root = _fetch(urljoin(base, "repodata/repomd.xml"), mirror.validators, most=MOST_SMALL)
    if root is None or (digest := _digest(root.body)) == mirror.digest:
        return Index(mirror.digest, mirror.validators if root is None else root.validators)
    said = _ask({"what": "repomd"}, root.body)
    fetched = _fetch(urljoin(base, str(said["location"])), {})
    assert fetched is not None, "nothing was asked for by condition"
    return Index(digest, root.validators, _packages({"what": "yum", "sha256": said["sha256"]}, fetched.body))


def _index(mirror: Mirror, fetched: _Fetched | None, what: str) -> Index:
    if fetched is None:
        return Index(mirror.digest, mirror.validators)
    digest = _digest(fetched.body)
    if digest == mirror.digest:
        return Index(digest, fetched.validators)
    return Index(digest, fetched.validators, _packages({"what": what}, fetched.body))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class _MissingError(NotReadError):
    """There is nothing at an address."""


def _fetch(url: str, validators: Mapping[str, str], *, most: int = MOST) -> _Fetched | None:
    """Return what stands at an address; None when it is as it was. Raises NotReadError."""
    asked = {"If-None-Match": validators.get("etag", ""), "If-Modified-Since": validators.get("modified", "")}
    is_same_place = validators.get("url") == url
    headers = {name: value for name, value in asked.items() if value and is_same_place}
    try:
        answer = http.fetch(url, {"Accept": "*/*", **headers}, more_s=MORE_S, most=most)
    except DeliveryError as error:
        raise NotReadError(str(error)) from None
    if answer.status == 304 and headers:
        return None
    if answer.status in (404, 410):
        raise _MissingError(f"{urlsplit(url).path} is not there ({answer.status})")
    if answer.status != 200:
        where = urlsplit(answer.headers.get("location", "")).hostname if 300 <= answer.status < 400 else ""
        raise NotReadError(f"it answered with {answer.status}" + (f" and points to {where}" if where else ""))
    if len(answer.body) >= most:
        raise NotReadError(f"it is larger than {most // MIB} MiB")
    declared = answer.headers.get("content-length", "")
    if declared.isdigit() and int(declared) != len(answer.body):
        raise NotReadError("it ended in the middle")
    found = {"etag": answer.headers.get("etag", ""), "modified": _modified(answer.headers)}
    return _Fetched(answer.body, {"url": url, **{name: value[:200] for name, value in found.items() if value}})


def _modified(headers: Mapping[str, str]) -> str:
    """Return when it was changed last, unless that was just now: in the same second it may be changed again."""
    try:
        modified, at = (parsedate_to_datetime(headers.get(name, "")) for name in ("last-modified", "date"))
        return headers["last-modified"] if at - modified > SETTLED else ""
    except (ValueError, TypeError):
        return ""


def _packages(asked: Mapping[str, object], body: bytes) -> frozenset[Package]:
    found = _ask(asked, body).get("packages")
    if not isinstance(found, list):
        raise NotReadError("reading it gave nothing")
    return frozenset((str(name), str(version), str(arch)) for name, version, arch in found)


def _ask(asked: Mapping[str, object], body: bytes) -> dict[str, object]:
    """Return what the worker process reads. Raises NotReadError."""
    words = [sys.executable, "-m", "raglan.fleet.mirror_worker"]
    ended = _program(words, WORKER_S, json.dumps(asked).encode() + b"\n" + body)
    try:
        answer = json.loads(ended.out)
    except ValueError:
        raise NotReadError("reading it took too much time or memory") from None
    if not isinstance(answer, dict):
        raise NotReadError("reading it gave nothing")
    if "refused" in answer:
        raise NotReadError(str(answer["refused"]))
    return answer


def _run(name: str) -> bytes:
    """Run a command of the configuration. Raises NotReadError, also when it fails: half a list is none."""
    words = commands().get(name)
    if not words:
        raise NotReadError("mirror_commands of the configuration does not name this command any more")
    ended = _program(words, COMMAND_S, b"")
    if ended.code:
        raise NotReadError(
            f"the command ended with {ended.code}. {ended.said.decode('utf-8', 'replace')[-200:]}".strip()
        )
    return ended.out


def _program(words: list[str], seconds: float, given: bytes) -> programs.Ended:
    kept = {name: os.environ[name] for name in (*KEPT, "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    bounds = programs.Bounds(seconds, MOST_ANSWER)
    try:
        return programs.run(words, folder=gettempdir(), env=kept, bounds=bounds, given=given)
    except OSError as error:
        raise NotReadError(f"{words[0]} can not be run: {error.strerror}") from None
    except programs.TooSlowError:
        raise NotReadError(f"it took more than {seconds:.0f} s") from None
    except programs.TooMuchError as error:
        raise NotReadError(str(error)) from None

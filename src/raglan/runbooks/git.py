"""Reads Markdown files of a git repository with the `git` program: what is newest on a branch, and nothing else.

The program sees one address, which was resolved and checked here; it follows no redirect, asks nobody, runs no hook,
checks nothing out and knows no settings of this machine. It has a deadline and a bound on what it may write.
"""

import base64
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from raglan.core import http
from raglan.core.errors import BadInput, DeliveryError
from raglan.runbooks.importing import File
from raglan.runbooks.limits import MAX_BYTES, MAX_FILES, is_wanted

MAX_ALL = 16 * 1024 * 1024
DEADLINE_S = 60
MAX_DISK = 200 * 1024  # of a single file, in the blocks of 1,024 bytes that `ulimit -f` counts
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
BOUNDED = ("bash", "-c", f'ulimit -f {MAX_DISK}; exec "$@"', "bash")


class NotReadError(Exception):
    """Why a repository could not be read, for people."""


@dataclass(frozen=True, slots=True)
class Where:
    """What is read: an https or http address, a branch (empty: the one that it names itself), a folder, a token."""

    address: str
    branch: str = ""
    folder: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """The files at a commit, their paths below the folder; and what was left out, in words."""

    commit: str
    files: tuple[File, ...]
    problems: tuple[str, ...] = ()


def check(where: Where) -> None:
    """Refuse what can not be read. Raises BadInput naming the field."""
    http.check_url(where.address, "address")
    if where.branch and (not REF.fullmatch(where.branch) or ".." in where.branch):
        raise BadInput("branch", "is not the name of a branch", status=422)
    parts = where.folder.strip("/").split("/")
    if where.folder and any(part in ("", ".", "..") for part in parts):
        raise BadInput("folder", "write the path of a folder within the repository, such as docs/runbooks", status=422)
    if not where.token.isascii() or any(char.isspace() for char in where.token):
        raise BadInput("token", "is not a token", status=422)


def newest(where: Where) -> str:
    """Return the commit that is newest. Raises NotReadError."""
    with TemporaryDirectory(prefix="raglan-git-") as home:
        out = _git(where, home, "ls-remote", where.address, _ref(where))
    commit = out.partition(b"\t")[0].decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        raise NotReadError(f"it has no branch {where.branch}" if where.branch else "it is empty")
    return commit


def read(where: Where) -> Copy:
    """Return the files of the newest commit. Raises NotReadError."""
    with TemporaryDirectory(prefix="raglan-git-") as home:
        _git(where, home, "init", "--quiet", "--bare", "--template=", ".")
        _git(where, home, "fetch", "--quiet", "--depth=1", "--no-tags", where.address, _ref(where))
        commit = _git(where, home, "rev-parse", "FETCH_HEAD").decode().strip()
        listed, problems = _chosen(_git(where, home, "ls-tree", "-r", "-z", "-l", "FETCH_HEAD"), where.folder)
        names = "".join(f"{name}\n" for _, name in listed).encode()
        blobs = _blobs(_git(where, home, "cat-file", "--batch", given=names))
        files: list[File] = []
        for path, name in listed:
            try:
                files.append(File(path, blobs.get(name, b"").decode("utf-8")))
            except UnicodeDecodeError:
                problems.append(f"{path}: it is not UTF-8")
    return Copy(commit, tuple(files), tuple(problems))


def _ref(where: Where) -> str:
    return f"refs/heads/{where.branch}" if where.branch else "HEAD"


def _chosen(tree: bytes, folder: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return path and object of each file that is taken, and why others are not. Links are passed over."""
    found: list[tuple[str, str]] = []
    problems: list[str] = []
    start, total = f"{folder.strip('/')}/" if folder else "", 0
    for path, name, size in _entries(tree):
        inner = path.removeprefix(start)
        if not path.startswith(start) or not is_wanted(inner):
            continue
        total += size
        if size > MAX_BYTES:
            problems.append(f"{inner}: it is larger than 256 KiB")
        elif len(found) >= MAX_FILES or total > MAX_ALL:
            raise NotReadError(f"it has more than {MAX_FILES} files or 16 MiB of them; name a smaller folder")
        else:
            found.append((inner, name))
    return found, problems


def _entries(tree: bytes) -> Iterator[tuple[str, str, int]]:
    """Give path, object and size of each plain file of a tree."""
    for line in tree.split(b"\0"):
        head, _, path = line.partition(b"\t")
        words = head.split()
        if len(words) == 4 and words[0] in (b"100644", b"100755") and words[3].isdigit():
            yield path.decode("utf-8", "replace"), words[2].decode(), int(words[3])


def _blobs(out: bytes) -> dict[str, bytes]:
    """Return what `cat-file --batch` printed, by object."""
    found: dict[str, bytes] = {}
    at = 0
    while (end := out.find(b"\n", at)) > 0:
        words = out[at:end].split()
        if len(words) != 3 or not words[2].isdigit():
            at = end + 1
            continue
        size = int(words[2])
        found[words[0].decode()] = out[end + 1 : end + 1 + size]
        at = end + 2 + size
    return found


def _git(where: Where, home: str, *words: str, given: bytes = b"") -> bytes:
    """Run git once. Raises NotReadError."""
    command = [*BOUNDED, "git", *_settings(where), *words]
    try:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=_environment(where, home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError:
        raise NotReadError("the program git is not installed here") from None
    try:
        out, said = process.communicate(given, timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # what it started, too
        process.communicate()
        raise NotReadError(f"it did not answer within {DEADLINE_S} s") from None
    if process.returncode:
        raise NotReadError(_last_line(said, where))
    return out


def _settings(where: Where) -> Sequence[str]:
    """Return settings of one call: only this address, by the address that was checked, and no redirect."""
    parts = urlsplit(where.address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = http.resolve(host, port)
    except DeliveryError as error:
        raise NotReadError(error.sentence) from None
    settings = {
        "protocol.allow": "never",
        f"protocol.{parts.scheme}.allow": "always",
        "http.followRedirects": "false",
        "http.curloptResolve": f"{host}:{port}:{f'[{address}]' if address.version == 6 else address}",
        "http.lowSpeedLimit": "1000",
        "http.lowSpeedTime": "20",
        "fetch.fsckObjects": "true",
        "credential.helper": "",
        "core.hooksPath": os.devnull,
        "gc.auto": "0",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _environment(where: Where, home: str) -> dict[str, str]:
    """Return what git may know of this machine. The token goes here, because anybody may read arguments."""
    own = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": home,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
    }
    own |= {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
    if where.token:
        word = base64.b64encode(f"git:{where.token}".encode()).decode()
        own |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader"}
        own["GIT_CONFIG_VALUE_0"] = f"Authorization: Basic {word}"
    return own


def _last_line(said: bytes, where: Where) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    text = lines[-1] if lines else "git could not read it"
    text = text.removeprefix("fatal: ")
    return (text.replace(where.token, "[token]") if where.token else text)[:300]

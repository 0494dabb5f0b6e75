"""Runs the `git` program against one foreign repository, and bounds what that may do.

The program sees one address, which was resolved and checked here; it follows no redirect, asks nobody, runs no hook,
and knows no settings of this machine. It has a deadline and bounds on what it may write and print.
"""

import base64
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from raglan.core import http, programs
from raglan.core.errors import BadInput, DeliveryError

DEADLINE_S = 60
MAX_DISK = 200 * 1024  # of a single file, in the blocks of 1,024 bytes that `ulimit -f` counts
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
BOUNDED = ("bash", "-c", f'ulimit -f {MAX_DISK}; exec "$@"', "bash")


class GitError(Exception):
    """Why git did not do it, for people."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository elsewhere: an https or http address, and a token where it needs one."""

    address: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Until when a call may take (monotonic seconds), if less than its own deadline, and how much it may print."""

    until: float | None = None
    most: int = programs.MOST


def check(remote: Remote, branch: str, folder: str) -> None:
    """Refuse what can not be reached. Raises BadInput naming the field."""
    http.check_url(remote.address, "address")
    if branch and (not REF.fullmatch(branch) or ".." in branch):
        raise BadInput("branch", "is not the name of a branch", status=422)
    parts = folder.strip("/").split("/")
    if folder and any(part in ("", ".", "..") for part in parts):
        raise BadInput("folder", "write the path of a folder within the repository, such as docs/runbooks", status=422)
    if not remote.token.isascii() or any(char.isspace() for char in remote.token):
        raise BadInput("token", "is not a token", status=422)


def run(remote: Remote, home: str, *words: str, given: bytes = b"", bounds: Bounds = Bounds()) -> bytes:
    """Run git once in a folder of its own; return what it prints. Raises GitError."""
    until = bounds.until
    left = DEADLINE_S if until is None else max(0.0, min(DEADLINE_S, until - time.monotonic()))
    command = [*BOUNDED, "git", *_settings(remote), *words]
    allowed = programs.Bounds(left, bounds.most)
    try:
        ended = programs.run(command, folder=home, env=_environment(remote, home), bounds=allowed, given=given)
    except OSError:
        raise GitError("the program git is not installed here") from None
    except programs.TooMuchError as error:
        raise GitError(str(error)) from None
    except programs.TooSlowError:
        raise GitError(
            f"it did not answer within {DEADLINE_S} s" if left == DEADLINE_S else "it took too long in all"
        ) from None
    if ended.code:
        raise GitError(_last_line(ended.said, remote))
    return ended.out


def _settings(remote: Remote) -> Sequence[str]:
    """Return settings of one call: only this address, by the address that was checked, and no redirect."""
    parts = urlsplit(remote.address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = http.resolve(host, port)
    except DeliveryError as error:
        raise GitError(error.sentence) from None
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


def _environment(remote: Remote, home: str) -> dict[str, str]:
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
    if remote.token:
        word = base64.b64encode(f"git:{remote.token}".encode()).decode()
        own |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader"}
        own["GIT_CONFIG_VALUE_0"] = f"Authorization: Basic {word}"
    return own


def _last_line(said: bytes, remote: Remote) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    text = lines[-1] if lines else "git could not do it"
    text = text.removeprefix("fatal: ")
    return (text.replace(remote.token, "[token]") if remote.token else text)[:300]

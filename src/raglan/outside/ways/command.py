"""A command of the configuration file, such as rsync: no shell, a deadline, its output kept."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from raglan.config import config
from raglan.core.errors import BadInput
from raglan.outside.ways.way import NotBroughtError, Place

DEADLINE_S = 60
LET_GO_S = 5
MAX_OUTPUT = 4_000
CONTROL = re.compile(r"[^\n\t\x20-\x7e\u00a0-\uffff]")
KEPT = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")


class Command:
    """The way `command`."""

    names: ClassVar[tuple[str, ...]] = ("command",)
    asks_for: ClassVar[str] = ""

    def check(self, place: Place) -> None:
        """Refuse a command that the configuration does not name."""
        if place.get("command") not in commands():
            known = ", ".join(commands()) or "none yet"
            raise BadInput(
                "command", f"is not one that status_commands of the configuration names: {known}", status=422
            )

    def bring(self, place: Place, files: Mapping[str, bytes]) -> str:
        """Write the files into a folder of their own, and run the command on it."""
        words = commands().get(place.get("command"))
        if not words:
            raise NotBroughtError("status_commands of the configuration does not name this command any more")
        with TemporaryDirectory(prefix="raglan-status-") as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            return _run([word.replace("{folder}", folder) for word in words], folder)


def commands() -> dict[str, list[str]]:
    """Return the commands of the configuration by name, as lists of words."""
    split = (line.partition("=") for line in config().status_commands)
    return {name.strip(): shlex.split(words) for name, _, words in split}


def _run(words: list[str], folder: str) -> str:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise NotBroughtError(f"the command can not be run: {error.strerror}") from None
    try:
        out, _ = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # what it started, too
        with suppress(subprocess.TimeoutExpired):  # what left the group may hold the pipe open
            process.communicate(timeout=LET_GO_S)
        raise NotBroughtError(f"the command did not end within {DEADLINE_S} s") from None
    said = CONTROL.sub("", out.decode("utf-8", "replace"))[-MAX_OUTPUT:].strip()
    if process.returncode:
        raise NotBroughtError(f"the command ended with {process.returncode}. {said}".strip())
    return said

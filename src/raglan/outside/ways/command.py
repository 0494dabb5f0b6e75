"""A command of the configuration file, such as rsync: no shell, a deadline, its output kept up to a bound."""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from raglan.config import config
from raglan.core import programs
from raglan.core.errors import BadInput
from raglan.outside.ways.way import NotBroughtError, Place

DEADLINE_S = 60
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
        ended = programs.run(words, folder=folder, env=environment, bounds=programs.Bounds(DEADLINE_S), joined=True)
    except OSError as error:
        raise NotBroughtError(f"the command can not be run: {error.strerror}") from None
    except programs.TooSlowError:
        raise NotBroughtError(f"the command did not end within {DEADLINE_S} s") from None
    except programs.TooMuchError:
        raise NotBroughtError("the command was ended: it printed more than 1 MiB") from None
    said = CONTROL.sub("", ended.out.decode("utf-8", "replace"))[-MAX_OUTPUT:].strip()
    if ended.code:
        raise NotBroughtError(f"the command ended with {ended.code}. {said}".strip())
    return said

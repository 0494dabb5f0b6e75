"""Reads from the lines that apt, dnf and yum print which packages moved."""

import re
from collections.abc import Iterator, Sequence

from raglan.fleet.ports import MoveTold
from raglan.integrations import told

UNPACKED = re.compile(r"^Unpacking ([^\s:]+)(?::(\S+))? \(([^)]+)\)(?: over \(([^)]+)\))?")
REMOVED = re.compile(r"^Removing ([^\s:]+)(?::(\S+))? \(([^)]+)\)")
PLANNED = re.compile(r"^Inst (\S+?)(?::\S+)? (?:\[([^\]]+)\] )?\((\S+) .*?\[(\w+)\]\)")
CAME = re.compile(r"^(?:Installed: |\s*(?:Updating|Upgrading|Installing|Downgrading|Reinstalling) *: )(\S+)")
WENT = re.compile(r"^(?:Removed: |\s*(?:Cleanup|Erasing|Removing) *: )(\S+)")
NEVRA = re.compile(r"^(.+)-(?:(\d+):)?([^-]+)-([^-]+)\.(\w+)$")
PREFIXED = re.compile(r"^(\d+):(.+)-([^-]+)-([^-]+)\.(\w+)$")


def moves(lines: Sequence[str]) -> list[MoveTold]:
    """Return what moved, each package once."""
    came: dict[tuple[str, str], str] = {}
    went: dict[tuple[str, str], str] = {}
    for line in lines:
        for name, arch, old, new in _read(line):
            if new:
                came[name, arch] = new
            if old:
                went.setdefault((name, arch), old)
    keys = dict.fromkeys([*came, *went])
    return [move for key in keys for move in told.moved(key[0], went.get(key, ""), came.get(key, ""), key[1])]


def _read(line: str) -> Iterator[tuple[str, str, str, str]]:
    """Give name, architecture, old and new version; one of both may be told by another line."""
    if found := UNPACKED.match(line):
        yield found[1], found[2] or "", found[4] or "", found[3]
    elif found := PLANNED.match(line):
        yield found[1], "", found[2] or "", found[3]
    elif found := REMOVED.match(line):
        yield found[1], found[2] or "", found[3], ""
    elif (found := CAME.match(line)) and (package := _package(found[1])):
        yield package[0], package[2], "", package[1]
    elif (found := WENT.match(line)) and (package := _package(found[1])):
        yield package[0], package[2], package[1], ""


def _package(label: str) -> tuple[str, str, str] | None:
    """Read `httpd-2.4.57-5.el9.x86_64`, with an epoch before the version or, as yum writes it, before the name."""
    if found := PREFIXED.match(label):
        epoch, name, version, release, arch = found.groups()
    elif found := NEVRA.match(label):
        name, epoch, version, release, arch = found.groups()
    else:
        return None
    return name, f"{epoch}:{version}-{release}" if epoch and epoch != "0" else f"{version}-{release}", arch

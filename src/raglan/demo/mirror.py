"""The company's package mirror, as raglan reads it: a list in a file that a command of the configuration prints.

The file is made and the command named by whoever serves the demo, so that nothing outside is asked.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from raglan.demo import company
from raglan.demo.client import Client, Json, text
from raglan.demo.hosts import NEW, OLD, OTHERS, PACKAGE, ROLE
from raglan.demo.pace import Pace

COMMAND = "demo-mirror"
ARCH = "x86_64"


def setting(file: Path) -> str:
    """Return the line of `mirror_commands` that lets raglan read the mirror."""
    return f"{COMMAND}=cat {shlex.quote(str(file))}"


@dataclass(slots=True)
class PackageMirror:
    """What the mirror has and what hosts are pinned to, in the course of one replay."""

    file: Path
    admin: Client
    keeps_old: bool = False
    _seen: str = field(init=False, default="")

    def begin(self) -> None:
        """Let raglan read a mirror that has the old version, to which hosts are pinned."""
        self._write(OLD)
        known = self._known()
        self._seen = text(known, "read_at")
        if known:
            self._read_again(known)
        else:
            body = {"name": f"Packages of {company.NAME}", "kind": "command", "address": COMMAND, "scheme": "rpm"}
            self.admin.post("/mirrors", {**body, "every_min": 15})
        self._pin(OLD)

    def move_on(self, pace: Pace) -> None:
        """Have the new version take the place of the old one, once that was seen there."""
        pace.until(self._is_read)
        self._write(NEW, *((OLD,) if self.keeps_old else ()))
        self._read_again(self._known())
        pace.until(self._is_read)

    def raise_pin(self) -> None:
        """Pin hosts to the new version, as the change of the story does."""
        self._pin(NEW)

    def _pin(self, version: str) -> None:
        self.admin.put("/pins", {"role": ROLE, "pins": {PACKAGE: version}})

    def _write(self, *versions: str) -> None:
        has = [*((name, "1.0-1") for name in OTHERS), *((PACKAGE, version) for version in versions)]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        half = self.file.with_suffix(".new")
        half.write_text("".join(f"{name} {version} {ARCH}\n" for name, version in sorted(has)), encoding="utf-8")
        half.replace(self.file)

    def _known(self) -> Mapping[str, Json]:
        return next((row for row in self.admin.rows("/mirrors") if text(row, "address") == COMMAND), {})

    def _read_again(self, known: Mapping[str, Json]) -> None:
        self._seen = text(known, "read_at")
        self.admin.post(f"/mirrors/{text(known, 'slug')}/read")

    def _is_read(self) -> bool:
        return text(self._known(), "read_at") != self._seen

"""What every way to a place has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}


def type_of(name: str) -> str:
    """Return the media type of one of the files."""
    return TYPES[name.rpartition(".")[2]]


class NotBroughtError(Exception):
    """Why files could not be brought to a place, for people."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where files are to go: settings in words, and a secret where the way needs one."""

    settings: Mapping[str, str]
    secret: str = ""

    def get(self, name: str) -> str:
        """Return a setting, or nothing."""
        return self.settings.get(name, "")


class Way(Protocol):
    """One way. `names` are its settings; `asks_for` is the word for its secret, if it has one."""

    names: ClassVar[tuple[str, ...]]
    asks_for: ClassVar[str]

    def check(self, place: Place) -> None:
        """Refuse what can not work. Raises BadInput naming the field."""

    def bring(self, place: Place, files: Mapping[str, bytes]) -> str:
        """Bring all files, in their order; return what was said on the way. Raises NotBroughtError."""

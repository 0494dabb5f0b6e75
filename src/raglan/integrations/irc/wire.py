"""Lines of IRC: how they are read, and how long texts are cut into several."""

import re
from dataclasses import dataclass, field

from raglan.chat.ports import FURTHER

MOST_BYTES = 390  # of 512 for a whole line with who sends it, to which channel
MOST_LINES = 8
REST = "… (the rest stands in raglan)"
BEGINS_WELL = re.compile(r"[\w#“(\[…]|$")
_TAG = {"\\:": ";", "\\s": " ", "\\\\": "\\", "\\r": "\r", "\\n": "\n"}
_STYLE = re.compile("\x03(?:\\d{1,2}(?:,\\d{1,2})?)?|\x04[0-9a-fA-F]{6}|[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Said:
    """One line from the server: who, which command, and its words; the last one may hold spaces."""

    command: str
    words: tuple[str, ...]
    source: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def nick(self) -> str:
        """Who sent it, without where they are."""
        return self.source.partition("!")[0]

    @property
    def last(self) -> str:
        """The last word."""
        return self.words[-1] if self.words else ""


def read(line: str) -> Said:
    """Read one line."""
    tags: dict[str, str] = {}
    source = ""
    if line.startswith("@"):
        given, _, line = line[1:].partition(" ")
        tags = {name: _unescaped(value) for name, _, value in (tag.partition("=") for tag in given.split(";"))}
    line = line.lstrip(" ")
    if line.startswith(":"):
        source, _, line = line[1:].partition(" ")
    head, has_last, last = line.lstrip(" ").partition(" :")
    words = head.split()
    more = (last,) if has_last else ()
    return Said(words[0].upper() if words else "", (*words[1:], *more), source, tags)


def _unescaped(value: str) -> str:
    return re.sub(r"\\.", lambda found: _TAG.get(found[0], found[0][1:]), value)


def plain(text: str) -> str:
    """Return a text without colours and control characters."""
    return _STYLE.sub("", text)


def cut(who: str, text: str) -> list[str]:
    """Return a text as lines that fit, the first with who in bold; a very long one ends early and says so.

    None begins as a command does: a line without who would be one of raglan's own, and other programs obey that.
    """
    lines = [plain(line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line] or [""]
    if len(lines) > MOST_LINES:
        lines = [" | ".join(lines)]
    said = " ".join(plain(who).split())
    lines[0] = f"\x02{said}\x02 {lines[0]}" if said else lines[0]
    if not BEGINS_WELL.match(said or lines[0]):
        lines[0] = FURTHER + lines[0]
    pieces = [*_pieces(lines[0])]
    for line in lines[1:]:
        pieces += _pieces(FURTHER + line)
    return pieces if len(pieces) <= MOST_LINES else [*pieces[:MOST_LINES], REST]


def _pieces(line: str) -> list[str]:
    """Cut a line at spaces where there are some; a letter of several bytes is never broken."""
    found: list[str] = []
    while len(line.encode()) > MOST_BYTES:
        fits = line.encode()[:MOST_BYTES].decode("utf-8", "ignore")
        at = fits.rfind(" ")
        at = at if at > MOST_BYTES // 3 else len(fits)
        found.append(line[:at])
        line = FURTHER + line[at:].lstrip(" ")
    return [*found, line]

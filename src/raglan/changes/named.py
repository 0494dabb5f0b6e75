"""Names as people write them in one line: with spaces or commas between, and in quotes where a name has spaces. Pure.

Quotes are `"` or those that a telephone makes of it; one inside a name, as in 6"-disks, is a sign like any other.
"""

import re
from collections.abc import Iterable

from raglan.core.errors import BadInput

QUOTES = '"“”„«»'
_QUOTED = rf"[{QUOTES}]([^{QUOTES}]*)[{QUOTES}]"
_NAME = re.compile(rf"{_QUOTED}(?=[\s,]|$)|([^\s,]+)")
_FIRST = re.compile(rf"{_QUOTED}(?=[\s:]|$)")


def read(text: str, *, field: str = "") -> tuple[str, ...]:
    """Return the names of a line, each once. Raises BadInput at a quote that does not close."""
    names = [_name(found, field) for found in _NAME.finditer(text)]
    return tuple(dict.fromkeys(name for name in names if name))


def _name(found: re.Match[str], field: str) -> str:
    if found[2] and found[2][0] in QUOTES:
        raise BadInput(field, "a quote that begins a name ends it, too, as in “front row”", status=422)
    return found[2] or found[1].strip()


def first(text: str) -> tuple[str, str]:
    """Return the name that a line begins with, and what stands behind it."""
    if found := _FIRST.match(text.strip()):
        return found[1].strip(), text.strip()[found.end() :].strip(" :")
    name, _, rest = text.strip().partition(" ")
    return name, rest.strip()


def bare(text: str) -> str:
    """Return one name, without the quotes that it may stand in."""
    found = re.fullmatch(_QUOTED, text.strip())
    return (found[1] if found else text).strip()


def written(names: Iterable[str]) -> str:
    """Write names as they are read, with commas between."""
    return ", ".join(f"“{name}”" if " " in name else name for name in names)

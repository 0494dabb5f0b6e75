"""Names as people write them in one line: with spaces or commas between, in quotes where a name has some itself. Pure.

Quotes are `"` or those that a telephone makes of it, in pairs; another one inside a name is a sign like any other, and
so is one behind a digit, as in 6"-disks. Single quotes are none, and no name begins with one by mistake.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from raglan.core.errors import BadInput

PAIRS = {"“": "”“", '"': '"', "«": "»", "„": "“”", "»": "«»", "”": "”"}  # what begins a name, and what may end it
SINGLE = "'‘’‚"
_MARKS = "".join(PAIRS)
QUOTES = tuple(SINGLE + _MARKS)
_QUOTED = "|".join(f"{begins}[^{ends}]*[{ends}]" for begins, ends in PAIRS.items())
_NAME = re.compile(rf"({_QUOTED})(?=[\s,]|$)|([^\s,]+)")
_FIRST = re.compile(rf"(?:{_QUOTED})(?=[\s:]|$)")
_PIECE = re.compile(rf"(?:{_QUOTED})(?=[\s,]|$)|[^\s,]+|\s+|,")
_ODD = re.compile(rf"[{_MARKS}].*|.*(?<!\d)[{_MARKS}]")


def read(text: str, *, field: str = "") -> tuple[str, ...]:
    """Return the names of a line, each once. Raises BadInput at a quote that does not close, and at single ones."""
    names = [_inside(found[1]) if found[1] else _plain(found[2], field) for found in _NAME.finditer(text)]
    return tuple(dict.fromkeys(name for name in names if name))


def _inside(quoted: str) -> str:
    return quoted[1:-1].strip()


def _plain(name: str, field: str) -> str:
    """Return a name that stands in no quotes."""
    if _ODD.fullmatch(name):
        raise BadInput(field, "a quote that begins a name ends it, too, as in “front row”", status=422)
    if name.startswith(tuple(SINGLE)):
        raise BadInput(field, "single quotes hold no name together; write “front row”", status=422)
    return name


def facts(text: str) -> list[str]:
    """Return what stands between commas; those inside of quotes part nothing."""
    found = [""]
    for piece in _PIECE.finditer(text):
        if piece[0] == ",":
            found.append("")
        else:
            found[-1] += piece[0]
    return [fact.strip() for fact in found if fact.strip()]


def one(text: str, *, field: str = "") -> str:
    """Return the name of a fact, as it is or in quotes. Raises BadInput as `read` does."""
    text = text.strip()
    if re.fullmatch(_QUOTED, text):
        return _inside(text)
    return _plain(text, field) if text.startswith(QUOTES) else text


def alone(name: str) -> str:
    """Write a name as `one` reads it from a fact: in quotes where it needs some; spaces need none there."""
    return _in_quotes(name) if "," in name or name.startswith(QUOTES) else name


def first(text: str, *, field: str = "") -> tuple[str, str]:
    """Return the name that a line begins with, and what stands behind it. Raises BadInput as `read` does."""
    if found := _FIRST.match(text.strip()):
        return _inside(found[0]), text.strip()[found.end() :].strip(" :")
    name, _, rest = text.strip().partition(" ")
    return _plain(name, field), rest.strip()


def bare(text: str) -> str:
    """Return one name, without the quotes that it may stand in."""
    return _inside(text.strip()) if re.fullmatch(_QUOTED, text.strip()) else text.strip()


def written(names: Iterable[str]) -> str:
    """Write names as they are read, with commas between."""
    return ", ".join(map(_written, names))


@lru_cache(maxsize=4_096)  # the gate says the same few names to every host
def _written(name: str) -> str:
    """Write a name in quotes where it needs some: the first ones that no sign of its own would end."""
    if not (re.search(r"[\s,]", name) or _ODD.fullmatch(name) or name.startswith(tuple(SINGLE))):
        return name
    return _in_quotes(name)


def _in_quotes(name: str) -> str:
    begins = next((begins for begins, ends in PAIRS.items() if not any(end in name for end in ends)), "“")
    return f"{begins}{name}{PAIRS[begins][0]}"

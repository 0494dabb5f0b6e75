"""Reads pins as people and files have them: a package and its version in a line."""

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput

MOST_TEXT = 255
MARKS = ("==", "=", " ", "\t")


def parse(text: str) -> dict[str, str]:
    """Read pins as people paste them: a package and its version in a line, with a space or `=` between.

    Raises BadInput naming the line.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(clean_text(text).splitlines(), 1):
        words = line.partition("#")[0].strip().rstrip(",;").strip()
        if not words:
            continue
        name, version = _pair(words)
        if not name or not version or len(name) > MOST_TEXT or len(version) > MOST_TEXT or " " in version:
            raise BadInput(
                "pins", f"line {number}: write a package and its version, such as httpd 2.4.6-40", status=422
            )
        found[name] = version
    return found


def _pair(words: str) -> tuple[str, str]:
    mark = min((one for one in MARKS if one in words), key=lambda one: (words.index(one), -len(one)), default=" ")
    name, _mark, version = words.partition(mark)
    return name.strip(" \t'\""), version.strip(" \t='\"")

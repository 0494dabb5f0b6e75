"""What a line says behind labels, such as `it spreads; for: 2 h; name: “pin; both”`. Pure.

A label stands at the beginning of a line or behind a semicolon. What stands in quotes on one line begins none.
"""

import re

from raglan.changes.named import PAIRS

MOST_QUOTED = 1_000
_QUOTES = "|".join(rf"{begins}[^{ends}\n]{{0,{MOST_QUOTED}}}[{ends}]" for begins, ends in PAIRS.items())
_QUOTED = re.compile(rf"(?<![^\s,;:(\[])(?:{_QUOTES})(?=[\s,;:.!?)\]]|$)")


def pattern(labels: str) -> re.Pattern[str]:
    """Return how labels are found that an expression names."""
    return re.compile(rf"(?:^|\n|;)[ \t]*({labels})[ \t]*:", re.IGNORECASE)


def split(text: str, labels: re.Pattern[str]) -> tuple[str, list[tuple[str, str]]]:
    """Return what stands before the first label, and each label in small letters with what stands behind it."""
    plain = _QUOTED.sub(lambda found: "x" * len(found[0]), text)
    marks = list(labels.finditer(plain))
    ends = [mark.start() for mark in marks] + [len(text)]
    said = [(mark[1].lower(), text[mark.end() : end]) for mark, end in zip(marks, ends[1:], strict=True)]
    return text[: ends[0]], said

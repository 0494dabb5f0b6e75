"""Texts as Mattermost shows them: as they were written.

No markup, no picture from elsewhere, and nobody is woken by a name in them, nor everybody.
"""

import re

from raglan.chat.ports import Line, cut, tidy

MOST_TEXT = 15_000  # a post holds 16,383 letters
_PIECES = re.compile(
    r"(https?://[\w.~:/?#@%&=+,;-]*[\w/])"
)  # a link stands as it is, as long as nothing in it is markup
_MARKS = re.compile(r"([\\`*_~\[\]<>|$]|(?<=\n)#|^#)")
_INDENTED = re.compile(r"(?m)^[ \t]+")
_APART = "\u200b"  # behind an @: a name that is not whole is no mention, nor is @all


def plain(text: str) -> str:
    """Write a text so that it is shown as it is."""
    text = _INDENTED.sub(lambda found: "\u00a0" * len(found[0]), tidy(text))
    pieces = _PIECES.split(text)
    return "".join(_link(piece) if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text.replace("@", f"@{_APART}"))


def _link(link: str) -> str:
    """Leave a link, but for an @ in it, which could be read as a name."""
    return link.replace("@", "%40")


def said(line: Line) -> str:
    """Return a line: who in bold, then their words."""
    who = plain(" ".join(line.who.split()))
    text = plain(line.text)
    return cut(f"**{who}** {text}" if who else text, MOST_TEXT)

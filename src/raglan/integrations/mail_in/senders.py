"""Subjects of senders that write something else about each state, by the shape that only they have.

Each names what it is about, and by another word whether that is over; what stands besides, such as the last answer of a
site, is no part of what it is about.
"""

import re
from typing import Literal

Ends = Literal["", "maybe", "surely"]
STATE = "(?:(?P<up>✅\ufe0f? Up)|🔴 Down)"
SHAPES: tuple[tuple[re.Pattern[str], Ends], ...] = (
    (re.compile(rf"\[(?P<about>.+?)\] \[{STATE}\](?: .*)?"), "surely"),  # Uptime Kuma
    (re.compile(rf"(?P<about>.*?[^\s:|–-])(?: is)?(?: ?[:|–-])? {STATE}"), "maybe"),  # one of its subjects of one's own
    (re.compile(rf"{STATE}(?: ?[:|–-])? (?P<about>.+)"), "maybe"),
    (re.compile(r"(?P<about>Connection to .+) is (?:(?P<up>up ✅\ufe0f?)|down 🔴)"), "surely"),  # Beszel
    (re.compile(r"\[(?P<about>.+)\] Alert (?:(?P<up>resolved)|triggered)"), "maybe"),  # Gatus
)


def read(title: str) -> tuple[str, Ends] | None:
    """Return what a subject is about and whether it is over; None where it has the shape of no known sender."""
    for shape, ends in SHAPES:
        if found := shape.fullmatch(title):
            return found["about"], ends if found["up"] else ""
    return None

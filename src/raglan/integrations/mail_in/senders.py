"""Subjects of senders that write something else about each state, by the shape that only they have.

Each names what it is about, and by another word whether that is over; what stands besides, such as the last answer of a
site, is no part of what it is about. Who sent it is a part: the end that one sender tells is none of another's alert.
Gatus' subjects may be anybody's, so that they count only beside the sentence that its mails begin with.
"""

import re
from typing import Literal

from raglan.integrations.mail_in.states import is_state

Ends = Literal["", "maybe", "surely"]
MOST_TAGS = 5
TAG = r"\[([^\[\]]{1,40})\] ?"
TAGS = rf"(?:{TAG}){{0,{MOST_TAGS}}}"
ANSWERED = re.compile(rf"(?P<tags>{TAGS})(?:re|fwd?|aw|wg) ?: ?", re.IGNORECASE)
STATE = "(?:(?P<up>✅\ufe0f? Up)|🔴 Down)"
KUMA, BESZEL = "Uptime Kuma", "Beszel"
SHAPES: tuple[tuple[str, re.Pattern[str], Ends], ...] = (
    (KUMA, re.compile(rf"\[(?P<about>.+?)\] \[{STATE}\](?: .*)?"), "surely"),
    (KUMA, re.compile(rf"(?P<about>.*?[^\s:|–-])(?: is)?(?: ?[:|–-])? {STATE}"), "maybe"),  # subjects of one's own
    (KUMA, re.compile(rf"{STATE}(?: ?[:|–-])? (?P<about>.+)"), "maybe"),
    (BESZEL, re.compile(rf"(?P<about>{TAGS}Connection to .+) is (?:(?P<up>up ✅\ufe0f?)|down 🔴)"), "surely"),
)
GATUS = re.compile(r"\[(?P<about>.+)\] Alert (?P<word>resolved|triggered)")
LEADING_TAG = re.compile(TAG)


def read(title: str, text: str) -> tuple[str, Ends] | None:
    """Return what a subject is about and whether it is over; None where it has the shape of no known sender.

    Takes a subject with single spaces, and the text of its mail.
    """
    title = _without_answers(title)
    for sender, shape, ends in SHAPES:
        if (found := shape.fullmatch(title)) and not (sender == BESZEL and _is_led_by_a_state(title)):
            return f"{sender}: {found['about']}", ends if found["up"] else ""
    return _of_gatus(title, text) if GATUS.fullmatch(title) else None


def _without_answers(title: str) -> str:
    """Leave out each mark of a reply or a forward; tags before it, such as the name of a list, stay."""
    kept, at = "", 0
    while found := ANSWERED.match(title, at):
        kept, at = kept + found["tags"], found.end()
    return kept + title[at:]


def _is_led_by_a_state(title: str) -> bool:
    """Tell whether a tag before a shape is the mark of another sender: that says more than the shape does."""
    at = 0
    while found := LEADING_TAG.match(title, at):
        if is_state(found[1]):
            return True
        at = found.end()
    return False


def _of_gatus(title: str, text: str) -> tuple[str, Ends] | None:
    """Read `[name] Alert triggered` where the text says the same of that name, which is no state and no severity."""
    said, tags, rest = " ".join(text.split()) + " ", "", title
    for _ in range(MOST_TAGS + 1):
        found = GATUS.fullmatch(rest)
        if found is None:
            return None
        name, word = found["about"], found["word"]
        if f"An alert for {name} has been {word} " in said:
            return None if is_state(name) else (f"Gatus: {tags}{name}", "maybe" if word == "resolved" else "")
        tag = LEADING_TAG.match(rest)
        if tag is None or is_state(tag[1]):
            return None
        tags, rest = tags + tag[0], rest[tag.end() :]
    return None

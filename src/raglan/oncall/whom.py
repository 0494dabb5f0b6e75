"""Whom an event of a foreign calendar names, and what of it was not understood. Pure but for the people."""

import re
from collections.abc import Sequence
from unicodedata import normalize

from raglan.oncall.reading import as_list
from raglan.people.models import Person

NOBODY = "names nobody who is known here"
DECLINED = "everybody whom it names has declined, or is not known here"
ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
BETWEEN = re.compile(r"( [+&] | and |[+&,;/|])", re.IGNORECASE)
TAKEN = "\0"
Found = tuple[list[Person], list[str]]


class Whom:
    """Finds people in events: the attendees, else those in the title, else the organizer; never who has declined."""

    def __init__(self, people: Sequence[Person], named: list[object]) -> None:
        self._people = people
        self._named = named
        self._titles: dict[str, Found] = {}
        words: dict[str, list[Person]] = {}
        for person in people:
            for word in {_plain(person.name).casefold(), person.email.lower()} - {""}:
                words.setdefault(word, []).append(person)
        self._words = sorted(words.items(), key=lambda item: (-len(item[0]), item[0]))

    def of(self, event: dict[str, object]) -> Found:
        """Return whom an event names, with what was not understood, in words."""
        declined = self._by_number(event.get("DECLINED"))
        invited = [person for person in self._by_number(event.get("ATTENDEE")) if person not in declined]
        if invited:
            return invited, []
        found, unclear = self._in_title(str(event.get("summary", "")))
        found = [person for person in found if person not in declined]
        if found:
            return found, unclear
        if as_list(event.get("DECLINED")):
            return [], [DECLINED]
        found = self._by_number(event.get("ORGANIZER"))
        return found, [] if found else [NOBODY]

    def _by_number(self, numbers: object) -> list[Person]:
        known = range(len(self._named))
        pairs = [as_list(self._named[one]) for one in as_list(numbers) if isinstance(one, int) and one in known]
        mails = {str(pair[0]) for pair in pairs if len(pair) == 2}
        names = {str(pair[1]).casefold() for pair in pairs if len(pair) == 2} - {""}
        return [person for person in self._people if person.email.lower() in mails or person.name.casefold() in names]

    def _in_title(self, title: str) -> Found:
        if title not in self._titles:
            self._titles[title] = self._read(_plain(title))
        return self._titles[title]

    def _read(self, title: str) -> Found:
        folded = title.casefold()
        left = list(title if len(title) == len(folded) else folded)
        found: list[Person] = []
        for word, people in self._words:  # the longest first, so that no name is found inside another
            at = folded.find(word)
            while at >= 0:
                end = at + len(word)
                if _is_whole(folded, at, end) and TAKEN not in left[at:end]:
                    left[at:end] = TAKEN * len(word)
                    found += people
                at = folded.find(word, at + 1)
        unclear = [f"{part[:60]} is nobody who is known here" for part in _others("".join(left))]
        return [person for person in self._people if person in found], unclear


def _plain(text: str) -> str:
    return " ".join(normalize("NFC", text).replace(TAKEN, " ").split())


def _is_whole(text: str, at: int, end: int) -> bool:
    """Say whether a name or mail address stands for itself and is no part of a longer one."""
    joins = "-._+@" if "@" in text[at:end] else "-"
    before, after = text[max(at - 2, 0) : at], text[end : end + 2]
    if before[-1:].isalnum() or after[:1].isalnum():
        return False
    is_joined_before = before[-1:] in joins and before[:-1].isalnum()
    return not (is_joined_before or (after[:1] in joins and after[1:].isalnum()))


def _others(title: str) -> list[str]:
    """Return the parts of a title beside those understood that must be people as well, or look like a name."""
    parts = BETWEEN.split(ASIDE.sub(" ", title))
    found = []
    for place in range(0, len(parts), 2):
        part = parts[place].strip(" .:-")
        beside = {parts[near].casefold() for near in (place - 1, place + 1) if 0 <= near < len(parts)}
        if TAKEN in part or not any(letter.isalpha() for letter in part):
            continue
        is_listed = bool(beside & {" + ", " & "}) or (" and " in beside and part[:1].isupper())
        words = part.split()
        if is_listed or (2 <= len(words) <= 4 and all(word[:1].isupper() for word in words)):
            found.append(part)
    return found

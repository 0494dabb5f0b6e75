"""Whom an event of a foreign calendar names, and what of it was not understood. Pure but for the people."""

import re
from collections.abc import Sequence
from unicodedata import normalize

from raglan.oncall.reading import as_list
from raglan.people.models import Person

NOBODY = "names nobody who is known here"
DECLINED = "everybody whom it names has declined, or is not known here"
ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
BETWEEN = re.compile(r"( [+&] | and |[+&,;/|]|(?<=\0)-(?=\w))", re.IGNORECASE)
LABELS = (
    "primary secondary tertiary main backup first second third oncall call on off duty shift rota pager lead "
    "escalation support cover day night morning evening week weekend hours late early"
)
DUTY = frozenset(LABELS.split())  # what stands beside a name and is none
WORD = re.compile(r"[^\W_]+")
LAST_WORD = re.compile(r"[^\W_]+$")
TWO_WORDS = re.compile(r"[^\W\d_]+ ([^\W\d_]+)(?= ?(?:$|[+&,;/|(\[]))")
HOST = re.compile(r"-[\w-]*\.\w")
TAKEN = "\0"
Found = tuple[list[Person], list[str]]


class Whom:
    """Finds people in events: the attendees, else those in the title, else the organizer; never who has declined."""

    def __init__(self, people: Sequence[Person], named: list[object]) -> None:
        self._people = people
        self._named = named
        self._titles: dict[str, Found] = {}
        self._firsts = {re.split(r"[ -]", _plain(person.name).casefold())[0] for person in people}
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
        if declined:
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
        text = title if len(title) == len(folded) else folded
        left = list(text)
        found: list[Person] = []
        for word, people in self._words:  # the longest first, so that no name is found inside another
            at = folded.find(word)
            while at >= 0:
                end = at + len(word)
                if self._is_whole(text, at, end) and TAKEN not in left[at:end]:
                    left[at:end] = TAKEN * len(word)
                    found += people
                at = folded.find(word, at + 1)
        unclear = [f"{part[:60]} is nobody who is known here" for part in _others("".join(left))]
        return [person for person in self._people if person in found], unclear

    def _is_whole(self, text: str, at: int, end: int) -> bool:
        """Say whether a name or mail address stands for itself and is no part of a longer one."""
        before, after = text[max(at - 2, 0) : at], text[end : end + 2]
        if before[-1:].isalnum() or after[:1].isalnum():
            return False
        joins = "._+@" if "@" in text[at:end] else ""
        if before[:-1].isalnum() and (before[-1] in joins or (before[-1] == "-" and self._joins_before(text, at, end))):
            return False
        return not (
            after[1:].isalnum() and (after[0] in joins or (after[0] == "-" and self._joins_after(text, at, end)))
        )

    def _joins_before(self, text: str, at: int, end: int) -> bool:
        """Say whether the word before a hyphen makes a double first name with what follows: `Anna-Lena Smith`.

        Before a mail address every word does but one of duty: another address may end like this one.
        """
        folded = text[: at - 1].casefold()
        found = LAST_WORD.search(folded)
        word = found[0] if found else ""
        if not word or (word in DUTY if "@" in text[at:end] else word not in self._firsts):
            return False
        return not any(folded.endswith(word) and not folded[: -len(word)][-1:].isalnum() for word, _ in self._words)

    def _joins_after(self, text: str, at: int, end: int) -> bool:
        """Say whether what follows a hyphen makes a double last name with what is before it: `Anna Smith-Jones`."""
        name, rest = text[at:end], text[end + 1 :]
        if "@" in name:
            return HOST.match(text, end) is not None
        folded = rest.casefold()
        found = WORD.match(rest)
        if found is None or not found[0].isalpha() or found[0].casefold() in DUTY | self._firsts:
            return False
        if any(folded.startswith(word) and not folded[len(word) :][:1].isalnum() for word, _ in self._words):
            return False
        if name.isupper() or name.islower():  # letters tell no name from another word
            return True
        two = TWO_WORDS.match(rest)
        is_another = two is not None and _is_name(two[1]) and two[1].casefold() not in DUTY
        return _is_name(found[0]) and not is_another


def _is_name(word: str) -> bool:
    return word[:1].isupper() and (len(word) == 1 or not word.isupper())


def _plain(text: str) -> str:
    return " ".join(normalize("NFC", text).replace(TAKEN, " ").split())


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

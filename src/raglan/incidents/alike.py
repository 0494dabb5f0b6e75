"""Whether two people announce the same act: their words, made plain and compared."""

import re

SAME_FROM = 0.6
LEAST_SHARED = 2
WORD = re.compile(r"[\w][\w.:/-]*")
SMALL = frozenset({
    "a", "an", "the", "i", "i’m", "i'm", "im", "am", "is", "are", "be", "to", "of", "on", "in", "at", "for", "and",
    "or", "it", "its", "this", "that", "now", "then", "again", "once", "more", "going", "go", "will", "just", "try",
    "trying", "about", "with", "from", "one", "we", "me", "my", "our", "so", "if", "see", "whether", "let", "lets",
    "let’s",
})  # fmt: skip
ENDINGS = ("ing", "ed", "es", "s")


def plain_words(text: str) -> frozenset[str]:
    """Return the words that carry the meaning, in small letters and without endings."""
    found = (word.strip(".:/-_") for word in WORD.findall(text.casefold()))
    return frozenset(_stem(word) for word in found if word and word not in SMALL)


def _stem(word: str) -> str:
    """Cut an ending off a word of letters; names of machines and numbers stay as they are."""
    if not word.isalpha():
        return word
    ending = next((end for end in ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), "")
    cut = word.removesuffix(ending)
    return cut[:-1] if len(cut) > 3 and cut[-1] == cut[-2] else cut.removesuffix("e")


def are_alike(one: str, other: str) -> bool:
    """Tell whether two texts say the same act: most words of the shorter one stand in the other, and two at least."""
    here, there = plain_words(one), plain_words(other)
    if here == there:
        return bool(here)
    shared, shorter = len(here & there), min(len(here), len(there))
    return shared >= LEAST_SHARED and shared / shorter >= SAME_FROM and _same_places(here, there)


def _same_places(here: frozenset[str], there: frozenset[str]) -> bool:
    """Tell whether names of machines agree; an act on one host is another act than the same on the next."""
    mine, theirs = ({word for word in words if not word.isalpha()} for words in (here, there))
    return not mine or not theirs or bool(mine & theirs)

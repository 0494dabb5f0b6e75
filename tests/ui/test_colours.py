"""Every pair of colours that is in use can be read, and the five marks stay apart for every eye."""

from itertools import combinations

import pytest

from tests.ui import colour

STATES = ("bad", "slow", "good", "change", "ask")
GROUNDS = ("paper", "surface", "sunken")
TINTS = tuple(f"{state}-tint" for state in STATES)

WORDS = [
    *((word, ground) for word in ("ink", "ink-soft", "act") for ground in GROUNDS),
    *(("ink", tint) for tint in (*TINTS, "act-tint")),
    *(("act", tint) for tint in (*TINTS, "act-tint")),
    *((f"{state}-ink", ground) for state in STATES for ground in ("paper", "surface", f"{state}-tint")),
    *(("unknown-ink", ground) for ground in GROUNDS),
    ("on-act", "act-fill"),
    ("on-act", "act-fill-hover"),
    ("paper", "ink"),
]
MARKS = [
    *((f"{state}-mark", ground) for state in STATES for ground in ("paper", "surface", f"{state}-tint")),
    *(("unknown-mark", ground) for ground in GROUNDS),
    *(("focus", ground) for ground in (*GROUNDS, *TINTS)),
    *(("line-strong", ground) for ground in GROUNDS),
    ("act-fill", "paper"),
    ("act-fill", "surface"),
]


@pytest.mark.parametrize("theme", colour.THEMES)
@pytest.mark.parametrize(("word", "ground"), WORDS)
def test_words_can_be_read_on_their_ground(theme: str, word: str, ground: str) -> None:
    found = colour.tokens()[theme]
    assert colour.contrast(found[word], found[ground]) >= 4.5


@pytest.mark.parametrize("theme", colour.THEMES)
@pytest.mark.parametrize(("mark", "ground"), MARKS)
def test_marks_can_be_seen_on_their_ground(theme: str, mark: str, ground: str) -> None:
    found = colour.tokens()[theme]
    assert colour.contrast(found[mark], found[ground]) >= 3


@pytest.mark.parametrize("theme", colour.THEMES)
@pytest.mark.parametrize("vision", list(colour.MACHADO))
@pytest.mark.parametrize(("one", "other"), list(combinations(STATES, 2)))
def test_marks_stay_apart_for_every_eye(theme: str, vision: str, one: str, other: str) -> None:
    found = colour.tokens()[theme]
    seen = [colour.simulated(found[f"{state}-mark"], vision) for state in (one, other)]
    assert colour.distance(*seen) >= 16


def test_contrast_agrees_with_known_values() -> None:
    assert colour.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colour.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_distance_agrees_with_known_values() -> None:
    assert colour.distance(colour.linear("#ffffff"), colour.linear("#000000")) == pytest.approx(100, abs=0.1)
    assert colour.distance(colour.linear("#ff0000"), colour.linear("#00ff00")) == pytest.approx(170.6, abs=0.5)


def test_every_colour_that_is_read_is_checked() -> None:
    checked = {name for pair in (*WORDS, *MARKS) for name in pair}
    decoration = {"line", "plate"}
    assert (set(colour.tokens()["light"]) & colour.used_tokens()) - checked - decoration == set()

"""A pasted log is a line and a block that unfolds."""

import pytest

from raglan.incidents.folding import SHOWN, fold

LOG = "\n".join(f"[error] line {number}" for number in range(40))


@pytest.mark.parametrize("text", ["httpd is back", "one\ntwo\nthree", "x" * 1_199, ""])
def test_a_short_text_stands_as_it_is(text: str) -> None:
    assert fold(text) is None


def test_the_first_line_stands_and_the_rest_unfolds() -> None:
    folded = fold(f"This is in the error log:\n{LOG}")

    assert folded is not None
    assert (folded.lead, folded.words, folded.is_cut) == ("This is in the error log:", "show 40 lines", False)
    assert folded.block == LOG


def test_marks_of_code_round_a_log_are_not_shown() -> None:
    folded = fold(f"```\n{LOG}\n```")

    assert folded is not None
    assert (folded.lead, folded.block) == ("", LOG)


def test_one_long_line_is_begun_and_unfolds_whole() -> None:
    folded = fold("x" * 3_000)

    assert folded is not None
    assert len(folded.lead) < 300
    assert (folded.block, folded.words) == ("x" * 3_000, "show all 3,000 characters")


def test_the_room_shows_a_part_of_a_very_long_one() -> None:
    folded = fold("\n".join("y" * 70 for _ in range(200)))

    assert folded is not None
    assert (len(folded.block), folded.is_cut) == (SHOWN, True)
    assert folded.words == "show 199 lines"

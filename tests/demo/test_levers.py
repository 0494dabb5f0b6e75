"""The table of levers, as text and as a page of the reference."""

from pathlib import Path

from raglan.demo.levers import INVENTED, LEVERS, markdown, render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "levers.md"


def test_the_reference_page_is_what_the_model_gives() -> None:
    """Write it anew with `python -c "from raglan.demo.levers import markdown; print(markdown(), end='')"`."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_the_text_has_a_line_of_numbers_for_each_lever() -> None:
    shown = render()
    assert shown.count("Lowest serving: ") == len(LEVERS)
    assert shown.endswith(INVENTED)


def test_slugs_are_words_for_a_command_line() -> None:
    assert all(lever.slug.replace("-", "").isalnum() and lever.slug.islower() for lever in LEVERS)

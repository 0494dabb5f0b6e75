"""How a text becomes steps."""

from textwrap import dedent

import pytest

from raglan.core.errors import BadInput
from raglan.runbooks import document, front
from raglan.ui import markdown


def titles(text: str) -> list[str]:
    return [step.title for step in document.understand(dedent(text)).steps]


def test_items_of_a_numbered_list_are_steps_without_their_numbers() -> None:
    found = document.understand(
        "Before.\n\n1. Look **first**.\n\n   ```\n   uptime\n   ```\n2. Wait\n   - a\n   - b\n\nAfter."
    )
    assert [(step.number, step.title, step.text) for step in found.steps] == [
        (1, "Look first.", "Look **first**.\n\n```\nuptime\n```"),
        (2, "Wait", "Wait\n- a\n- b"),
    ]
    assert (found.intro, found.rest) == ("Before.", "After.")


def test_headings_that_begin_with_a_number_are_steps() -> None:
    assert titles("# Title\n\n## Step 1: Look\na\n### Below\nb\n## 2. Do\n\n1. not\n2. these\n") == ["Look", "Do"]


def test_headings_of_the_second_level_are_steps_where_nothing_is_numbered() -> None:
    assert titles("Intro\n\n## Look\na\n\n## Do\n- b\n") == ["Look", "Do"]


def test_a_text_without_structure_is_one_step() -> None:
    assert titles("Call the vendor.\nWait.") == ["Call the vendor."]
    assert titles("* a\n* b\n") == ["a"]
    assert document.understand("  \n").steps == ()


def test_a_number_within_code_is_no_step() -> None:
    assert titles("```\n1. no\n2. no\n```\n\n1. Yes\n") == ["Yes"]


@pytest.mark.parametrize("text", ["1.", "#", "1. \n2. \n", "## \n## \n", "1.\n\n\n    x", "0. a\n1) b\n", "\t1. a"])
def test_odd_texts_are_read_all_the_same(text: str) -> None:
    assert all(step.title for step in document.understand(text).steps)


def test_a_very_long_list_has_a_bound_and_loses_no_words() -> None:
    found = document.understand("\n".join(f"{number}. step {number}" for number in range(1, 301)))
    assert len(found.steps) == document.MAX_STEPS
    assert "step 300" in found.rest


def test_each_command_has_a_button_that_copies_it() -> None:
    html = markdown.render_commands("```\nuptime\n```\n\n```sh\nls </pre><script>\n```\n", "c1")
    assert html.count('data-copy="c1-') == 2
    assert '<pre id="c1-2" tabindex="0"><code>ls &lt;/pre&gt;&lt;script&gt;' in html


def test_fields_at_the_head_of_a_file_are_read() -> None:
    page = front.read(
        '---\ntitle: By hand\nservices: [httpd, api]\nneeds: VPN\nalerts: [alertname="X"]\n---\n1. a\n', "x.md"
    )
    assert (page.slug, page.title, page.text) == ("x", "By hand", "1. a")
    assert (page.services, page.needs, [str(one) for one in page.alerts]) == (
        ("httpd", "api"),
        ("VPN",),
        ['alertname="X"'],
    )


def test_the_first_heading_or_the_name_of_the_file_is_the_title() -> None:
    assert front.read("# By hand #\n\n1. a", "web/by-hand.md").title == "By hand"
    page = front.read("1. a", "web/by_hand.md")
    assert (page.title, page.slug) == ("By hand", "web-by-hand")


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: x\n1. a",
        "---\nowner: me\n---\na",
        "---\n- a\n---\na",
        "---\na: &x b\n---\n",
        "---\nslug: ../x\n---\na",
    ],
)
def test_a_file_that_can_not_be_read_says_why(text: str) -> None:
    with pytest.raises(BadInput):
        front.read(text, "x.md")

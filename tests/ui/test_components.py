"""Components draw what their attributes say, and escape what people typed."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.test import RequestFactory

from raglan.ui import context, svg
from tests.ui import gallery
from tests.ui.render import Reader, render

AT = datetime(2026, 11, 18, 19, 12, tzinfo=UTC)


def one_line(html: str) -> str:
    return " ".join(html.split())


class Name(forms.Form):
    name = forms.CharField(help_text="As others call you")


def test_every_component_renders_on_one_page() -> None:
    html = gallery.page()
    assert "<c-" not in html
    assert "{{" not in html


@pytest.mark.parametrize(
    ("kind", "shape", "word"),
    [("bad", "i-bad", "Down"), ("verify", "i-verify", "Verifying"), ("what", "i-unknown", "Not known")],
)
def test_state_shows_shape_and_word(kind: str, shape: str, word: str) -> None:
    html = render('<c-state :kind="kind" />', {"kind": kind})
    assert f"#{shape}" in html
    assert word in html


def test_state_takes_another_word() -> None:
    assert "187 down</span>" in render('<c-state kind="bad">187 down</c-state>')


def test_what_people_typed_is_escaped() -> None:
    context = {"who": "<b>x</b>", "said": "<i>y</i>", "at": AT}
    html = render('<c-entry id="e-1" :at="at" :who="who" verb="says:">{{ said }}</c-entry>', context)
    assert "&lt;b&gt;x" in html
    assert "&lt;i&gt;y" in html


def test_time_is_exact_for_machines_and_rough_for_people() -> None:
    html = render('<c-time :at="at" />', {"at": AT})
    assert html.startswith('<time datetime="2026-11-18T19:12:00Z" data-age')


def test_time_that_is_not_known_draws_nothing() -> None:
    assert render('<c-time :at="at" />', {"at": None}).strip() == ""


def test_button_is_a_link_where_it_leads_somewhere() -> None:
    assert one_line(render('<c-button href="/wrong/" main="true">Go</c-button>')).startswith(
        '<a class="btn main" href="/wrong/"'
    )
    assert 'type="submit"' in render("<c-button>Go</c-button>")


def test_button_passes_other_attributes_on() -> None:
    assert 'formaction="/x/"' in render('<c-button formaction="/x/" name="answer" value="yes">Go</c-button>')


def test_field_ties_help_and_error_to_its_input() -> None:
    html = render('<c-field :field="form.name" />', {"form": Name({})})
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'aria-invalid="true"' in html


def test_error_summary_leads_to_each_field() -> None:
    html = render('<c-error-summary :form="form" />', {"form": Name({})})
    assert 'href="#id_name"' in html
    assert "1 thing needs a look" in html


def test_error_summary_is_absent_while_there_is_no_error() -> None:
    assert "err" not in render('<c-error-summary :form="form" />', {"form": Name()})


def test_bar_says_its_numbers() -> None:
    html = render('<c-bar :parts="parts" of="hosts" />', {"parts": [svg.Part("bad", 3, "down", "hatch")]})
    assert 'aria-label="Of 3 hosts: 3 down"' in html
    assert 'class="is-bad hatch" style="flex:3"' in html


def test_empty_with_a_kind_is_a_problem() -> None:
    assert "is-bad b-state" in one_line(render('<c-empty kind="bad" title="Nobody">x</c-empty>'))


def test_navigation_marks_where_one_is() -> None:
    html = render('{% extends "ui/base.html" %}', reader=Reader())
    assert '<a href="/" aria-current="page">Now</a>' in html
    assert html.count('aria-current="page">Now') == 2


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/hosts/7/", "Changes"),
        ("/changes/holds/", "Changes"),
        ("/processes/deploy/", "Library"),
        ("/runbooks/", "Library"),
    ],
)
def test_navigation_marks_the_place_that_a_screen_is_reached_from(path: str, place: str) -> None:
    request = RequestFactory().get(path)
    request.person = Reader()
    found = context.build(request)
    assert [one.label for one in found.places if one.current] == [place]


def test_without_sign_in_there_is_no_navigation() -> None:
    html = render('{% extends "ui/base.html" %}')
    assert "Sign in" in html
    assert 'class="nav"' not in html


def test_choice_of_theme_wins_over_the_system() -> None:
    class Dark(Reader):
        theme = "dark"
        density = "compact"

    html = render('{% extends "ui/base.html" %}', reader=Dark())
    assert '<html lang="en" data-theme="dark" data-density="compact">' in html
    assert '<meta name="color-scheme" content="dark">' in html


def test_live_pages_bring_the_stream_and_others_do_not() -> None:
    assert "live.js" not in render('{% extends "ui/base.html" %}')
    html = render('{% extends "ui/base.html" %}', {"live_topics": "incident:42", "live_since": 7})
    assert 'data-live-topics="incident:42" data-live-since="7"' in html
    assert "js/live.js" in html

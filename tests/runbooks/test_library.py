"""Runbooks are written, found, changed, removed and brought back."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.alerts.pipeline.route import Matcher
from raglan.catalog.models import Service
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person
from raglan.runbooks import actions, queries
from raglan.runbooks.actions import Draft
from raglan.runbooks.models import Runbook
from raglan.testing import world

Write = Callable[..., Runbook]
HOSTILE = (
    "1. [x](javascript:alert(1)) <script>alert(1)</script> <img src=x onerror=alert(1)>\n"
    "2. ![pic](https://evil.example/p.png) [d](data:text/html;base64,PHNjcmlwdD4=) <a href='vbscript:x'>y</a>\n\n"
    "   ```html\n   </code></pre><script>alert(1)</script>\n   ```\n"
)


def test_a_runbook_gets_a_name_of_its_title_that_is_its_own(write: Write) -> None:
    assert [write("Apache: won’t start!").slug, write("Apache won t start").slug] == [
        "apache-won-t-start",
        "apache-won-t-start-2",
    ]


def test_changing_keeps_the_earlier_text(runbook: Runbook, bo: Person) -> None:
    changed = actions.rewrite(runbook, Draft("New", "1. b"), seen_version=1, writer=actions.by(bo))
    assert (changed.version, queries.version(changed, 1).title, queries.version(changed, 2).by) == (
        2,
        "Put it back by hand",
        bo,
    )
    assert queries.version(changed, 1).services == ["httpd"]


def test_saving_the_same_again_makes_no_version(runbook: Runbook, mara: Person, httpd: Service) -> None:
    draft = Draft(runbook.title, runbook.text, services=[httpd])
    assert actions.rewrite(runbook, draft, seen_version=1, writer=actions.by(mara)).version == 1


def test_the_later_of_two_at_once_is_refused(runbook: Runbook, mara: Person) -> None:
    actions.rewrite(runbook, Draft("A", "1. a"), seen_version=1, writer=actions.by(mara))
    with pytest.raises(Conflict):
        actions.rewrite(runbook, Draft("B", "1. b"), seen_version=1, writer=actions.by(mara))


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(" ", "1. a"), "title"),
        (Draft("x" * 201, "1. a"), "title"),
        (Draft("A", "\n"), "text"),
        (Draft("A", "x" * 60_001), "text"),
        (Draft("A", "a", slug="No Good"), "slug"),
        (Draft("A", "a", alerts=[Matcher("a", "=~", ".*")]), "alerts"),
    ],
)
def test_what_can_not_be_kept_is_named(mara: Person, draft: Draft, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        actions.write_new(draft, writer=actions.by(mara))
    assert refused.value.field == field


def test_a_removed_runbook_is_not_found_until_it_is_brought_back(runbook: Runbook, mara: Person) -> None:
    for _ in range(2):
        actions.remove(runbook, writer=actions.by(mara))
    assert (list(queries.runbooks()), list(queries.runbooks(removed=True))) == ([], [runbook])
    with pytest.raises(Conflict):
        actions.rewrite(runbook, Draft("A", "a"), seen_version=1, writer=actions.by(mara))
    for _ in range(2):
        actions.bring_back(runbook, writer=actions.by(mara))
    assert list(queries.runbooks()) == [runbook]


@pytest.mark.parametrize(
    ("words", "found"), [("HAND old", 1), ("httpd", 1), ("Httpd hand", 1), ("payments", 0), ("", 1)]
)
def test_search_looks_in_titles_texts_and_services(runbook: Runbook, words: str, found: int) -> None:
    assert queries.search(words).count() == found


def test_search_by_service(runbook: Runbook, write: Write) -> None:
    write("Other")
    assert [list(queries.search("", service=slug)) for slug in ("httpd", "none")] == [[runbook], []]


def test_the_screen_writes_looks_first_and_keeps_what_was_typed(browser: Client, httpd: Service) -> None:
    typed = {"title": "By hand", "text": "1. Look\n2. Do", "services": ["httpd"], "needs_words": "root"}
    looked = browser.post("/library/runbooks/new/", {**typed, "do": "look"})
    assert "So it will look: 2 steps" in looked.content.decode()
    assert not Runbook.objects.exists()
    refused = browser.post("/library/runbooks/new/", {**typed, "title": "", "do": "save"})
    assert refused.status_code == 422
    assert "1. Look\r\n2. Do" in refused.content.decode() or "1. Look\n2. Do" in refused.content.decode()
    saved = browser.post("/library/runbooks/new/", {**typed, "do": "save"}, follow=True)
    assert "It is in the library." in saved.content.decode()
    assert Runbook.objects.get().needs_words == "root"


def test_the_screen_shows_both_texts_when_somebody_was_faster(browser: Client, runbook: Runbook, bo: Person) -> None:
    actions.rewrite(runbook, Draft("Theirs", "1. theirs"), seen_version=1, writer=actions.by(bo))
    typed = {"title": "Mine", "text": "1. mine", "seen_version": "1", "do": "save"}
    answer = browser.post(f"/library/runbooks/{runbook.slug}/edit/", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Version 2 was written meanwhile by Bo Silva." in page
    assert "1. theirs" in page
    assert "1. mine" in page
    assert 'name="seen_version" value="2"' in page
    browser.post(f"/library/runbooks/{runbook.slug}/edit/", {**typed, "seen_version": "2"})
    assert queries.runbook(runbook.slug).title == "Mine"


def test_earlier_versions_are_read_on_the_screen(browser: Client, runbook: Runbook, mara: Person) -> None:
    actions.rewrite(runbook, Draft("New", "1. new"), seen_version=1, writer=actions.by(mara))
    old = browser.get(f"/library/runbooks/{runbook.slug}/?version=1").content.decode()
    assert "This is version 1" in old
    assert "Install the old package" in old
    assert browser.get(f"/library/runbooks/{runbook.slug}/?version=9").status_code == 404
    assert "Version 2, now" in browser.get(f"/library/runbooks/{runbook.slug}/versions/").content.decode()


def test_hostile_text_is_inert_everywhere(browser: Client, write: Write, httpd: Service) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    made = write(evil, HOSTILE, needs_words=evil, services=[httpd])
    for path in ("/library/", f"/library/runbooks/{made.slug}/", f"/library/runbooks/{made.slug}/edit/"):
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
        assert 'href="data:' not in page
    shown = browser.get(f"/library/runbooks/{made.slug}/").content.decode()
    assert 'href="https://evil.example/p.png" rel="noopener noreferrer nofollow"' in shown


def test_a_long_library_has_pages(
    browser: Client, write: Write, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(45):
        write(f"Runbook {number:02}")
    with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
        page = browser.get("/library/").content.decode()
    assert "45 runbooks" in page
    assert "Runbook 44" not in page
    assert "Runbook 44" in browser.get("/library/?page=2").content.decode()


def test_an_empty_library_says_what_to_do(browser: Client) -> None:
    assert "Write the first one" in browser.get("/library/").content.decode()
    assert "No runbook matches." in browser.get("/library/?q=x").content.decode()


def test_buttons_remove_and_bring_back(browser: Client, runbook: Runbook) -> None:
    browser.post(f"/library/runbooks/{runbook.slug}/remove/")
    assert "Put it back by hand" in browser.get("/library/?show=removed").content.decode()
    browser.post(f"/library/runbooks/{runbook.slug}/bring-back/")
    assert queries.runbooks().count() == 1


def test_viewers_may_read_only(runbook: Runbook) -> None:
    viewer = Client()
    viewer.force_login(world.person("Vi", role=Person.Role.VIEWER))
    page = viewer.get(f"/library/runbooks/{runbook.slug}/").content.decode()
    assert "Change it" not in page
    assert "Follow it in a room" not in page

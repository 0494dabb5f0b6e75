"""What is typed beside a form that is sent comes back with the page."""

import pytest
from playwright.sync_api import Browser, expect

from tests.support import browser as screens
from tests.ui.fake_server import World
from tests.ui.render import Reader, render

pytestmark = pytest.mark.e2e
PAGE = """{% extends "ui/base.html" %}{% block main %}<h1>Review</h1>
<form method="post" id="story"><input type="hidden" name="version" value="SEEN">
<label>Title <input name="title" value="Slow"></label>
<label>Story <textarea name="summary">
as saved</textarea></label><label><input type="checkbox" name="open">Open</label>
<label>State <select name="state"><option>draft<option>done</select></label>
<label>Hosts <select name="hosts" multiple><option selected>web1<option>web2<option>web3</select></label>
<button>Save</button></form>
<details id="q1"><summary>Questions</summary><form method="post" action="/reply/">
<input type="hidden" name="question" value="a">
<label>First <textarea name="text"></textarea></label><button>Save first</button></form></details>
<form method="post" action="/reply/"><input type="hidden" name="question" value="b">
<label>Second <textarea name="text"></textarea></label><button>Save second</button></form>
<form method="post" action="/need/"><button name="need" value="x">It does</button></form>{% endblock %}"""


def test_words_in_other_forms_come_back_once_with_the_version_they_were_written_against(
    browser: Browser, world: World, address: str
) -> None:
    world.pages["/review/"] = render(PAGE.replace("SEEN", "3"), reader=Reader())
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/review/")
        page.get_by_label("Story").fill("half a story")
        page.get_by_label("Open").check()
        page.get_by_label("State").select_option("done")
        page.get_by_label("Hosts").select_option(["web2", "web3"])
        page.get_by_text("Questions").click()
        page.get_by_label("First").fill("half an answer")
        page.get_by_role("button", name="It does").click()
        page.wait_for_url("**/need/")
        world.pages["/review/"] = render(PAGE.replace("SEEN", "4"), reader=Reader())
        page.goto("/review/")
        expect(page.get_by_label("Story")).to_have_value("half a story")
        expect(page.get_by_label("Open")).to_be_checked()
        expect(page.get_by_label("State")).to_have_value("done")
        expect(page.get_by_label("Hosts")).to_have_values(["web2", "web3"])
        expect(page.get_by_label("First")).to_have_value("half an answer")
        expect(page.get_by_label("First")).to_be_visible()
        expect(page.get_by_label("Second")).to_have_value("")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_function("() => !document.querySelector('form')")
        assert (world.posts[-1]["summary"], world.posts[-1]["version"]) == ("half a story", "3")
        page.goto("/review/")
        expect(page.get_by_label("Story")).to_have_value("as saved")
        expect(page.get_by_label("First")).to_have_value("half an answer")
        page.reload()
        expect(page.get_by_label("First")).to_have_value("")


def test_what_was_sent_is_not_brought_back(browser: Browser, world: World, address: str) -> None:
    world.pages["/review/"] = render(PAGE, reader=Reader())
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/review/")
        page.get_by_label("Second").fill("all of it")
        page.get_by_role("button", name="Save second").click()
        page.wait_for_url("**/reply/")
        page.goto("/review/")
        expect(page.get_by_label("Second")).to_have_value("")


def test_a_choice_alone_of_one_or_of_several_is_kept(browser: Browser, world: World, address: str) -> None:
    world.pages["/review/"] = render(PAGE, reader=Reader())
    for label, chosen in (("State", ["done"]), ("Hosts", ["web1", "web3"]), ("Hosts", [])):
        with screens.browser_page(browser, base_url=address) as page:
            page.goto("/review/")
            page.get_by_label(label).select_option(chosen)
            page.get_by_role("button", name="It does").click()
            page.wait_for_url("**/need/")
            page.goto("/review/")
            kept = page.get_by_label(label).evaluate("field => [...field.selectedOptions].map(one => one.text)")
            assert kept == chosen

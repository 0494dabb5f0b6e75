"""Every component, in every size and theme: nothing for axe to find, no sideways scroll, nothing against the policy."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.support import browser as screens
from tests.ui import gallery
from tests.ui.fake_server import World
from tests.ui.render import Reader, render

pytestmark = pytest.mark.e2e


@pytest.fixture
def pages(world: World) -> World:
    """Put the gallery, the help and an error on the server."""
    world.pages = {
        "/": gallery.page(),
        "/keys/": render('{% extends "ui/keys.html" %}', reader=Reader()),
        "/500/": render('{% extends "500.html" %}', {"at": gallery.AT}),
    }
    return world


@pytest.mark.parametrize("path", ["/", "/keys/", "/500/"])
@pytest.mark.usefixtures("pages")
def test_axe_finds_nothing_in_any_look(browser: Browser, address: str, path: str) -> None:
    assert screens.check_everywhere(browser, path, base_url=address) == {}


@pytest.mark.usefixtures("pages")
def test_policy_refuses_nothing_that_a_page_needs(browser: Browser, address: str) -> None:
    with screens.browser_context(browser, base_url=address) as context:
        screens.watch_policy(context)
        page = context.new_page()
        page.goto("/", wait_until="load")
        assert screens.refusals(page) == []
        page.wait_for_function("() => document.fonts.status === 'loaded'")


@pytest.mark.usefixtures("pages")
def test_page_asks_for_nothing_from_elsewhere(browser: Browser, address: str) -> None:
    with screens.browser_page(browser, base_url=address) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/", wait_until="load")
    assert [url for url in asked if not url.startswith(address)] == []


@pytest.mark.usefixtures("pages")
def test_focus_goes_to_the_error_summary(browser: Browser, address: str) -> None:
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/", wait_until="load")
        expect(page.locator(".err").first).to_be_focused()


@pytest.mark.usefixtures("pages")
def test_skip_link_comes_first_and_leads_to_the_page(browser: Browser, address: str) -> None:
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/keys/", wait_until="load")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"#main$"))


@pytest.mark.usefixtures("pages")
def test_menu_opens_without_script(browser: Browser, address: str) -> None:
    with screens.browser_page(browser, screens.PHONE, base_url=address, script=False) as page:
        page.goto("/keys/")
        page.get_by_text("Menu", exact=True).click()
        assert page.get_by_role("link", name="Alerts").is_visible()


@pytest.mark.usefixtures("pages")
def test_escape_closes_the_menu_and_gives_focus_back(browser: Browser, address: str) -> None:
    with screens.browser_page(browser, screens.PHONE, base_url=address) as page:
        page.goto("/keys/", wait_until="load")
        page.get_by_text("Menu", exact=True).click()
        page.keyboard.press("Escape")
        assert not page.get_by_role("link", name="Alerts").is_visible()
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.usefixtures("pages")
def test_nothing_scrolls_sideways_at_twice_the_text(browser: Browser, address: str) -> None:
    with screens.browser_page(browser, screens.Look(390, "light"), base_url=address) as page:
        page.goto("/", wait_until="load")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert not screens.scrolls_sideways(page)


def test_axe_does_find_what_is_wrong(browser: Browser, world: World, address: str) -> None:
    world.pages["/bad/"] = "<!doctype html><html><title>x</title><p style='color:#aaa'>pale</p><input></html>"
    problems = screens.check_everywhere(browser, "/bad/", base_url=address)
    assert set(problems) == {f"/bad/ at {look}" for look in screens.LOOKS}
    rules = {look: {line.split(":")[0] for line in problems[f"/bad/ at {look}"]} for look in screens.LOOKS}
    assert all("color-contrast" in rules[look] for look in screens.LOOKS)
    assert all({"html-has-lang", "label"} <= rules[look] for look in screens.LOOKS if look.theme == "light")


FIND = (
    '<form class="row" role="search">{{ seg }}<span class="find push"><span class="fld">'
    '<label class="vh" for="q">Find</label><input id="q" type="search"></span>'
    '<button class="btn" type="submit">Find</button></span></form>'
)
SEG = '<span class="seg" role="group" aria-label="Show"><a href="?">All</a><a href="?open">Open</a></span>'


@pytest.mark.parametrize("seg", ["", SEG], ids=["alone", "beside a choice"])
@pytest.mark.parametrize("width", [390, 320])
def test_the_field_to_find_takes_the_whole_line_on_a_phone(
    world: World, browser: Browser, address: str, seg: str, width: int
) -> None:
    words = FIND.replace("{{ seg }}", seg)
    world.pages = {
        "/": render(f'{{% extends "ui/base.html" %}}{{% block main %}}{words}{{% endblock %}}', reader=Reader())
    }
    with screens.browser_page(browser, screens.Look(width, "light"), base_url=address) as page:
        page.goto("/", wait_until="load")
        line, find = (page.locator(name).bounding_box() for name in ("form.row", ".find"))
        assert line is not None
        assert find is not None
        assert (find["x"], find["width"]) == (line["x"], line["width"])
        assert not screens.scrolls_sideways(page)

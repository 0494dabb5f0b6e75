"""Whoever signs out is told what waits on this device, and leaves none of it behind; what is old goes on any page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support import browser as screens
from tests.ui.fake_server import World
from tests.ui.render import Reader, render
from tests.ui.test_composer_screen import FILE, PAGE, open_room, wait_until_kept, write

pytestmark = pytest.mark.e2e
LEAVE = """{% extends "ui/base.html" %}
{% block head %}<script src="{% static 'ui/js/leave.js' %}" type="module"></script>{% endblock %}
{% block main %}<h1>Sign out</h1>NOTE
<form method="post" action="/out/" data-sign-out="42" data-drops="Sign out and drop them">
<button>Sign out</button></form>{% endblock %}"""
NOTE = "<div data-waits hidden><span data-what></span><ul data-rooms></ul></div>"
ROOM = PAGE.replace("incident:42", "12:42")
NAMES = "() => Object.keys(localStorage).filter(name => !name.startsWith('raglan:left:')).sort()"


class Somebody(Reader):
    """Somebody with a number, as those who are signed in have one."""

    pk = 42


class Another(Reader):
    """Somebody else on the same device."""

    pk = 43


@pytest.fixture
def context(browser: Browser, world: World, address: str) -> Iterator[BrowserContext]:
    """Serve a room, a page to sign out, one that leads there, and one without any form."""
    world.pages["/room/"] = render(ROOM, reader=Somebody())
    world.pages["/out/"] = render(LEAVE.replace("NOTE", NOTE), reader=Somebody())
    world.pages["/you/"] = render(LEAVE.replace("NOTE", ""), reader=Somebody())
    world.pages["/other/"] = render(ROOM.replace(":42", ":43"), reader=Another())
    world.pages["/plain/"] = render('{% extends "ui/base.html" %}', reader=Somebody())
    with screens.browser_context(browser, base_url=address) as opened:
        yield opened


def leave_words(context: BrowserContext, world: World, address: str = "/room/") -> Page:
    """Leave an entry that waits, also when the server is back, and a draft with a file."""
    page = open_room(context) if address == "/room/" else context.new_page()
    if address != "/room/":
        page.goto(address, wait_until="load")
    world.refused = "/post/"
    page.locator("#text").fill("waits")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("waits")
    write(page, "half a sen")
    page.locator("#files").set_input_files(FILE)
    return page


def test_signing_out_says_what_waits_then_drops_it(context: BrowserContext, world: World) -> None:
    room = leave_words(context, world)
    wait_until_kept(room, "draft")
    room.close()
    page = context.new_page()
    page.goto("/out/", wait_until="load")
    expect(page.locator("[data-what]")).to_have_text("1 entry is not sent yet, 1 draft is not posted")
    expect(page.get_by_role("link", name="Incident 12")).to_have_attribute("href", "/incidents/12/")
    page.get_by_role("button", name="Sign out and drop them").click()
    page.wait_for_function("() => location.pathname === '/out/' && !document.querySelector('form')")
    assert len(world.posts) == 1
    page.goto("/plain/", wait_until="load")
    assert page.evaluate(NAMES) == []
    wait_until_kept(page)


def test_a_page_that_can_not_say_it_leads_to_the_one_that_can(context: BrowserContext, world: World) -> None:
    leave_words(context, world).close()
    page = context.new_page()
    page.goto("/you/", wait_until="load")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("[data-what]")).to_contain_text("1 entry is not sent yet")
    assert world.posts == []


def test_what_comes_to_wait_meanwhile_is_said_before_it_goes(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto("/out/", wait_until="load")
    expect(page.locator("[data-waits]")).to_be_hidden()
    leave_words(context, world)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("[data-what]")).to_contain_text("1 draft is not posted")
    assert world.posts == []


def test_other_tabs_of_whoever_signed_out_keep_nothing_more(context: BrowserContext, world: World) -> None:
    room = leave_words(context, world)
    page = context.new_page()
    page.goto("/out/", wait_until="load")
    page.get_by_role("button", name="Sign out and drop them").click()
    page.wait_for_function("() => !document.querySelector('form')")
    expect(room.locator("#text")).to_have_value("")
    room.locator("#text").fill("after the end")
    assert page.evaluate(NAMES) == []
    page.goto("/plain/", wait_until="load")  # and signed in again
    page.wait_for_function(f"() => ({NAMES})().some((name) => name.includes('draft:'))")
    back = open_room(context)
    expect(back.locator("#text")).to_have_value("")
    write(back, "here again")
    back.reload(wait_until="load")
    expect(back.locator("#text")).to_have_value("here again")


def test_whoever_stops_half_way_through_signing_in_leaves_nothing_either(context: BrowserContext, world: World) -> None:
    leave_words(context, world).close()
    world.pages["/out/"] = render(LEAVE.replace("NOTE", NOTE))
    page = context.new_page()
    page.goto("/out/", wait_until="load")
    expect(page.locator("[data-what]")).to_have_text("1 entry is not sent yet, 1 draft is not posted")
    page.get_by_role("button", name="Sign out and drop them").click()
    page.wait_for_function("() => !document.querySelector('form')")
    assert page.evaluate(NAMES) == []


def test_what_another_person_left_stays(context: BrowserContext, world: World) -> None:
    leave_words(context, world, "/other/").close()
    page = context.new_page()
    page.goto("/out/", wait_until="load")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_function("() => !document.querySelector('form')")
    page.goto("/plain/", wait_until="load")
    assert [name.rsplit(":", 1)[0] for name in page.evaluate(NAMES)] == ["raglan:draft:12:43", "raglan:entry:12:43"]
    wait_until_kept(page, "draft")


def test_words_and_files_of_two_weeks_ago_go_on_any_page(context: BrowserContext, world: World) -> None:
    page = leave_words(context, world)
    wait_until_kept(page, "draft")
    page.evaluate("""() => new Promise(done => {
      for (const [name, value] of Object.entries(localStorage)) localStorage.setItem(
        name, value.replace(/"at":"[^"]*"/, '"at":"2020-01-01T00:00:00Z"').replace(/"at":[0-9]+/, '"at":1'));
      const asked = indexedDB.open("raglan", 1);
      asked.onsuccess = () => {
        const work = asked.result.transaction("files", "readwrite"), files = work.objectStore("files");
        files.getAllKeys().onsuccess = ({target}) => { for (const name of target.result) files.put({at: 1}, name); };
        work.oncomplete = () => { asked.result.close(); done(); };
      };
    })""")
    page.locator("#text").blur()  # as closing may do: the field says then that it was changed
    page.close()
    page = context.new_page()
    page.goto("/plain/", wait_until="load")
    wait_until_kept(page)
    assert page.evaluate(NAMES) == []

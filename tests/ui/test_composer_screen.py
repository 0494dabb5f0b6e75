"""What is typed is kept until the server has it, and posted once."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Route, expect

from tests.support import browser as screens
from tests.support.server import until
from tests.ui.fake_server import World
from tests.ui.render import Reader, render

pytestmark = pytest.mark.e2e

PAGE = """{% extends "ui/base.html" %}
{% block head %}<script src="{% static 'ui/js/composer.js' %}" type="module"></script>{% endblock %}
{% block main %}<h1>Room</h1>
<section class="panel composer" id="say"><form class="body" method="post" action="/post/" data-composer="incident:42">
<input type="hidden" name="entry_key" value="made-by-the-server">
<input type="hidden" name="csrfmiddlewaretoken" value="token">
<fieldset><legend>Kind</legend><div class="kinds">
<label><input type="radio" name="kind" value="note" checked>Note</label>
<label><input type="radio" name="kind" value="ask">Ask for help</label></div></fieldset>
<label>Whom to ask
<select name="to"><option value="">everyone</option><option value="team:web">Web</option></select></label>
<label for="text">Say</label><textarea id="text" name="text"></textarea>
<p data-long hidden>This is longer than an entry.</p><p data-lost hidden></p>
<label for="files">Files</label><input id="files" type="file" name="files" multiple>
<button>Post to the room</button></form></section>
<a href="?kind=ask#say" data-kind="ask">Ask help</a>
<c-unsent />
{% endblock %}"""


@pytest.fixture
def context(browser: Browser, world: World, address: str) -> Iterator[BrowserContext]:
    """Serve a room with a composer."""
    world.pages["/room/"] = render(PAGE, reader=Reader())
    with screens.browser_context(browser, base_url=address) as opened:
        yield opened


FILE: FilePayload = {"name": "e.log", "mimeType": "text/plain", "buffer": b"AH00534"}
NO_STORE = "Object.defineProperty(window, 'indexedDB', {get() { throw new Error('a private window') }})"
KEPT = """() => new Promise(done => {
  const asked = indexedDB.open("raglan", 1);
  asked.onupgradeneeded = () => asked.transaction.abort();  // to make the store is for the page alone
  asked.onerror = () => done([]);
  asked.onsuccess = () => {
    const names = asked.result.transaction("files").objectStore("files").getAllKeys();
    names.onsuccess = () => { asked.result.close(); done(names.result.map(name => name.split(":")[0])); };
  };
})"""


def wait_until_kept(page: Page, *kinds: str) -> None:
    """Wait until the device keeps the files of so many drafts and entries, and of no others."""
    until(lambda: page.evaluate(KEPT) == list(kinds))


def open_room(context: BrowserContext) -> Page:
    page = context.new_page()
    page.clock.install()
    page.goto("/room/", wait_until="load")
    return page


def write(page: Page, text: str) -> None:
    """Write words, and wait until the device keeps them: a tab that has no name yet keeps none."""
    page.locator("#text").fill(text)
    page.wait_for_function(
        """text => Object.entries(localStorage).some(([name, value]) =>
          name.startsWith("raglan:draft:") && JSON.parse(value).text === text)""",
        arg=text,
    )


def close_tab(page: Page) -> None:
    """Close a tab, and wait until the browser knows that its name is free."""
    name, context = page.evaluate("() => sessionStorage.getItem('raglan:tab')"), page.context
    page.close()
    asking = context.new_page()
    asking.goto("/static/ui/js/tabs.js")
    until(lambda: not asking.evaluate(IS_HELD, f"raglan:tab:{name}"))
    asking.close()


IS_HELD = "async name => (await navigator.locks.query()).held.some(lock => lock.name === name)"


def cut_off(page: Page) -> None:
    """Let nothing that a page sends reach the server, neither now nor later."""
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('nobody is there')); }")


def wait_for_posts(page: Page, world: World, count: int) -> None:
    """Wait until so much was posted; pauses of the page are short meanwhile."""
    for _ in range(100):
        if len(world.posts) >= count:
            return
        page.clock.run_for(100)
        page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
    wait_for(page, lambda: len(world.posts) >= count)


def wait_for(page: Page, holds: Callable[[], object]) -> None:
    """Wait until something holds, and let the page's requests go their way."""
    until(lambda: holds() or page.wait_for_timeout(50))


def test_entry_is_posted_with_its_key_kind_and_time(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    page.get_by_text("Ask help").click()
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("Who knows Chef?")
    page.keyboard.press("Control+Enter")
    wait_for_posts(page, world, 1)
    expect(page.locator("[data-unsent] li")).to_have_count(0)
    (post,) = world.posts
    assert (post["kind"], post["text"], post["csrfmiddlewaretoken"]) == ("ask", "Who knows Chef?", "token")
    assert len(post["entry_key"]) == 32
    assert post["written_at"].endswith("Z")
    assert page.locator("#text").input_value() == ""


def test_draft_survives_a_reload_with_its_kind(context: BrowserContext) -> None:
    page = open_room(context)
    page.get_by_text("Ask for help").click()
    write(page, "half a sen")
    page.reload(wait_until="load")
    expect(page.locator("#text")).to_have_value("half a sen")
    assert page.locator("[value=ask]").is_checked()


SLOW_LOCKS = """for (const ask of [navigator.locks.request.bind(navigator.locks)])
  navigator.locks.request = (...all) => new Promise(done => { window.goOn = done; }).then(() => ask(...all));"""


def test_what_is_typed_before_the_draft_is_back_costs_neither(context: BrowserContext) -> None:
    page = open_room(context)
    write(page, "what I found so far")
    page.add_init_script(SLOW_LOCKS)
    page.reload(wait_until="load")
    page.wait_for_function("() => window.goOn")
    page.locator("#text").fill("and this")
    page.evaluate("() => window.goOn()")
    expect(page.locator("#text")).to_have_value("what I found so far\nand this")


def test_a_draft_comes_back_with_its_files_and_whom_it_asks(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    page.locator("#text").fill("half a sen")
    page.get_by_role("radio", name="Ask for help").check()
    page.get_by_label("Whom to ask").select_option("team:web")
    page.locator("#files").set_input_files(FILE)
    wait_until_kept(page, "draft")
    close_tab(page)
    page = open_room(context)
    expect(page.locator("#text")).to_have_value("half a sen")
    expect(page.get_by_label("Whom to ask")).to_have_value("team:web")
    expect(page.locator("#files")).to_have_js_property("value", "C:\\fakepath\\e.log")
    expect(page.locator("[data-lost]")).to_be_hidden()
    page.get_by_role("button", name="Post to the room").click()
    wait_for_posts(page, world, 1)
    assert (world.posts[0]["files"], world.posts[0]["to"]) == ("AH00534", "team:web")
    wait_until_kept(page)


def test_a_draft_that_comes_back_without_its_files_says_so_until_they_are_chosen(context: BrowserContext) -> None:
    context.add_init_script(NO_STORE)
    page = open_room(context)
    lost = page.locator("[data-lost]")
    write(page, "half a sen")
    page.locator("#files").set_input_files(FILE)
    expect(lost).to_be_hidden()
    page.wait_for_function("() => Object.values(localStorage).some(value => value.includes('e.log'))")
    close_tab(page)
    page = open_room(context)
    lost = page.locator("[data-lost]")
    expect(lost).to_have_text("Your words are back, their files are not: e.log. Choose them again.")
    write(page, "half a sentence")
    page.reload(wait_until="load")
    expect(lost).to_contain_text("e.log")
    page.locator("#files").set_input_files(FILE)
    expect(lost).to_be_hidden()


def test_files_that_the_server_would_not_take_are_not_kept(context: BrowserContext) -> None:
    page = open_room(context)
    page.locator("#files").set_input_files(FILE)
    wait_until_kept(page, "draft")
    page.locator("#files").set_input_files({**FILE, "buffer": b"x" * (5 * 1024 * 1024 + 1)})
    wait_until_kept(page)
    page.locator("#files").set_input_files([{**FILE, "name": f"{number}.log"} for number in range(9)])
    page.locator("#text").fill("nine")
    wait_until_kept(page)


def test_what_is_written_while_another_entry_is_on_its_way_goes_after_it(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    held: list[Route] = []
    page.route("**/post/", lambda route: route.continue_() if held else held.append(route))
    for text in ("first", "second"):
        page.locator("#text").fill(text)
        page.get_by_role("button", name="Post to the room").click()
        expect(page.locator("[data-unsent]")).to_contain_text(text)
    wait_for(page, lambda: held)
    held[0].continue_()
    wait_for_posts(page, world, 2)
    assert [post["text"] for post in world.posts] == ["first", "second"]


def two_that_keep_their_words(context: BrowserContext, *words: str) -> list[Page]:
    """Write in each of two tabs; a reload gives each its own words back."""
    tabs = [open_room(context) for _ in words]
    for page, said in zip(tabs, words, strict=True):
        write(page, said)
    for page, said in zip(tabs, words, strict=True):
        page.reload(wait_until="load")
        expect(page.locator("#text")).to_have_value(said)
    return tabs


def test_each_of_two_tabs_has_a_draft_of_its_own(context: BrowserContext, world: World) -> None:
    one, other = two_that_keep_their_words(context, "begun here", "and something else there")
    other.get_by_role("button", name="Post to the room").click()
    wait_for_posts(other, world, 1)
    one.reload(wait_until="load")
    expect(one.locator("#text")).to_have_value("begun here")
    one.get_by_role("button", name="Post to the room").click()
    wait_for_posts(one, world, 2)
    assert [post["text"] for post in world.posts] == ["and something else there", "begun here"]
    assert world.posts[0]["entry_key"] != world.posts[1]["entry_key"]


def test_a_tab_without_words_takes_over_those_of_a_tab_that_is_gone_and_no_others(
    context: BrowserContext, world: World
) -> None:
    one, other = open_room(context), open_room(context)
    write(one, "written in a tab that is lost")
    one.locator("#files").set_input_files(FILE)
    write(other, "still open")
    wait_until_kept(one, "draft")
    close_tab(one)
    heir = open_room(context)
    expect(heir.locator("#text")).to_have_value("written in a tab that is lost")
    expect(heir.locator("#files")).to_have_js_property("value", "C:\\fakepath\\e.log")
    late = open_room(context)
    late.evaluate("() => navigator.locks.query()")
    expect(late.locator("#text")).to_have_value("")
    heir.get_by_role("button", name="Post to the room").click()
    wait_for_posts(heir, world, 1)
    assert (world.posts[0]["text"], world.posts[0]["files"]) == ("written in a tab that is lost", "AH00534")
    wait_until_kept(heir)
    heir.reload(wait_until="load")
    expect(heir.locator("#text")).to_have_value("")
    expect(other.locator("#text")).to_have_value("still open")


def test_a_copy_of_a_tab_does_not_share_its_draft(context: BrowserContext) -> None:
    one = open_room(context)
    write(one, "begun here")
    copied = one.evaluate("() => sessionStorage.getItem('raglan:tab')")
    copy = context.new_page()
    copy.add_init_script(f"sessionStorage.setItem('raglan:tab', '{copied}')")
    copy.clock.install()
    copy.goto("/room/", wait_until="load")
    copy.wait_for_function("before => sessionStorage.getItem('raglan:tab') !== before", arg=copied)
    copy.locator("#text").fill("in the copy")
    one.reload(wait_until="load")
    expect(one.locator("#text")).to_have_value("begun here")


def test_what_two_tabs_wrote_while_the_server_was_away_goes_once_in_its_order(
    context: BrowserContext, world: World
) -> None:
    pages = open_room(context), open_room(context)
    world.up = False
    for number in range(6):
        page = pages[number % 2]
        page.clock.run_for(10)
        page.locator("#text").fill(f"entry {number}")
        page.get_by_role("button", name="Post to the room").click()
        expect(page.locator("[data-unsent]")).to_contain_text(f"entry {number}")
    for page in pages:
        expect(page.locator("[data-unsent] li")).to_have_count(6)
    world.up = True
    for page in pages:
        page.evaluate("() => dispatchEvent(new Event('online'))")
    for page in pages:  # one clock for both; a leap of it would cut off what is on its way
        wait_for_posts(page, world, 6)
        expect(page.locator("[data-unsent] li")).to_have_count(0)
    pages[0].clock.run_for(60_000)
    expect(pages[1].locator("[data-unsent] li")).to_have_count(0)
    assert sorted(post["text"] for post in world.posts) == [f"entry {number}" for number in range(6)]
    assert len({post["entry_key"] for post in world.posts}) == 6


def test_the_other_tab_sends_what_a_lost_tab_did_not(context: BrowserContext, world: World) -> None:
    one, other = open_room(context), open_room(context)
    cut_off(one)
    one.locator("#text").fill("from the lost tab")
    one.get_by_role("button", name="Post to the room").click()
    expect(other.locator("[data-unsent]")).to_contain_text("from the lost tab")
    assert world.posts == []
    one.close()
    for _ in range(10):
        other.clock.run_for(3_000)
    wait_for_posts(other, world, 1)
    expect(other.locator("[data-unsent] li")).to_have_count(0)
    assert [post["text"] for post in world.posts] == ["from the lost tab"]


def test_an_entry_whose_files_only_another_tab_has_is_left_to_it(context: BrowserContext, world: World) -> None:
    context.add_init_script(NO_STORE)
    one, other = open_room(context), open_room(context)
    world.up = False
    one.locator("#text").fill("with its file")
    one.locator("#files").set_input_files(FILE)
    one.get_by_role("button", name="Post to the room").click()
    expect(other.locator("[data-unsent]")).to_contain_text("with its file")
    world.up = True
    other.evaluate("() => dispatchEvent(new Event('online'))")
    wait_for_posts(one, world, 1)
    expect(other.locator("[data-unsent] li")).to_have_count(0)
    assert [(post["text"], post.get("files")) for post in world.posts] == [("with its file", "AH00534")]


def test_without_locks_a_tab_keeps_its_own_words_and_each_entry_is_taken_once(
    context: BrowserContext, world: World
) -> None:
    context.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', {get() { return undefined }})")
    one, other = two_that_keep_their_words(context, "begun here", "and there")
    one.close()
    other.close()
    heir = open_room(context)
    expect(heir.locator("#text")).to_have_value("and there")
    heir.get_by_role("button", name="Post to the room").click()
    wait_for_posts(heir, world, 1)
    heir.reload(wait_until="load")
    expect(heir.locator("#text")).to_have_value("begun here")


LEAVE = "() => dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))"
COME_BACK = "() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
COME_BACK_AND_TYPE = f"() => {{ ({COME_BACK})(); document.querySelector('#text').value = 'another one'; }}"
WRITE_LATER = """text => {  // as another document of the same tab does
  const name = `raglan:draft:incident:42:${sessionStorage.getItem("raglan:tab")}`;
  localStorage.setItem(name, JSON.stringify({at: Date.now(), text, kind: "note", asked: [], files: []}));
}"""


def test_a_page_that_comes_back_has_no_words_that_another_tab_took_over(context: BrowserContext) -> None:
    one = open_room(context)
    one.locator("#text").fill("half a sentence")
    one.evaluate(LEAVE)
    heir = open_room(context)
    expect(heir.locator("#text")).to_have_value("half a sentence")
    one.evaluate(COME_BACK)
    expect(one.locator("#text")).to_have_value("")
    one.locator("#text").fill("another one")
    heir.reload(wait_until="load")
    expect(heir.locator("#text")).to_have_value("half a sentence")


def test_a_page_whose_name_a_copy_took_meanwhile_gets_one_of_its_own(context: BrowserContext) -> None:
    one = open_room(context)
    one.locator("#text").fill("half a sentence")
    name = one.evaluate("() => sessionStorage.getItem('raglan:tab')")
    one.evaluate(LEAVE)
    copy = context.new_page()
    copy.add_init_script(f"sessionStorage.setItem('raglan:tab', '{name}')")
    copy.clock.install()
    copy.goto("/room/", wait_until="load")
    expect(copy.locator("#text")).to_have_value("half a sentence")
    one.evaluate(COME_BACK)
    one.locator("#text").fill("half a sentence, and more")  # before it is known whose the words are
    one.clock.run_for(2_000)
    one.wait_for_function("before => sessionStorage.getItem('raglan:tab') !== before", arg=name)
    expect(one.locator("#text")).to_have_value("half a sentence, and more")
    one.reload(wait_until="load")
    expect(one.locator("#text")).to_have_value("half a sentence, and more")
    copy.reload(wait_until="load")
    expect(copy.locator("#text")).to_have_value("half a sentence")


def test_a_page_that_comes_back_keeps_its_own_words(context: BrowserContext) -> None:
    one = open_room(context)
    one.locator("#text").fill("half a sentence")
    one.evaluate(LEAVE)
    one.evaluate(COME_BACK)
    one.locator("#text").press_sequentially(" more")
    one.reload(wait_until="load")
    expect(one.locator("#text")).to_have_value("half a sentence more")


@pytest.mark.parametrize("before", ["half a sentence", ""])
def test_a_page_that_comes_back_shows_what_was_written_after_it(context: BrowserContext, before: str) -> None:
    one = open_room(context)
    write(one, "words that wait for a name")
    one.locator("#text").fill(before)
    one.evaluate(LEAVE)
    one.evaluate(WRITE_LATER, "half a sentence, and more")
    one.evaluate(COME_BACK)
    expect(one.locator("#text")).to_have_value("half a sentence, and more")
    one.reload(wait_until="load")
    expect(one.locator("#text")).to_have_value("half a sentence, and more")


def test_what_is_typed_into_a_page_that_comes_back_stands_below_what_was_written_after_it(
    context: BrowserContext,
) -> None:
    one = open_room(context)
    write(one, "half a sentence")
    one.evaluate(LEAVE)
    one.evaluate(WRITE_LATER, "half a sentence, and more")
    one.evaluate(COME_BACK_AND_TYPE)
    expect(one.locator("#text")).to_have_value("half a sentence, and more\nanother one")


def test_sending_has_an_end_where_signals_have_no_time(context: BrowserContext, world: World) -> None:
    context.add_init_script("delete AbortSignal.timeout")
    page = open_room(context)
    held: list[Route] = []
    page.route("**/post/", lambda route: route.continue_() if held else held.append(route))
    page.locator("#text").fill("on a line that swallows it")
    page.get_by_role("button", name="Post to the room").click()
    for _ in range(100):
        page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
        if held:
            break
    page.clock.run_for(21_000)
    wait_for_posts(page, world, 1)
    expect(page.locator("[data-unsent] li")).to_have_count(0)


def changed_while_sent(context: BrowserContext, world: World) -> tuple[Page, Page]:
    """Change an entry in one tab while another sends it; return both, the sending one first."""
    one, other = open_room(context), open_room(context)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    one.route("**/post/", hold)
    one.locator("#text").fill("as it was")
    one.get_by_role("button", name="Post to the room").click()
    expect(other.locator("[data-unsent]")).to_contain_text("as it was")
    for _ in range(100):
        one.evaluate("() => new Promise(done => requestAnimationFrame(done))")
        if held:
            break
    other.locator("[data-edit]").click()
    expect(other.locator("#text")).to_have_value("as it was")
    other.locator("#text").fill("as it is meant")
    held[0].continue_()
    wait_for_posts(one, world, 1)
    return one, other


def test_what_one_tab_changes_does_not_come_back_when_another_had_it_refused(
    context: BrowserContext, world: World
) -> None:
    world.post_status = 422
    one, other = changed_while_sent(context, world)
    expect(one.locator("#announce")).to_contain_text("Not sent")
    for page in (one, other):
        expect(page.locator("[data-unsent] li")).to_have_count(0)
    expect(other.locator("#text")).to_have_value("as it is meant")


def test_who_changes_an_entry_hears_that_another_tab_sent_it_as_it_was(context: BrowserContext, world: World) -> None:
    one, other = changed_while_sent(context, world)
    expect(other.locator("#announce")).to_contain_text("Another tab has sent this entry")
    other.get_by_role("button", name="Post to the room").click()
    wait_for_posts(other, world, 2)
    assert [post["text"] for post in world.posts] == ["as it was", "as it is meant"]
    assert len({post["entry_key"] for post in world.posts}) == 1  # the server posts other words beside the first ones
    expect(one.locator("[data-unsent] li")).to_have_count(0)


def edited_on_its_way(context: BrowserContext) -> tuple[Page, Route]:
    """Take an entry back into the field of its own tab while the server has not answered yet."""
    page, held = open_room(context), list[Route]()
    page.route("**/post/", lambda route: route.continue_() if held else held.append(route))
    page.locator("#text").fill("as it was")
    page.get_by_role("button", name="Post to the room").click()
    wait_for(page, lambda: held)
    page.locator("[data-edit]").click()
    expect(page.locator("#text")).to_have_value("as it was")
    return page, held[0]


def test_an_entry_taken_back_while_it_is_sent_keeps_its_key_and_says_so(context: BrowserContext, world: World) -> None:
    page, on_its_way = edited_on_its_way(context)
    on_its_way.continue_()
    expect(page.locator("#announce")).to_contain_text("was sent as it was")
    page.get_by_role("button", name="Post to the room").click()
    wait_for_posts(page, world, 2)
    assert world.posts[0]["entry_key"] == world.posts[1]["entry_key"]  # the same words are the same entry
    expect(page.locator("[data-unsent] li")).to_have_count(0)


def test_an_entry_taken_back_while_it_is_sent_keeps_its_key_over_a_reload(
    context: BrowserContext, world: World
) -> None:
    page, on_its_way = edited_on_its_way(context)
    sent = page.locator("[name=entry_key]").input_value()
    on_its_way.abort()
    page.reload(wait_until="load")
    expect(page.locator("#text")).not_to_have_value("")
    page.get_by_role("button", name="Post to the room").click()
    wait_for_posts(page, world, 1)
    assert world.posts[0]["entry_key"] == sent
    expect(page.locator("#text")).to_have_value("")
    assert page.locator("[name=entry_key]").input_value() != sent


@pytest.mark.parametrize("status", [201, 422])
def test_other_words_posted_while_the_first_are_on_their_way_are_not_lost(
    context: BrowserContext, world: World, status: int
) -> None:
    page, on_its_way = edited_on_its_way(context)
    page.locator("#text").fill("as it is meant")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("as it is meant")
    on_its_way.fulfill(status=status, json={"message": "no"})
    wait_for_posts(page, world, 1)
    assert [post["text"] for post in world.posts] == ["as it is meant"]
    expect(page.locator("[data-unsent] li")).to_have_count(0)


def test_entries_that_an_older_page_left_are_sent(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    page.evaluate("""() => localStorage.setItem("raglan:queue:incident:42", JSON.stringify([{key: "old", text: "left",
      at: new Date().toISOString(), fields: [["text", "left"], ["entry_key", "old"]], label: "Note", files: [],
      refused: ""}]))""")
    page.reload(wait_until="load")
    wait_for_posts(page, world, 1)
    assert (world.posts[0]["text"], world.posts[0]["entry_key"]) == ("left", "old")


def test_entry_waits_while_the_server_is_away_and_goes_once(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    world.up = False
    page.locator("#text").fill("api0031 answers again.")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("Not sent yet")
    assert page.locator("#text").input_value() == ""
    world.up = True
    wait_for_posts(page, world, 1)
    expect(page.locator("[data-unsent] li")).to_have_count(0)
    assert [post["text"] for post in world.posts] == ["api0031 answers again."]


def test_entry_that_waits_survives_a_reload(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    world.up = False
    page.locator("#text").fill("written in the dark")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("written in the dark")
    world.up = True
    page.reload(wait_until="load")
    wait_for_posts(page, world, 1)
    assert world.posts[0]["text"] == "written in the dark"


def test_answer_that_never_came_leads_to_the_same_key_again(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    world.post_status = 503
    page.locator("#text").fill("twice on the wire")
    page.get_by_role("button", name="Post to the room").click()
    wait_for_posts(page, world, 1)
    world.post_status = 200
    wait_for_posts(page, world, 2)
    expect(page.locator("[data-unsent] li")).to_have_count(0)
    assert world.posts[0]["entry_key"] == world.posts[1]["entry_key"]
    assert world.posts[0]["written_at"] == world.posts[1]["written_at"]


def test_each_entry_has_its_own_key(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    for number in (1, 2):
        page.locator("#text").fill(f"entry {number}")
        page.get_by_role("button", name="Post to the room").click()
        wait_for_posts(page, world, number)
    assert world.posts[0]["entry_key"] != world.posts[1]["entry_key"]


@pytest.mark.parametrize("status", [409, 507])
def test_refused_entry_says_why_and_can_be_changed(context: BrowserContext, world: World, status: int) -> None:
    page = open_room(context)
    world.post_status = status
    page.locator("#text").fill("too late")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("The incident is closed.")
    page.get_by_role("button", name="Change it").click()
    assert page.locator("#text").input_value() == "too late"
    expect(page.locator("[data-unsent] li")).to_have_count(0)


def test_whoever_posts_a_long_text_stays_with_the_field(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    page.evaluate("""() => { for (let n = 0; n < 99; n++) {
      document.querySelector("main").append(Object.assign(document.createElement("p"), {textContent: n}));
    } }""")
    page.locator("#text").fill("a line of the log\n" * 120)
    page.locator("#text").press("Control+End")
    page.evaluate("() => scrollTo(0, document.querySelector('#text').getBoundingClientRect().bottom - 100)")
    page.locator("#text").press("Control+Enter")
    wait_for_posts(page, world, 1)
    expect(page.locator("#text")).to_be_in_viewport()


def test_empty_entry_is_not_posted(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    page.get_by_role("button", name="Post to the room").click()
    assert page.evaluate("document.activeElement.id") == "text"
    assert world.posts == []


def test_form_posts_without_script(browser: Browser, world: World, address: str) -> None:
    world.pages["/room/"] = render(PAGE, reader=Reader())
    with screens.browser_page(browser, base_url=address, script=False) as page:
        page.goto("/room/")
        page.locator("#text").fill("plain")
        page.get_by_role("button", name="Post to the room").click()
        page.wait_for_url("**/post/")
    assert world.posts[0]["text"] == "plain"
    assert world.posts[0]["entry_key"] == "made-by-the-server"


def test_typed_markup_stays_text_while_it_waits(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    world.up = False
    page.locator("#text").fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent] [data-text]")).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("[data-unsent] img").count() == 0


@pytest.mark.parametrize(("is_kept", "files"), [(True, "AH00534"), (False, None)])
def test_a_file_waits_with_its_entry_and_a_lost_tab_keeps_what_the_device_can(
    context: BrowserContext, world: World, is_kept: bool, files: str | None
) -> None:
    if not is_kept:
        context.add_init_script(NO_STORE)
    page = open_room(context)
    cut_off(page)
    page.locator("#text").fill("with its file")
    page.locator("#files").set_input_files(FILE)
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("with its file · e.log")
    if is_kept:
        wait_until_kept(page, "entry")
    page.close()
    page = open_room(context)
    wait_for_posts(page, world, 1)
    expect(page.locator("[data-unsent] li")).to_have_count(0)
    assert [(post["text"], post.get("files")) for post in world.posts] == [("with its file", files)]
    if is_kept:
        wait_until_kept(page)


def test_a_paste_that_nothing_takes_is_kept_and_says_so(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    page.locator("#text").fill("x" * 20_001)
    expect(page.get_by_text("longer than an entry")).to_be_visible()
    page.locator("#text").fill("x" * 300_001)
    page.get_by_role("button", name="Post to the room").click()
    assert "300,000 characters" in page.locator("#text").evaluate("field => field.validationMessage")
    assert world.posts == []
    assert len(page.locator("#text").input_value()) == 300_001


def test_what_another_person_left_is_neither_shown_nor_sent(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    cut_off(page)
    page.locator("#text").fill("waits")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("waits")
    write(page, "half a sen")
    page.close()
    world.pages["/room/"] = render(PAGE.replace("incident:42", "incident:43"), reader=Reader())
    page = open_room(context)
    page.clock.run_for(30_000)
    expect(page.locator("#text")).to_have_value("")
    expect(page.locator("[data-unsent] li")).to_have_count(0)
    assert world.posts == []


def test_words_are_dropped_after_two_weeks(context: BrowserContext, world: World) -> None:
    page = open_room(context)
    cut_off(page)
    page.locator("#text").fill("waits")
    page.get_by_role("button", name="Post to the room").click()
    expect(page.locator("[data-unsent]")).to_contain_text("waits")
    write(page, "half a sen")
    page.evaluate("""() => { for (const [name, value] of Object.entries(localStorage)) localStorage.setItem(
      name, value.replace(/"at":"[^"]*"/, '"at":"2020-01-01T00:00:00Z"').replace(/"at":[0-9]+/, '"at":1')) }""")
    page.locator("#text").blur()  # as closing may do: the field says then that it was changed
    page.close()
    page = open_room(context)
    page.clock.run_for(30_000)
    expect(page.locator("#text")).to_have_value("")
    assert world.posts == []


@pytest.mark.parametrize(("mark", "posts"), [("", 0), ("data-writes", 1)])
def test_the_keys_send_only_a_form_that_is_there_to_say_something(
    context: BrowserContext, world: World, mark: str, posts: int
) -> None:
    world.pages["/room/"] = render(PAGE.replace('data-composer="incident:42"', mark), reader=Reader())
    page = open_room(context)
    page.locator("#text").fill("the end of it")
    page.locator("#text").press("Control+Enter")
    for _ in range(5):
        page.clock.run_for(1_000)
        page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
    if posts:
        wait_for_posts(page, world, posts)
    assert len(world.posts) == posts


def test_the_keys_send_nothing_where_several_buttons_do(context: BrowserContext, world: World) -> None:
    world.pages["/room/"] = render(
        PAGE.replace("<button>", "<button name=do value=say>Say it</button><button>"), reader=Reader()
    )
    page = open_room(context)
    page.locator("#text").fill("changed")
    page.locator("#text").press("Control+Enter")
    page.clock.run_for(1_000)
    expect(page.locator("#text")).to_have_value("changed")
    assert world.posts == []

"""A page keeps itself up to date, says how fresh it is, and never disturbs what the reader does."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import browser as screens
from tests.ui.fake_server import World
from tests.ui.render import Reader, render

pytestmark = pytest.mark.e2e

PAGE = """{% extends "ui/base.html" %}
{% block title %}Room{% endblock %}
{% block head %}<script src="{% static 'ui/js/composer.js' %}" type="module"></script>{% endblock %}
{% block main %}<h1>Room</h1>
<section id="say"><form method="post" action="/post/" data-composer="incident:42">
<input type="hidden" name="entry_key" value="">
<label for="text">Say</label><textarea id="text" name="text"></textarea>
<button>Post</button></form></section>
<ul id="asks" data-live="incident:42" data-src="/part/asks/">ASKS</ul>
<ol id="thread" class="thread" data-live="incident:42" data-src="/part/thread/"
data-count=".entry">ENTRIES</ol>
{% endblock %}"""


# Keeps what an element says, and when (milliseconds): some words go again before a busy test has looked.
NOTE_WORDS = """place => {
  window.said = [];
  const element = document.querySelector(place);
  new MutationObserver(() => said.push([element.textContent, performance.now()])).observe(element, {childList: true});
}"""


def entries(count: int) -> str:
    rows = (
        f'<li class="entry says" id="e-{n}" data-say="Mara said {n}"><details id="d-{n}"><summary>Entry {n}</summary>'
        f"<p>more</p></details><p>{'word ' * 40}</p></li>"
        for n in range(count, 0, -1)
    )
    return "".join(rows)


def asks(*words: str) -> str:
    return "".join(
        f'<li id="ask-{n}"><p>{word}</p><button id="b-{n}">Help</button></li>' for n, word in enumerate(words)
    )


def timed(*numbers: int) -> str:
    """Return entries that were posted one a minute."""
    return "".join(
        f'<li class="entry" id="e-{n}" data-say="Mara said {n}">'
        f'<time datetime="2026-05-04T10:{n:02}:00Z">10:{n:02}</time><p>{"word " * 40}</p></li>'
        for n in numbers
    )


def put(world: World, count: int, *words: str) -> None:
    world.pages["/part/thread/"] = entries(count)
    world.pages["/part/asks/"] = asks(*words)


@pytest.fixture
def room(browser: Browser, world: World, address: str) -> Iterator[Page]:
    """Open a room with twelve entries and one ask, with a clock that the test moves."""
    put(world, 12, "Who can help?")
    html = render(PAGE, {"live_topics": "incident:42", "live_since": 100}, reader=Reader())
    world.pages["/room/"] = html.replace("ASKS", asks("Who can help?")).replace("ENTRIES", entries(12))
    with screens.browser_context(browser, base_url=address) as context:
        screens.watch_policy(context)
        page = context.new_page()
        page.clock.install()
        page.goto("/room/", wait_until="load")
        yield page
        assert screens.refusals(page) == []


def change(world: World, page: Page, *, number: int = 101) -> None:
    """Say that the incident changed, and let the page come to it."""
    world.tell('["incident:42"]', number=number)
    page.wait_for_function("() => document.readyState === 'complete'")
    page.clock.run_for(2_000)


def test_stream_is_opened_with_topics_and_the_last_event_seen(room: Page, world: World) -> None:
    world.wait_for_stream()
    assert "/live?topics=incident%3A42&since=100" in world.asked
    expect(room.locator("#live")).to_contain_text("Live, ")


def test_change_is_fetched_and_put_in_place(room: Page, world: World) -> None:
    world.wait_for_stream()
    put(world, 13, "Who can help?", "Is it slow for you?")
    change(world, room)
    expect(room.locator("#e-13")).to_be_visible()
    expect(room.locator("#ask-1")).to_be_visible()


def test_other_topics_are_left_alone(room: Page, world: World) -> None:
    world.wait_for_stream()
    put(world, 13)
    world.tell('["incident:7"]', number=101)
    world.tell("{}", event="beat")
    expect(room.locator("#live")).to_contain_text("Live, ")
    assert "/part/thread/" not in world.asked


def test_topic_of_a_whole_kind_reaches_each_of_its_regions(room: Page, world: World) -> None:
    world.wait_for_stream()
    put(world, 13)
    world.tell('["incident:*"]', number=101)
    expect(room.locator("#e-13")).to_be_visible()


def test_page_that_does_not_say_what_it_has_seen_looks_once_more(browser: Browser, world: World, address: str) -> None:
    put(world, 12)
    html = render(PAGE, {"live_topics": "incident:42"}, reader=Reader())
    world.pages["/room/"] = html.replace("ASKS", "").replace("ENTRIES", entries(11))
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/room/", wait_until="load")
        world.wait_for_stream()
        world.tell("[]", event="hello", number=101)
        expect(page.locator("#e-12")).to_be_visible()


def test_reload_fetches_everything(room: Page, world: World) -> None:
    world.wait_for_stream()
    put(world, 14)
    world.tell("{}", event="reload")
    expect(room.locator("#e-14")).to_be_visible()


def test_typed_text_and_focus_survive_updates(room: Page, world: World) -> None:
    world.wait_for_stream()
    room.locator("#text").focus()
    for number in range(13, 18):
        room.keyboard.type(f"{number} ")
        put(world, number)
        change(world, room, number=100 + number)
        expect(room.locator(f"#e-{number}")).to_be_attached()
    assert room.locator("#text").input_value() == "13 14 15 16 17 "
    assert room.evaluate("document.activeElement.id") == "text"


def test_item_with_the_focus_is_left_until_the_reader_moves_on(room: Page, world: World) -> None:
    world.wait_for_stream()
    room.locator("#text").focus()
    for _ in range(2):
        room.keyboard.press("Tab")
    assert room.evaluate("document.activeElement.id") == "b-0"
    world.pages["/part/asks/"] = '<li id="ask-9"><p>Another</p></li>'
    change(world, room)
    room.clock.run_for(1_000)
    assert room.evaluate("document.activeElement.id") == "b-0"
    room.locator("#text").focus()
    room.clock.run_for(1_000)
    expect(room.locator("#ask-9")).to_be_visible()


def test_typed_text_inside_a_region_is_never_taken_away(room: Page, world: World) -> None:
    world.wait_for_stream()
    outcome = '<form id="f-1"><label for="o-1">What happened</label><input id="o-1" name="text"></form>'
    world.pages["/part/asks/"] = f'<li id="ask-0">{outcome}</li>'
    change(world, room)
    room.locator("#o-1").fill("it started")
    room.locator("#text").focus()
    world.pages["/part/asks/"] = f'<li id="ask-0"><b>new</b>{outcome}</li>'
    change(world, room, number=102)
    expect(room.locator("#ask-0 b")).to_be_visible()
    world.pages["/part/asks/"] = '<li id="ask-9">other</li>'
    change(world, room, number=103)
    assert room.locator("#o-1").input_value() == "it started"
    room.locator("#o-1").fill("")
    room.locator("#text").focus()
    room.clock.run_for(1_000)
    expect(room.locator("#ask-9")).to_be_visible()


def test_open_details_stay_open(room: Page, world: World) -> None:
    world.wait_for_stream()
    room.locator("#d-12 summary").click()
    put(world, 13)
    change(world, room)
    expect(room.locator("#e-13")).to_be_attached()
    assert room.evaluate("document.getElementById('d-12').open")


def test_reader_further_down_sees_a_pill_and_nothing_moves(room: Page, world: World) -> None:
    world.wait_for_stream()
    room.locator("#e-3").scroll_into_view_if_needed()
    room.evaluate("scrollBy(0, 300)")
    before = room.evaluate("document.getElementById('e-3').getBoundingClientRect().top")
    put(world, 15)
    change(world, room)
    expect(room.locator(".pill")).to_have_text("3 new")
    assert room.evaluate("document.getElementById('e-3').getBoundingClientRect().top") == before
    room.locator(".pill").click()
    expect(room.locator("#e-15")).to_be_in_viewport()
    expect(room.locator(".pill")).to_have_count(0)


def test_status_region_speaks_once_in_ten_seconds(room: Page, world: World) -> None:
    world.wait_for_stream()
    room.clock.run_for(11_000)
    world.tell("{}", event="beat")
    room.evaluate(NOTE_WORDS, "#announce")
    for number in (13, 14, 15):
        put(world, number)
        change(world, room, number=100 + number)
        expect(room.locator(f"#e-{number}")).to_be_attached()
    room.clock.run_for(11_000)
    room.wait_for_function("() => said.some(([words]) => words.includes('Mara said 15'))")
    said, at = zip(*room.evaluate("said"), strict=True)
    assert said[0] == "Mara said 13."
    assert "; ".join(words.rstrip(".") for words in said[1:]) == "Mara said 14; Mara said 15"  # twice where all is slow
    assert all(later - earlier > 9_900 for earlier, later in pairwise(at))  # seen a little after it was said


def test_silence_is_said_in_steps_and_polling_takes_over(room: Page, world: World) -> None:
    world.wait_for_stream()
    expect(room.locator("#live")).to_contain_text("Live, ")
    room.clock.run_for(16_000)
    expect(room.locator("#live")).to_have_text("Reconnecting")
    expect(room.locator(".banner")).to_have_count(0)
    put(world, 13)
    room.clock.run_for(16_000)
    expect(room.locator("#e-13")).to_be_visible()
    expect(room.locator("#live")).to_contain_text("Checked ")


def test_lost_server_is_said_and_the_return_too(room: Page, world: World) -> None:
    world.wait_for_stream()
    expect(room.locator("#live")).to_contain_text("Live, ")
    world.up = False
    world.cut()
    room.clock.run_for(32_000)
    expect(room.locator(".banner")).to_contain_text("Connection lost at")
    expect(room.locator("#live")).to_have_text("Not connected")
    put(world, 14)
    room.evaluate(NOTE_WORDS, "#live")
    world.up = True
    room.get_by_role("button", name="Try now").click()
    room.clock.run_for(2_000)
    room.wait_for_function("() => said.some(([words]) => words === 'Caught up, 2 new entries')")
    expect(room.locator(".banner")).to_have_count(0)
    room.clock.run_for(7_000)
    expect(room.locator("#live")).to_contain_text("Live, ")


def test_banner_offers_sign_in_where_the_session_has_ended(room: Page, world: World) -> None:
    world.wait_for_stream()
    room.route("**/part/*/", lambda route: route.fulfill(status=401, body="sign in"))
    change(world, room)
    expect(room.locator(".banner")).to_contain_text("You are signed out.")
    expect(room.get_by_role("link", name="Sign in again")).to_be_visible()
    room.unroute("**/part/*/")


def test_refused_stream_still_shows_news(browser: Browser, world: World, address: str) -> None:
    put(world, 12, "Who can help?")
    world.stream = "off"
    html = render(PAGE, {"live_topics": "incident:42"}, reader=Reader())
    world.pages["/room/"] = html.replace("ASKS", "").replace("ENTRIES", entries(11))
    with screens.browser_page(browser, base_url=address) as page:
        page.clock.install()
        page.goto("/room/", wait_until="load")
        page.clock.run_for(32_000)
        expect(page.locator("#e-12")).to_be_visible()
        expect(page.locator("#live")).to_contain_text("Checked ")


def test_ages_go_on(browser: Browser, world: World, address: str) -> None:
    with screens.browser_page(browser, base_url=address) as page:
        page.clock.install()
        html = '{% extends "ui/base.html" %}{% block main %}<h1>x</h1><c-time :at="chrome.now" />{% endblock %}'
        world.pages["/"] = render(html, reader=Reader())
        page.goto("/", wait_until="load")
        expect(page.locator("main time")).to_have_text("just now")
        page.clock.run_for(14 * 60_000 + 20_000)
        expect(page.locator("main time")).to_have_text("14 min ago")


def test_single_keys_work_only_when_turned_on_and_not_while_typing(
    browser: Browser, world: World, address: str
) -> None:
    class Fast(Reader):
        shortcuts_enabled = True

    field = '<h1>x</h1><label>Filter <input id="q" data-search></label>'
    source = '{% extends "ui/base.html" %}{% block main %}' + field + "{% endblock %}"
    world.pages = {
        "/": render(source, reader=Fast()),
        "/slow/": render(source, reader=Reader()),
        "/incidents/": "there",
    }
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/slow/", wait_until="load")
        page.keyboard.press("i")
        page.goto("/", wait_until="load")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "q"
        page.keyboard.type("in/")
        assert page.locator("#q").input_value() == "in/"
        page.locator("#q").blur()
        page.keyboard.press("i")
        page.wait_for_url("**/incidents/")


def test_lines_that_were_taken_out_go_also_where_the_reader_has_scrolled(room: Page, world: World) -> None:
    world.wait_for_stream()
    for number, shown in ((101, range(40, 20, -1)), (102, range(30, 10, -1)), (103, range(10, 0, -1))):
        world.pages["/part/thread/"] = timed(*shown)
        change(world, room, number=number)  # some are taken out, then all that is shown
        expect(room.locator(f"#e-{shown[-1]}")).to_be_attached()
        expect(room.locator("#thread .entry")).to_have_count(len(shown))
        expect(room.locator(".pill")).to_have_count(0)
        room.evaluate("scrollTo(0, document.getElementById('thread').offsetTop + 300)")
        assert room.evaluate("document.getElementById('thread').getBoundingClientRect().top") < 0
    world.pages["/part/thread/"] = timed(12, 11, *range(8, 0, -1))  # two new ones, and 10 and 9 are taken out
    change(world, room, number=104)
    expect(room.locator(".pill")).to_have_text("2 new")
    expect(room.locator("#e-12")).to_have_count(0)
    expect(room.locator("#e-10")).to_have_count(0)

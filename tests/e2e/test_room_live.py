"""The room in two browsers: what one says the other sees, across a restart too, and nothing is posted twice."""

import base64
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.server import Running, serving, set_up_web_team

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


def in_the_room(browser: Browser, running: Running, name: str, address: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(f"{running.url}/account/login/")
    page.get_by_role("button", name=re.compile(name)).click()
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"{running.url}{address}")
    expect(page.locator("#live")).to_contain_text("Live", timeout=15_000)
    return page


def say(page: Page, text: str, kind: str = "Note") -> None:
    page.get_by_role("radio", name=kind, exact=True).check(force=True)
    page.get_by_label("Your entry").fill(text)
    page.get_by_role("button", name="Post to the room").click()


def test_two_browsers_share_a_room_with_its_asks_pictures_and_lost_tools(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    address = f"/incidents/{made['id']}/"
    mara, ike = (in_the_room(browser, raglan, name, address) for name in ("Mara Novak", "Ike Okafor"))
    say(mara, "Can you look at the queue?", "Ask for help")
    expect(ike.get_by_role("button", name="I can help")).to_be_visible(timeout=15_000)
    ike.get_by_role("button", name="I can help").click()
    expect(mara.get_by_text("Ike Okafor is on it.")).to_be_visible(timeout=15_000)
    mara.get_by_label("Pictures and files").set_input_files({"name": "graph.png", "mimeType": "", "buffer": PICTURE})
    say(mara, "The queue grows", "Found")
    expect(ike.get_by_role("img", name="graph.png")).to_be_visible(timeout=15_000)
    assert ike.get_by_role("img", name="graph.png").evaluate("picture => picture.decode().then(() => true)")
    ike.get_by_role("button", name=re.compile("^Helped me: The queue grows")).click(force=True)
    expect(mara.get_by_text("marked by Ike Okafor")).to_be_visible(timeout=15_000)
    mara.get_by_text("A tool is not reachable for me").click()
    mara.get_by_label("Which one").fill("Graphite")
    mara.get_by_role("button", name="Put it on the list").click()
    ike.get_by_role("button", name="Nor for me").click(timeout=15_000)
    expect(mara.get_by_text("for Mara Novak and Ike Okafor")).to_be_visible(timeout=15_000)
    mara.get_by_role("button", name="Back: Graphite").click()
    expect(ike.get_by_role("heading", name="Not reachable")).to_be_hidden(timeout=15_000)


def test_a_plain_entry_comes_with_the_stream_and_in_the_order_of_the_room(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    address = f"/incidents/{made['id']}/"
    mara, ike = (in_the_room(browser, raglan, name, address) for name in ("Mara Novak", "Ike Okafor"))
    lines, here = ike.locator("#thread"), ike.get_by_label("People and alerts")
    say(mara, "Here, and reading")
    expect(here.get_by_text("Mara Novak")).to_be_visible(timeout=15_000)
    expect(lines.get_by_text("Here, and reading")).to_be_visible(timeout=15_000)
    ike.wait_for_load_state("networkidle")
    asked: list[str] = []
    ike.on("request", lambda request: asked.append(request.url))
    for number in range(3):
        say(mara, f"<b>Line</b> {number}", "Found" if number else "Note")
        expect(lines.get_by_text(f"<b>Line</b> {number}")).to_be_visible(timeout=15_000)
    ids = "() => [...document.querySelectorAll('#thread > li')].map(line => line.id)"
    told = ike.evaluate(ids)
    assert [url for url in asked if "/part/" in url] == []
    ike.reload()
    assert ike.evaluate(ids) == told


def test_what_is_said_while_the_server_is_away_arrives_once_when_it_is_back(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    address = f"/incidents/{made['id']}/"
    mara, ike = (in_the_room(browser, raglan, name, address) for name in ("Mara Novak", "Ike Okafor"))
    raglan.stop()
    say(mara, "Written while nobody listened")
    expect(mara.get_by_text("Not sent yet")).to_be_visible()
    raglan.start_again()
    expect(ike.get_by_text("Written while nobody listened").first).to_be_visible(timeout=40_000)
    expect(mara.get_by_text("Not sent yet")).to_be_hidden(timeout=40_000)
    timeline = raglan.api("GET", f"{address.rstrip('/')}/timeline")
    assert isinstance(timeline, list)
    assert [entry["text"] for entry in timeline].count("Written while nobody listened") == 1


def test_a_form_without_script_posts_once_and_keeps_its_place(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{raglan.url}/account/login/")
    page.get_by_role("button", name=re.compile("Mara Novak")).click()
    page.goto(f"{raglan.url}/incidents/{made['id']}/")
    say(page, "Said without script")
    expect(page.get_by_text("Said without script")).to_be_visible()

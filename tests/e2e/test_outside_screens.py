"""The desk and the status page in every look; and the page alone, as the public opens it."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import (
    DESK,
    PHONE,
    Pages,
    browser_context,
    look_at,
    open_pages,
    refusals,
    sign_in,
    watch_policy,
)
from tests.support.server import Running, person_token, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("srv")


@pytest.fixture(scope="module")
def raglan(folder: Path) -> Iterator[Running]:
    with serving(status_folders=str(folder)) as running:
        set_up_web_team(running)
        yield running


@pytest.fixture(scope="module")
def room(raglan: Running, folder: Path) -> str:
    """A room with a public word, a question and a page that was brought to a folder."""
    page = {"is_on": True, "title": "Loomhaven", "uses_script": True, "takes_subscribers": True, "version": 0}
    raglan.api("PUT", "/status-page", page)
    part = raglan.api("POST", "/components", {"name": "Buying", "group": "Shop", "text": "Baskets and checkout"})["id"]
    token = person_token(raglan, "mara")
    room = raglan.api("POST", "/incidents", {"title": "Apache is down"}, token=token)["id"]
    raglan.api("POST", f"/incidents/{room}/outside/hold", {}, token=token)
    word = {"stage": "looking", "text": "Pay later, please.", "next_word_minutes": 30, "is_public": True}
    said = {**word, "headline": "Buying is slow", "states": {str(part): "slow"}}
    raglan.api("POST", f"/incidents/{room}/updates", said, token=token)
    raglan.api("POST", f"/incidents/{room}/questions", {"text": "Can we still sell?"}, token=token)
    place = {"kind": "folder", "name": "Web server", "settings": {"path": str(folder / "status")}}
    raglan.api("POST", "/status-page/places", place)
    until((folder / "status" / "index.html").is_file)
    return f"/incidents/{room}"


@pytest.fixture(scope="module")
def pages(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, sign_in(browser, raglan.url, "Mara"))


@pytest.mark.parametrize(
    "address",
    ["{room}/outside/", "{room}/outside/say/", "/setup/status/", "/setup/status/preview/", "/status/subscribe/"],
)
def test_a_screen_is_for_everyone(pages: Pages, room: str, address: str) -> None:
    assert look_at(pages, address.format(room=room)) == {}


def test_a_question_shows_at_the_desk_by_itself_and_typed_words_stay(raglan: Running, pages: Pages, room: str) -> None:
    page = pages[DESK.width]
    page.goto(f"{room}/outside/")
    page.get_by_label("What do you want to know?").fill("Half a sen")
    token = person_token(raglan, "ike")
    raglan.api("POST", f"{room}/questions", {"text": "Does the export run at four?"}, token=token)
    expect(page.get_by_text("Does the export run at four?")).to_be_visible()
    expect(page.get_by_label("What do you want to know?")).to_have_value("Half a sen")


def test_a_stranger_subscribes_confirms_and_leaves_in_a_browser(raglan: Running, browser: Browser, room: str) -> None:
    """A browser says where a form comes from; a page that hides that from the browser can not be sent."""

    def linked(number: int, place: str) -> str:
        until(lambda: len(raglan.mailbox.to("vera@example.org")) >= number)
        found = re.search(rf"http\S+/status/{place}/\S+", str(raglan.mailbox.to("vera@example.org")[-1].get_content()))
        assert found
        return found[0]

    with browser_context(browser, PHONE, base_url=raglan.url) as context:
        page = context.new_page()
        page.goto("/status/subscribe/")
        page.get_by_label("Your mail address").fill("vera@example.org")
        page.get_by_role("button", name="Send me the link").click()
        expect(page.get_by_text("Look into your mails.")).to_be_visible()
        page.goto(linked(1, "confirm"))
        page.get_by_role("button", name="Yes, tell me").click()
        expect(page.get_by_text("You are told of news by mail.")).to_be_visible()
        word = {"stage": "found", "text": "We know it.", "headline": "Buying is slow", "is_public": True}
        raglan.api("POST", f"{room}/updates", {**word, "seen": 1}, token=person_token(raglan, "mara"))
        page.goto(linked(2, "leave"))
        page.get_by_role("button", name="Tell me no more").click()
        expect(page.get_by_text("You are told no more.")).to_be_visible()


@pytest.fixture
def site(room: str, folder: Path) -> Iterator[str]:
    """The files alone, behind a server that knows nothing of raglan."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / "status")))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
        pass


def test_the_page_stands_alone_and_turns_itself_to_not_known_when_it_is_old(
    browser: Browser, site: str, folder: Path
) -> None:
    with browser_context(browser, base_url=site) as context:
        watch_policy(context)
        page = context.new_page()
        page.goto("/index.html")
        expect(page.get_by_text("Something is slow.")).to_be_visible()
        expect(page.locator("#old")).to_be_hidden()
        assert page.evaluate("getComputedStyle(document.querySelector('.panel')).borderTopStyle") == "solid"
        index = folder / "status" / "index.html"
        old = re.sub(r'id="made" datetime="[^"]+"', 'id="made" datetime="2020-01-01T00:00:00Z"', index.read_text())
        (folder / "status" / "old.html").write_text(old)
        page.goto("/old.html")
        expect(page.locator("#old")).to_be_visible()
        expect(page.get_by_text("We do not know how things are.", exact=True)).to_be_visible()
        assert set(page.locator(".state").all_inner_texts()) == {"Not known"}
        assert refusals(page) == []

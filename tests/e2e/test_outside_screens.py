"""The desk and the status page in every look; and the page alone, as the public opens it."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import DESK, Pages, browser_context, look_at, open_pages, refusals, sign_in, watch_policy
from tests.support.server import Running, person_token, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


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

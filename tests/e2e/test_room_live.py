"""The room in two browsers: what one says the other sees, across a restart too, and nothing is posted twice."""

import base64
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from threading import Barrier, Event, Semaphore
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from raglan.incidents.room import PAGE_SIZE
from tests.support.browser import PHONE, browser_page, sign_in
from tests.support.server import Running, person_token, serving, set_up_web_team, until

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LATER = tuple(f"Said before the page is back, {number}" for number in range(3))
FIFTY = 50
FOCUS = """() => {
  if (document.activeElement === document.body) return ["", true];  // round the end of the page
  const held = document.activeElement, label = held.labels?.[0] ?? held;
  const looks = [held, label].map(one => getComputedStyle(one));
  const drawn = look => look.outlineStyle !== "none" && parseFloat(look.outlineWidth);
  const seen = looks.some(look => drawn(look) || look.boxShadow !== "none");
  const name = held.getAttribute("aria-label") || label.textContent.trim() || held.title;
  return [name.replace(/\\s+/g, " "), seen];
}"""
READ_ALOUD = """
- banner:
  - navigation "Main"
- status
- main:
  - heading "The shop is slow" [level=1]
  - region "Where it stands":
    - heading "Where it stands" [level=2]
  - region "Open asks and acts":
    - heading "Open asks and acts" [level=2]
    - list:
      - listitem:
        - paragraph: A line of kind verify
        - button "Yes, me too"
        - button "No, fine here"
  - region "Say something in the room":
    - group "What kind of entry":
      - radio "Note" [checked]
      - radio "Ask for help"
    - textbox "Your entry"
    - button "Post to the room"
    - button "Pictures and files, up to 5 MiB each"
  - region "Timeline":
    - heading "Timeline" [level=2]
    - list "Timeline":
      - listitem:
        - time
        - text: "Ike Okafor found: A line of kind found"
        - 'button "Helped me: A line of kind found"'
  - complementary "People and alerts":
    - region "Who is here, on what":
      - heading "Who is here, on what" [level=2]
- contentinfo
"""
SHOWS = """ids => [...document.querySelectorAll("#thread > li")].slice(0, ids.length)
  .every((line, place) => line.id === ids[place])"""
POOR_LINE = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}  # 400 kbit/s
FIRST_LOAD = 72_000  # bytes: the budgets of script, style and a room's page
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


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
    expect(page.locator("#live")).to_contain_text("Live")
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
    expect(ike.get_by_role("button", name="I can help")).to_be_visible()
    ike.get_by_role("button", name="I can help").click()
    expect(mara.get_by_text("Ike Okafor is on it.")).to_be_visible()
    mara.get_by_label("Pictures and files").set_input_files({"name": "graph.png", "mimeType": "", "buffer": PICTURE})
    say(mara, "The queue grows", "Found")
    expect(ike.get_by_role("img", name="graph.png")).to_be_visible()
    assert ike.get_by_role("img", name="graph.png").evaluate("picture => picture.decode().then(() => true)")
    ike.locator("#thread .entry").filter(has_text="The queue grows").hover()
    ike.get_by_role("button", name=re.compile("^Helped me: The queue grows")).click()  # nothing may lie over it
    expect(mara.get_by_text("marked by Ike Okafor")).to_be_visible()
    mara.get_by_text("A tool is not reachable for me").click()
    mara.get_by_label("Which one").fill("Graphite")
    mara.get_by_role("button", name="Put it on the list").click()
    ike.get_by_role("button", name="Nor for me").click()
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    hold = raglan.api("POST", "/holds", {"name": "the pin", "reason": "it spreads", "ends_at": ends_at})
    expect(ike.get_by_role("heading", name="Automation is stopped")).to_be_visible()
    assert isinstance(hold, dict)
    raglan.api("POST", f"/holds/{hold['id']}/lift", {"word": "mended"})
    expect(ike.get_by_role("heading", name="Automation is stopped")).to_have_count(0)
    expect(mara.get_by_text("for Mara Novak and Ike Okafor")).to_be_visible()
    mara.get_by_role("button", name="Back: Graphite").click()
    expect(ike.get_by_role("heading", name="Not reachable")).to_be_hidden()


def test_a_plain_entry_comes_with_the_stream_and_in_the_order_of_the_room(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    address = f"/incidents/{made['id']}/"
    mara, ike = (in_the_room(browser, raglan, name, address) for name in ("Mara Novak", "Ike Okafor"))
    lines, here = ike.locator("#thread"), ike.get_by_label("People and alerts")
    say(mara, "Here, and reading")
    expect(here.get_by_text("Mara Novak")).to_be_visible()
    expect(lines.get_by_text("Here, and reading")).to_be_visible()
    asked: list[float] = []  # when parts were asked for, seconds of the monotonic clock
    ike.on("request", lambda request: asked.append(time.monotonic()) if "/part/" in request.url else None)
    began = time.monotonic()
    until(
        lambda: time.monotonic() - max([began, *asked]) > 3.0 or ike.wait_for_timeout(100)
    )  # what that led to is over
    asked.clear()
    for number in range(3):
        say(mara, f"<b>Line</b> {number}", "Found" if number else "Note")
        expect(lines.get_by_text(f"<b>Line</b> {number}")).to_be_visible()
    told = shown(ike)
    assert asked == []
    ike.reload()
    assert shown(ike) == told


def test_a_server_that_is_killed_and_away_for_six_seconds_costs_nothing(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    address = f"/incidents/{made['id']}/"
    mara, ike = (in_the_room(browser, raglan, name, address) for name in ("Mara Novak", "Ike Okafor"))
    ike.get_by_label("Your entry").fill("Half a sentence, not yet")
    raglan.stop(signal.SIGKILL)
    say(mara, "Written while nobody listened")
    expect(mara.get_by_text("Not sent yet")).to_be_visible()
    mara.wait_for_timeout(6_000)
    raglan.start_again()
    for text in LATER:
        raglan.api("POST", f"/incidents/{made['id']}/entries", {"text": text, "key": f"later-{text[-1]}"})
    for page in (mara, ike):
        for text in ("Written while nobody listened", *LATER):
            expect(page.locator("#thread").get_by_text(text)).to_have_count(1, timeout=60_000)
    expect(mara.get_by_text("Not sent yet")).to_be_hidden(timeout=60_000)
    expect(ike.get_by_label("Your entry")).to_have_value("Half a sentence, not yet")
    timeline = raglan.api("GET", f"/incidents/{made['id']}/timeline")
    assert isinstance(timeline, list)
    assert Counter(entry["text"] for entry in timeline) == Counter(["Written while nobody listened", *LATER])
    until(lambda: shown(mara) == shown(ike))


def test_signing_out_says_what_waits_and_leaves_none_of_it_on_the_device(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    room = in_the_room(browser, raglan, "Mara Novak", f"/incidents/{made['id']}/")
    room.route("**/entries/", lambda route: route.abort())
    say(room, "Written in a tunnel")
    expect(room.locator("[data-unsent]")).to_contain_text("Written in a tunnel")
    room.get_by_label("Your entry").fill("Half a sentence, not yet")
    room.wait_for_function("() => Object.values(localStorage).some(value => value.includes('Half a sentence'))")
    page = room.context.new_page()
    page.goto(f"{raglan.url}/you/")
    page.get_by_role("button", name="Sign out here").click()
    page.wait_for_url("**/account/logout/")
    expect(page.get_by_text("1 entry is not sent yet, 1 draft is not posted")).to_be_visible()
    expect(page.get_by_role("link", name=f"Incident {made['id']}")).to_be_visible()
    page.get_by_role("button", name="Sign out and drop them").click()
    page.wait_for_url("**/account/login/")
    page.wait_for_function("() => Object.keys(localStorage).every(name => name.startsWith('raglan:left:'))")
    expect(room.get_by_label("Your entry")).to_have_value("")


def shown(page: Page) -> list[str]:
    """Return the ids of the lines of the timeline, as they stand there."""
    ids: list[str] = page.evaluate("() => [...document.querySelectorAll('#thread > li')].map(line => line.id)")
    return ids


def account(raglan: Running, number: int) -> str:
    """Make somebody who may respond; return their token."""
    body = {"email": f"p{number}@example.test", "name": f"Person {number}", "role": "responder", "time_zone": "UTC"}
    made = raglan.api("POST", "/people", body)
    assert isinstance(made, dict)
    raglan.people[f"p{number}"] = made["id"]
    return person_token(raglan, f"p{number}")


TWO = ("Mara Novak", "Ike Okafor")


def watched_by_two(browser: Browser, raglan: Running) -> tuple[dict[str, Any], list[Page]]:
    """Open a room, and let two browsers watch it."""
    set_up_web_team(raglan)
    made: Any = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    return made, [in_the_room(browser, raglan, name, f"/incidents/{made['id']}/") for name in TWO]


def test_of_fifty_who_post_at_once_nothing_is_lost_or_doubled_and_all_see_one_order(browser: Browser) -> None:
    with serving() as raglan:
        made, pages = watched_by_two(browser, raglan)
        tokens = [account(raglan, number) for number in range(FIFTY)]
        begin = Barrier(FIFTY)

        def post(number: int) -> None:
            begin.wait(60)
            for _ in range(2):  # as a browser does that heard no answer
                body = {"text": f"Of fifty, {number}", "key": f"fifty-{number}"}
                raglan.api("POST", f"/incidents/{made['id']}/entries", body, token=tokens[number])

        with ThreadPoolExecutor(FIFTY) as people:
            list(people.map(post, range(FIFTY)))
        readers = [raglan.api("GET", f"/incidents/{made['id']}/timeline", token=token) for token in tokens[:3]]
        timeline = readers[0]
        assert isinstance(timeline, list)
        assert readers == [timeline] * 3
        said = sorted((entry["author"], entry["text"]) for entry in timeline)
        assert said == sorted((f"Person {number}", f"Of fifty, {number}") for number in range(FIFTY))
        for page in pages:
            expect(page.locator("#thread > li")).to_have_count(FIFTY, timeout=60_000)
        assert shown(pages[0]) == shown(pages[1]) == [f"e{entry['id']}" for entry in reversed(timeline)]


PARTS = ("first", "second")
LAST = 15


@dataclass
class Crowd:
    """Fifty who each post twice, one after the other, as browsers do: cut off, they send the same once more.

    The last of them write their second entry while the server is away: however fast the others are, it cuts off some.
    """

    raglan: Running
    room: int
    tokens: list[str]
    taken: Semaphore = field(default_factory=lambda: Semaphore(0))
    is_away: Event = field(default_factory=Event)
    is_back: Event = field(default_factory=Event)
    cut_off: set[int] = field(default_factory=set)

    def post(self, number: int) -> None:
        """Post both entries of one of them, each once the one before is taken."""
        for part in PARTS:
            body = {"text": f"Of fifty, {number}, {part}", "key": f"fifty-{number}-{part}"}
            if part == PARTS[-1] and number >= FIFTY - LAST:
                self.is_away.wait(120)
            while not self.is_taken(number, body):
                self.cut_off.add(number)
                if not self.is_back.wait(120):
                    raise TimeoutError("the server did not come back")
            self.taken.release()

    def is_taken(self, number: int, body: dict[str, str]) -> bool:
        """Send an entry; cut off, refused by nobody, or told to come later is not taken."""
        try:
            self.raglan.api("POST", f"/incidents/{self.room}/entries", body, token=self.tokens[number])
        except HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return False
        except (OSError, HTTPException):
            return False
        return True


def test_of_fifty_who_post_while_the_server_is_killed_nothing_is_lost_or_doubled_and_all_see_one_order(
    browser: Browser,
) -> None:
    with serving() as raglan:
        made, pages = watched_by_two(browser, raglan)
        crowd = Crowd(raglan, made["id"], [account(raglan, number) for number in range(FIFTY)])
        with ThreadPoolExecutor(FIFTY) as people:
            posting = [people.submit(crowd.post, number) for number in range(FIFTY)]
            assert all(crowd.taken.acquire(timeout=60) for _ in range(FIFTY // 2))
            raglan.stop(signal.SIGKILL)
            crowd.is_away.set()
            for page, name in zip(pages, TWO, strict=True):
                say(page, f"Said by {name}")
                expect(page.get_by_text("Not sent yet")).to_be_visible()
            until(lambda: len(crowd.cut_off) > FIFTY // 4)
            raglan.start_again()
            crowd.is_back.set()
            assert [one.result(timeout=120) for one in posting] == [None] * FIFTY
        for page in pages:
            expect(page.get_by_text("Not sent yet")).to_be_hidden(timeout=60_000)
        timeline = raglan.api("GET", f"/incidents/{made['id']}/timeline?order=written")
        assert isinstance(timeline, list)
        said = [(entry["author"], entry["text"]) for entry in timeline]
        of_fifty = [(f"Person {number}", f"Of fifty, {number}, {part}") for number in range(FIFTY) for part in PARTS]
        assert sorted(said) == sorted(of_fifty + [(name, f"Said by {name}") for name in TWO])
        assert all(
            said.index(one) < said.index(other) for one, other in zip(of_fifty[::2], of_fifty[1::2], strict=True)
        )
        newest = [f"e{entry['id']}" for entry in reversed(timeline)][:PAGE_SIZE]
        for page in pages:
            page.wait_for_function(SHOWS, arg=newest, timeout=60_000)


def test_a_phone_on_a_poor_line_posts_once_although_the_answer_is_lost(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    address, cookies = f"/incidents/{made['id']}/", sign_in(browser, raglan.url, "Mara")
    with browser_page(browser, PHONE, base_url=raglan.url, cookies=cookies) as page:
        sizes: list[float] = []
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        line.send("Network.emulateNetworkConditions", POOR_LINE)
        page.goto(address, wait_until="load")
        assert sum(sizes) < FIRST_LOAD
        answers: list[int] = []
        tried: list[bool] = []
        is_seen: list[bool] = []

        def lose_first(route: Route) -> None:
            """Lose the first answer, and what is tried after it until somebody saw that it waits."""
            if is_seen:
                route.continue_()
                return
            if not tried:
                tried.append(True)
                answers.append(route.fetch(timeout=0).status)
            route.abort()

        page.route("**/entries/", lose_first)
        page.locator(".thumb").get_by_text("Say").click()
        say(page, "Said from the train")
        expect(page.get_by_text("Not sent yet")).to_be_visible()
        for _ in range(600):  # the page may give the first one up before its answer is here
            if answers:
                break
            page.wait_for_timeout(100)
        is_seen.append(True)
        expect(page.locator("#thread").get_by_text("Said from the train")).to_have_count(1, timeout=60_000)
        expect(page.get_by_text("Not sent yet")).to_be_hidden(timeout=60_000)
    assert answers == [201]
    timeline = raglan.api("GET", f"/incidents/{made['id']}/timeline")
    assert isinstance(timeline, list)
    assert [entry["text"] for entry in timeline] == ["Said from the train"]


def test_a_form_without_script_posts_once_and_keeps_its_place(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{raglan.url}/account/login/")
    page.get_by_role("button", name=re.compile("Mara Novak")).click()
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"{raglan.url}/incidents/{made['id']}/")
    say(page, "Said without script")
    expect(page.get_by_text("Said without script")).to_be_visible()


def focus(page: Page) -> tuple[str, bool]:
    """Return what holds the focus, by the words that name it, and whether one sees that it does."""
    name, seen = page.evaluate(FOCUS)
    return str(name), bool(seen)


def tab_to(page: Page, name: str, most: int = 120) -> None:
    """Press Tab until something of this name has the focus; whatever had it on the way showed so."""
    for _ in range(most):
        page.keyboard.press("Tab")
        held, seen = focus(page)
        assert seen, f"nothing shows that {held!r} has the focus"
        if held.startswith(name):
            return
    raise AssertionError(f"{name!r} was not reached")


def test_an_incident_is_led_from_first_word_to_last_with_the_keyboard_only(raglan: Running, browser: Browser) -> None:
    cookies = sign_in(browser, raglan.url, "Mara")
    with browser_page(browser, base_url=raglan.url, cookies=cookies) as page:
        keys = page.keyboard
        page.goto("/wrong/")
        if focus(page)[0] != "What do you see?":
            tab_to(page, "What do you see?")
        keys.type("The shop is slow")
        keys.press("Enter")
        page.wait_for_url(re.compile(r"/incidents/\d+/$"))
        room = page.url.removeprefix(raglan.url).rstrip("/")
        lines = page.locator("#thread")
        expect(page.locator("#live")).to_contain_text("Live")

        tab_to(page, "Your entry")
        keys.type("Looking at the queue")
        keys.press("Control+Enter")
        expect(lines.get_by_text("Looking at the queue")).to_be_visible()

        keys.press("Shift+Tab")  # to the kind of the entry, which the arrows choose
        for _ in range(2):
            keys.press("ArrowRight")
        assert focus(page)[0] == "Ask for help"
        tab_to(page, "Your entry")
        keys.type("Who knows the queue?")
        keys.press("Control+Enter")
        expect(page.locator("#h-asks").locator("xpath=../..").get_by_text("Who knows the queue?").first).to_be_visible()

        ike = person_token(raglan, "ike")
        raglan.api("POST", f"{room}/entries", {"kind": "verify", "text": "Is it slow for you?", "key": "v"}, token=ike)
        raglan.api("POST", f"{room}/entries", {"kind": "ask", "text": "Who reads the logs?", "key": "a"}, token=ike)
        expect(page.get_by_role("button", name="Yes, me too").first).to_be_visible()
        expect(page.get_by_role("button", name="I can help").first).to_be_visible()
        tab_to(page, "I can help")
        raglan.api("POST", f"{room}/entries", {"text": "Said while a button has the focus", "key": "n"}, token=ike)
        expect(lines.get_by_text("Said while a button has the focus")).to_be_visible()
        assert focus(page)[0] == "I can help"
        keys.press("Enter")
        expect(page.get_by_text("Mara Novak is on it.")).to_be_visible()
        close_with_keys(page)


def close_with_keys(page: Page) -> None:
    """Answer, say where it stands, and close."""
    keys, lines = page.keyboard, page.locator("#thread")
    tab_to(page, "Yes, me too")
    keys.press("Enter")
    expect(lines.get_by_text("1 sees it too")).to_be_visible()
    tab_to(page, "Say where it stands")
    keys.press("Enter")
    page.wait_for_url("**/standing/")
    tab_to(page, "Where it stands")
    keys.type("The queue is long, and shrinks")
    tab_to(page, "Say where it stands")
    keys.press("Enter")
    expect(page.locator(".stands").get_by_text("The queue is long, and shrinks")).to_be_visible()
    tab_to(page, "Close the incident")
    keys.press("Enter")
    page.wait_for_url("**/close/")
    tab_to(page, "Close the incident")
    keys.press("Enter")
    expect(page.get_by_text("The incident is closed.")).to_be_visible()


def test_the_room_reads_well_aloud(raglan: Running, browser: Browser) -> None:
    made = raglan.api("POST", "/incidents", {"title": "The shop is slow"})
    assert isinstance(made, dict)
    token = person_token(raglan, "ike")
    for kind in ("note", "ask", "verify", "doing", "found"):
        body = {"kind": kind, "text": f"A line of kind {kind}", "key": kind}
        raglan.api("POST", f"/incidents/{made['id']}/entries", body, token=token)
    page = in_the_room(browser, raglan, "Mara Novak", f"/incidents/{made['id']}/")
    tree = page.locator("body").aria_snapshot()
    assert re.findall(r"^\s*- (?:button|link|textbox|combobox|radio|checkbox|searchbox)(?::|$| \[)", tree, re.M) == []
    expect(page.locator("body")).to_match_aria_snapshot(READ_ALOUD)
    assert page.locator("[role=status]").evaluate_all("all => all.map(one => one.id)")[0] == "announce"

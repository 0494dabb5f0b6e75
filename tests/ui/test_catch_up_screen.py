"""The card for whoever comes late: on a phone what matters first is in sight soon, and all of it unfolds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from raglan.incidents import card_parts
from raglan.incidents.asking import Ask
from raglan.incidents.catching_up import Card, Told
from raglan.incidents.models import Entry, Incident, Task
from raglan.people.models import Person
from tests.support import browser as screens
from tests.ui.fake_server import World
from tests.ui.render import Reader, render

pytestmark = pytest.mark.e2e
AT = datetime(2026, 5, 4, 14, 2, tzinfo=UTC)
WORDS = "of host web0042, and what it means for the shop, in a sentence of usual length."
PHONE, DESK = screens.Look(390, "light"), screens.Look(1360, "light")
HEIGHT = 844
CARD, PART = "/incidents/42/catch-up/", "/incidents/42/part/catch_up/"
PAGE = '{% extends "incidents/catch_up.html" %}'
REGION = '{% include "incidents/part_catch_up.html" %}'


def told(kind: str, count: int) -> list[Told]:
    return [Told("Bo Silva", f"{kind} {n} {WORDS}", AT + timedelta(minutes=n), n + 1) for n in range(count)]


def long_day() -> Card:
    """All that a card tells at most."""
    mara = Person(name="Mara Keller")
    asks = [Ask(Entry(pk=n, author=mara, text=f"Ask {n} {WORDS}"), "") for n in range(1, 9)]
    people = [Told("Mara Keller", "lead, the log"), *(Told(f"Person {n}", f"thread {n}") for n in range(12))]
    parts = {"tools": told("Tool", 4), "threads": people, "wanted": asks}
    parts |= {"known": told("Known", 5), "tried": told("Tried", 60), "ruled_out": told("Ruled out", 60)}
    parts |= {"decided": told("Decided", 3), "risks": told("Risk", 8), "under_way": told("Doing", 8)}
    tasks = [Task(pk=n, text=f"Task {n} {WORDS}") for n in range(1, 9)]
    in_all = {"tried_in_all": 70, "ruled_out_in_all": 61}
    return Card(first=[Told("Bo Silva", "A long day", AT)], **parts, tasks=tasks, **in_all)


def serve(world: World, card: Card) -> None:
    incident, topic = Incident(pk=42, title="A long day"), "incident:42"
    context = {"incident": incident, "topic": topic, "live_topics": topic, "newest": set()}
    context |= {"card": card_parts.shown(card), "live_since": 0}
    world.pages |= {CARD: render(PAGE, context, reader=Reader()), PART: render(REGION, context, reader=Reader())}


def bottom(page: Page, heading: str) -> float:
    box = page.locator(".catch-up > .part", has=page.get_by_role("heading", name=heading, exact=True)).bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_on_a_phone_what_matters_first_fits_in_two_screens_and_the_rest_is_folded(
    browser: Browser, world: World, address: str
) -> None:
    serve(world, long_day())
    with screens.browser_page(browser, PHONE, base_url=address, bypass_csp=True) as page:
        page.goto(CARD)
        for heading in ("How it first showed", "Risky now", "Who is on what", "What is wanted"):
            assert bottom(page, heading) < 2 * HEIGHT, heading
        for heading in ("Known", "Tried, and what it did", "Ruled out"):
            folded = page.locator("details.part", has=page.get_by_role("heading", name=heading, exact=True))
            expect(folded.locator("li").last).to_be_hidden()
        lead = page.locator(".part", has_text="Who is on what").locator("li").first
        expect(lead).to_have_text("Mara Keller: lead, the log")
        risky = page.locator(".part", has=page.get_by_role("heading", name="Risky now"))
        expect(risky.get_by_text("Risk 7 of")).to_be_visible()  # the newest mark
        expect(risky.get_by_text("Risk 0 of")).to_be_hidden()
        risky.get_by_text("5 earlier").click()
        expect(risky.get_by_text("Risk 0 of")).to_be_visible()
        page.get_by_text("10 more: What is wanted").click()
        expect(page.get_by_role("link", name=f"Ask 8 {WORDS}", exact=True)).to_be_visible()
        expect(page.get_by_text("Task 8 of")).to_be_visible()
        page.get_by_role("heading", name="Known").click()
        expect(page.get_by_text("Known 4 of")).to_be_visible()
        page.get_by_role("heading", name="Tried, and what it did").click()
        expect(page.get_by_role("link", name="10 older")).to_be_visible()
        assert screens.axe(page) == []


def test_on_a_wide_screen_it_stands_unfolded_and_what_is_folded_by_hand_stays_so(
    browser: Browser, world: World, address: str
) -> None:
    serve(world, long_day())
    with screens.browser_page(browser, DESK, base_url=address, bypass_csp=True) as page:
        page.goto(CARD)
        expect(page.get_by_text("Ruled out 59 of")).to_be_visible()
        expect(page.get_by_text("Risk 0 of")).to_be_visible()
        expect(page.get_by_text("5 earlier: Risky now")).to_be_hidden()  # there is nothing to unfold
        expect(page.locator("#caught-ruled-out-earlier li").first).to_be_hidden()  # grows with the day
        assert screens.axe(page) == []
        page.get_by_role("heading", name="Ruled out").click()
        expect(page.get_by_text("Ruled out 59 of")).to_be_hidden()

        world.pages[PART] = world.pages[PART].replace("caught-known", "caught-known-anew")  # a part that comes later
        world.wait_for_stream()
        world.tell('["incident:42"]', number=1)
        expect(page.locator("#caught-known-anew")).to_have_attribute("open", "")
        expect(page.get_by_text("Ruled out 59 of")).to_be_hidden()


def test_without_script_all_of_it_can_be_unfolded(browser: Browser, world: World, address: str) -> None:
    serve(world, long_day())
    with screens.browser_page(browser, DESK, base_url=address, script=False) as page:
        page.goto(CARD)
        expect(page.get_by_text("Known 4 of")).to_be_hidden()
        page.get_by_role("heading", name="Known").click()
        expect(page.get_by_text("Known 4 of")).to_be_visible()


def test_of_a_short_day_nothing_folds(browser: Browser, world: World, address: str) -> None:
    few = {name: told(name, 3) for name in ("known", "tried", "ruled_out", "decided", "risks", "under_way", "tools")}
    serve(world, Card(first=[], threads=[], wanted=[], **few))
    with screens.browser_page(browser, PHONE, base_url=address) as page:
        page.goto(CARD)
        expect(page.locator(".catch-up details:not([open])")).to_have_count(0)
        expect(page.get_by_text("ruled_out 2 of")).to_be_visible()
        expect(page.get_by_text("older")).to_have_count(0)


def test_a_part_that_grows_while_it_is_read_on_a_phone_stays_as_its_reader_has_it(
    browser: Browser, world: World, address: str
) -> None:
    few = {name: told(name, 3) for name in ("tried", "decided", "risks", "under_way", "tools")}
    card = Card(first=[], threads=[], wanted=[], known=told("Known", 3), ruled_out=told("Ruled out", 3), **few)
    serve(world, card)
    with screens.browser_page(browser, PHONE, base_url=address) as page:
        page.goto(CARD)
        page.get_by_role("heading", name="Known").click()
        expect(page.get_by_text("Known 2 of")).to_be_hidden()
        world.wait_for_stream()
        serve(world, replace(card, ruled_out=told("Ruled out", 4), known=told("Known", 4)))
        world.tell('["incident:42"]', number=1)
        expect(page.get_by_text("Ruled out 3 of")).to_be_visible()
        expect(page.get_by_text("Ruled out 0 of")).to_be_visible()
        expect(page.get_by_text("Known 3 of")).to_be_hidden()

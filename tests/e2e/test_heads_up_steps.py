"""How much there is to do between "I think I broke it" and whoever is on call knowing: taps, keys and characters."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import DESK, PHONE, Look, browser_page, sign_in
from tests.support.server import Running, serving, set_up_web_team

WORDS = "I pinned httpd and it restarts everywhere"
TAP_S, CHARACTER_S, READ_S = 1.5, 0.28, 2.0  # slow hands: a tap with finding its place, a letter at 43 words a minute
MOST_S = 20
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


@dataclass
class Hands:
    """Whoever gives the heads-up; counts what they do."""

    page: Page
    taps: int = 0
    keys: int = 0
    characters: int = 0

    def tap(self, thing: Locator) -> None:
        self.taps += 1
        thing.click()

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        expect(self.page.locator("#id_text"), "the field has the focus already").to_be_focused()
        self.characters += len(words)
        self.page.keyboard.type(words)

    @property
    def seconds(self) -> float:
        """What slow hands need, by the counts alone: no clock is read."""
        return READ_S + (self.taps + self.keys) * TAP_S + self.characters * CHARACTER_S


@pytest.mark.parametrize(("look", "taps"), [(DESK, 2), (PHONE, 3)])
def test_a_heads_up_takes_a_sentence_and_two_or_three_taps_from_any_page(
    raglan: Running, browser: Browser, look: Look, taps: int
) -> None:
    with browser_page(browser, look, base_url=raglan.url, cookies=sign_in(browser, raglan.url, "Mara")) as page:
        page.goto("/library/")
        hands = Hands(page)
        if look is PHONE:
            hands.tap(page.get_by_text("Menu", exact=True))
        hands.tap(page.get_by_role("link", name="Give a heads-up"))
        page.wait_for_url("**/heads-up/")
        hands.type(WORDS)
        hands.tap(page.get_by_role("button", name="Give the heads-up"))
        expect(page.get_by_role("heading", level=1)).to_contain_text(WORDS)

    assert (hands.taps, hands.keys, hands.characters) == (taps, 0, len(WORDS))
    assert hands.seconds < MOST_S


def test_a_heads_up_goes_with_the_keyboard_alone(raglan: Running, browser: Browser) -> None:
    with browser_page(browser, DESK, base_url=raglan.url, cookies=sign_in(browser, raglan.url, "Mara")) as page:
        page.goto("/heads-up/")
        hands = Hands(page)
        hands.type(WORDS)
        hands.press("Control+Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(WORDS)

    assert (hands.taps, hands.keys) == (0, 1)


@pytest.mark.parametrize(("address", "field", "button"), [
    ("/heads-up/", "What did you do or see?", "Give the heads-up"), ("/wrong/", "What do you see?", "Open an incident"),
])  # fmt: skip
def test_a_button_that_is_pressed_twice_in_a_hurry_opens_one_room(
    raglan: Running, browser: Browser, address: str, field: str, button: str
) -> None:
    with browser_page(browser, DESK, base_url=raglan.url, cookies=sign_in(browser, raglan.url, "Mara")) as page:
        page.goto(address)
        page.get_by_label(field).fill(f"Twice at {address}")
        page.get_by_role("button", name=button).dblclick()
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"Twice at {address}")
    made = raglan.api("GET", "/incidents")
    assert isinstance(made, list)
    assert sum(f"Twice at {address}" in one["title"] for one in made) == 1

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Cookie, expect

from tests.support.browser import PHONE, Pages, browser_page, chromium, look_at, open_pages
from tests.support.server import Running, serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SIGNED_IN = ("/people/?q=nobody", "/account/2fa/totp/activate/", "/account/2fa/webauthn/add/", "/account/logout/")
OPEN = ("/account/password/reset/", "/account/signup/", "/invitation/used/")  # the everyday ones are in tests/e2e


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving(demo="true") as running:
        set_up_web_team(running)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def cookies(raglan: Running, browser: Browser) -> list[Cookie]:
    """Ada's, after one click; signing in works without script."""
    with browser_page(browser, base_url=raglan.url, script=False) as page:
        page.goto("/account/login/")
        page.get_by_role("button", name="Sign in as Ada").click()
        page.wait_for_url(f"{raglan.url}/")
        return page.context.cookies()


@pytest.fixture(scope="module")
def signed_in(raglan: Running, browser: Browser, cookies: list[Cookie]) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, cookies)


@pytest.fixture(scope="module")
def signed_out(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, [])


@pytest.mark.parametrize("address", SIGNED_IN)
def test_a_screen_is_open_to_everybody(signed_in: Pages, address: str) -> None:
    assert look_at(signed_in, address) == {}


@pytest.mark.parametrize("address", OPEN)
def test_a_door_is_open_to_everybody(signed_out: Pages, address: str) -> None:
    assert look_at(signed_out, address) == {}


def test_focus_goes_to_what_needs_a_look(raglan: Running, browser: Browser, cookies: list[Cookie]) -> None:
    with browser_page(browser, PHONE, base_url=raglan.url, cookies=cookies) as page:
        page.goto("/people/invite/")
        page.get_by_label("Name").fill("Again")
        page.get_by_label("Email").fill("ada@example.test")
        page.get_by_role("button", name="Invite").click()
        page.get_by_role("alert").wait_for()
        expect(page.get_by_role("alert")).to_be_focused()
        assert page.get_by_label("Name").input_value() == "Again"
        page.get_by_role("link", name="Email").click()
        expect(page.get_by_label("Email")).to_be_focused()


def test_the_profile_is_saved_without_script(raglan: Running, browser: Browser, cookies: list[Cookie]) -> None:
    with browser_page(browser, PHONE, base_url=raglan.url, cookies=cookies, script=False) as page:
        page.goto("/you/")
        page.get_by_label("Dark").check()
        page.locator("form", has=page.get_by_label("Dark")).get_by_role("button", name="Save").click()
        page.get_by_text("Saved.").wait_for()
        assert page.locator("html[data-theme=dark]").count() == 1

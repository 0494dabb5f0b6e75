"""Sign-in in a real browser: password, codes, and a passkey alone; Chromium plays the device that keeps the key."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support.browser import PHONE, browser_context, chromium, refusals, watch_policy
from tests.support.server import Running, serving, until
from tests.support.totp import code

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PASSWORD = "a long sentence that only Ada knows"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving(is_new=True, demo="false") as running:
        yield running


@pytest.fixture(scope="module")
def context(raglan: Running) -> Iterator[BrowserContext]:
    """Give a profile at `localhost`: browsers keep no passkey for an address of numbers."""
    url = raglan.url.replace("127.0.0.1", "localhost")
    with chromium() as browser, browser_context(browser, PHONE, base_url=url) as opened:
        watch_policy(opened)
        yield opened


@pytest.fixture(scope="module")
def page(raglan: Running, context: BrowserContext) -> Page:
    """Ada's browser, signed in by the first link, with a device that keeps keys."""
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    link = until(lambda: re.search(r"/setup/first/\S+", raglan.log.read_text()))
    assert isinstance(link, re.Match)
    page.goto(link[0])
    page.get_by_label("Name", exact=True).fill("Ada Lamb")
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill("ada@example.test")
    page.get_by_label(re.compile("Password")).fill(PASSWORD)
    page.get_by_role("button", name="Make me the administrator").click()
    page.wait_for_url(lambda url: "/setup/" not in url)
    return page


def sign_in(context: BrowserContext, page: Page) -> None:
    """Come anew, with the password."""
    context.clear_cookies()
    page.goto("/account/login/")
    page.locator("main input[name=login]").fill("ada@example.test")
    page.locator("main input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/account/login/" not in url)


@pytest.fixture(scope="module")
def secret(page: Page) -> str:
    """Codes are switched on; their secret, as the app would scan it."""
    page.goto("/account/2fa/totp/activate/")
    found = re.search(r"\b[A-Z2-7]{32}\b", page.inner_text("main"))
    assert found is not None
    page.locator("main input[name=code]").fill(code(found[0]))
    page.get_by_role("button", name="Switch codes on").click()
    page.wait_for_url("**/2fa/**")
    return found[0]


def test_a_password_alone_is_no_more_enough_and_a_recovery_code_helps_once(
    context: BrowserContext, page: Page, secret: str
) -> None:
    page.goto("/account/2fa/recovery-codes/")
    found = re.search(r"\b\d{8}\b", page.inner_text("main"))
    assert found is not None
    sign_in(context, page)
    page.goto("/")
    assert "/account/2fa/authenticate/" in page.url

    for lets_in in (True, False):
        sign_in(context, page)
        page.locator("main input[name=code]").fill(found[0])
        with page.expect_navigation():
            page.get_by_role("button", name="Go on").click()
        assert (page.get_by_role("heading", level=1).inner_text() == "Now") is lets_in


def test_a_passkey_alone_signs_in(context: BrowserContext, page: Page, secret: str) -> None:
    sign_in(context, page)
    page.locator("main input[name=code]").fill(code(secret))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(lambda url: "/account/" not in url)
    page.goto("/account/2fa/webauthn/add/")
    page.get_by_label(re.compile("Sign in with it alone")).check()
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url("**/account/2fa/")

    context.clear_cookies()
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/account/login/" not in url)

    assert page.get_by_role("heading", level=1).inner_text() == "Now"
    assert refusals(page) == []

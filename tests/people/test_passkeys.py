from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import browser_context, chromium, refusals, watch_policy
from tests.support.server import Running, serving

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving(demo="true") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(raglan: Running, browser: Browser) -> Iterator[Page]:
    """A page at localhost, where passkeys work without TLS, with a device that says yes."""
    with browser_context(browser, base_url=raglan.url.replace("127.0.0.1", "localhost")) as context:
        watch_policy(context)
        opened = context.new_page()
        session = context.new_cdp_session(opened)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield opened


def test_a_passkey_is_added_and_signs_in_alone(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in as Ada").click()
    page.goto("/account/2fa/webauthn/add/")
    page.get_by_label("What you call it").fill("The laptop")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url("**/account/2fa/recovery-codes/")
    page.goto("/account/2fa/webauthn/")
    assert page.get_by_text("The laptop").first.is_visible()
    assert page.get_by_text("Signs in alone").is_visible()

    page.goto("/account/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/")
    page.goto("/account/login/?next=/you/browsers/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Browsers").wait_for()
    assert page.get_by_text("This one").is_visible()
    assert refusals(page) == []


def test_who_has_no_passkey_is_told_calmly(page: Page) -> None:
    page.goto("/account/login/")
    refuse = "() => { navigator.credentials.get = () => Promise.reject(new DOMException('no', 'NotAllowedError')); }"
    page.evaluate(refuse)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("Nothing was chosen").wait_for()
    assert page.get_by_role("button", name="Sign in", exact=True).is_enabled()

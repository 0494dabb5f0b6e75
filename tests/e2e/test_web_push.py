"""A page by web push in a real Chromium: added on the profile, opened by the service worker, answered by its button.

The push service is one on loopback, as no maker's service is within reach here: the browser's half of the subscription
is therefore made by the test, and what raglan sent is handed to the browser's own worker as a push service would.
"""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.integrations.push_service import Browser as Keys
from tests.integrations.push_service import PushService, push_service
from tests.support.browser import chromium, refusals, watch_policy
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
SUBSCRIBE = """form => {
  const bytes = text => Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - text.length % 4) % 4)),
    char => char.charCodeAt(0)).buffer;
  PushManager.prototype.subscribe = async options => {
    window.__asked = [options.userVisibleOnly, options.applicationServerKey.length];
    return {endpoint: form.endpoint, getKey: name => bytes(form[name])};
  };
}"""
SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
  .map(one => [one.title, one.body, one.actions.map(action => action.action).join(" ")])"""
PRESS = """async said => {
  const [shown] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", {notification: shown, action: said}));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the Chromium that shows notifications."""
    with chromium(whole=True) as started:
        yield started


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as running:
        yield running


def signed_in(browser: Browser, running: Running) -> tuple[BrowserContext, Page]:
    context = browser.new_context()
    context.grant_permissions(["notifications"], origin=running.url)
    watch_policy(context)
    page = context.new_page()
    page.goto(f"{running.url}/account/login/")
    page.get_by_role("button", name=re.compile("Mara Novak")).click()
    page.wait_for_url(lambda url: "login" not in url)
    return context, page


def deliver(context: BrowserContext, page: Page, running: Running, data: str) -> None:
    """Hand a message to the browser's worker, as a push service does."""
    session = context.new_cdp_session(page)
    found: list[str] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(ids(told)))
    session.send("ServiceWorker.enable")
    for _ in range(600):
        if found:
            break
        page.wait_for_timeout(50)
    session.send("ServiceWorker.deliverPushMessage", {"origin": running.url, "registrationId": found[0], "data": data})


def ids(told: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["registrationId"] for one in told["registrations"]]


def test_a_real_browser_gets_a_page_and_its_button_takes_it(
    raglan: Running, service: PushService, browser: Browser
) -> None:
    keys = Keys(f"{service.url}/send/mara")
    context, page = signed_in(browser, raglan)
    page.goto(f"{raglan.url}/you/")
    page.evaluate(SUBSCRIBE, keys.form)
    page.get_by_role("button", name="Use this browser").click()
    expect(page.get_by_text("This browser was added.")).to_be_visible(timeout=30_000)

    raglan.api(
        "POST", "/pages", {"person_id": raglan.people["mara"], "title": "The shop is down", "text": "Since 14:02."}
    )
    until(lambda: service.taken)
    sent = keys.open(service.taken[0].body)
    deliver(context, page, raglan, json.dumps(sent))
    shown = until(lambda: page.evaluate(SHOWN))

    assert isinstance(shown, list)
    assert shown[0][0] == "The shop is down"
    assert shown[0][2] == "have pass"
    context.service_workers[0].evaluate(PRESS, "have")
    until(lambda: page.evaluate(SHOWN) and page.evaluate(SHOWN)[0][1] == "You have it.")
    pages = raglan.api("GET", "/pages")
    assert "acknowledged" in json.dumps(pages)
    taps = [{"title": "Hold it", "link": "/changes/holds/new/"}]
    word = {"v": 1, "tag": "word", "title": "It differs", "body": "On web1.", "link": "/", "word": True, "taps": taps}
    page.evaluate(
        "async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(one => one.close())"
    )
    deliver(context, page, raglan, json.dumps(word))
    until(lambda: page.evaluate(SHOWN) == [["It differs", "On web1.", "tap-0"]])  # the other one is closed in its time
    assert refusals(page) == []
    context.close()


def test_without_a_push_service_the_browser_says_so_in_words(raglan: Running, browser: Browser) -> None:
    context, page = signed_in(browser, raglan)
    page.goto(f"{raglan.url}/you/")

    page.get_by_role("button", name="Use this browser").click()

    expect(page.get_by_text("This browser could not subscribe")).to_be_visible(timeout=60_000)
    context.close()

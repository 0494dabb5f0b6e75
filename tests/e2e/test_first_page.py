"""The tutorial *First page on a phone*, as somebody who is new does it: screens, one POST, a mail, an answer."""

import json
import re
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import DESK, PHONE, browser_page, chromium
from tests.support.server import Running, serving, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving(is_new=True, demo="false") as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def mail(running: Running, subject: str) -> str:
    """Return the link in a mail that arrives."""
    found = until(lambda: [one for one in running.mailbox.to("ada@example.test") if subject in str(one["Subject"])])
    assert isinstance(found, list)
    link = re.search(r"https?://[^/\s]+(/\S+)", found[0].get_content())
    assert link is not None
    return link[1]


def tell(running: Running, path: str, **said: str) -> int:
    """Send what the tutorial sends."""
    request = Request(f"{running.url}{path}", json.dumps(said).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return int(answer.status)


def become_administrator(running: Running, page: Page) -> None:
    link = until(lambda: re.search(r"/setup/first/\S+", running.log.read_text()))
    assert isinstance(link, re.Match)
    page.goto(link[0])
    page.get_by_label("Name", exact=True).fill("Ada Lamb")
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill("ada@example.test")
    page.get_by_label(re.compile("Password")).fill("a long sentence that only Ada knows")
    page.get_by_role("button", name="Make me the administrator").click()
    page.wait_for_url(lambda url: "/setup/first/" not in url)


def be_reachable(running: Running, page: Page, phone: Page) -> None:
    page.goto("/you/")
    expect(page.locator("main")).to_contain_text("Never answered yet")
    page.get_by_role("button", name="Send me a test").first.click()
    phone.goto(mail(running, "est"))
    with phone.expect_navigation():
        phone.locator("main form button[type=submit]").first.click()
    page.goto("/you/")
    assert "Never answered yet" not in page.inner_text("main")


def say_who_is_paged(page: Page) -> None:
    page.goto("/setup/")
    page.get_by_role("link", name="Add a policy").click()
    page.get_by_label("Name", exact=True).fill("Whoever is here")
    page.locator("select[name=target_1]").select_option(label="Ada Lamb")
    page.get_by_label("Page the administrators").check()
    page.get_by_role("button", name="Save this policy").click()
    page.wait_for_url(lambda url: "/policies/new" not in url)
    page.goto("/setup/")
    page.get_by_role("link", name="Add a route").click()
    page.get_by_label("Page by the policy").select_option(label="Whoever is here")
    page.get_by_role("button", name="Save this route").click()
    page.wait_for_url(lambda url: "/routes/new" not in url)


def add_a_source(page: Page) -> str:
    page.goto("/setup/")
    page.get_by_role("link", name="Add a source").click()
    page.get_by_label("Name", exact=True).fill("My scripts")
    page.locator("input[name=kind][value=generic]").check()
    with page.expect_navigation():
        page.locator("main form button[type=submit]").last.click()
    found = re.search(r"/integrations/[\w-]{20,}", page.inner_text("main"))
    assert found is not None
    return found[0]


def test_the_tutorial_leads_to_a_page_that_is_answered(raglan: Running, browser: Browser) -> None:
    with (
        browser_page(browser, DESK, base_url=raglan.url) as page,
        browser_page(browser, PHONE, base_url=raglan.url, script=False) as phone,
    ):
        become_administrator(raglan, page)
        be_reachable(raglan, page, phone)
        say_who_is_paged(page)
        path = add_a_source(page)

        assert tell(raglan, path, title="Disk full on db-1", key="db-1-disk") in (200, 202)
        phone.goto(mail(raglan, "Disk full on db-1"))
        phone.get_by_role("button", name="I have it").click()
        expect(phone.locator("main")).to_contain_text("You have it")

        assert tell(raglan, path, title="Disk full on db-1", key="db-1-disk", status="resolved") in (200, 202)
        page.goto("/alerts/?state=closed")
        assert "Disk full on db-1" in page.inner_text("main")

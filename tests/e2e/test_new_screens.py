"""A raglan that is all new: the first link makes the administrator, and every list says what it is for while empty."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Cookie, Page, expect

from tests.support.browser import PHONE, Pages, browser_context, browser_page, look_at, open_pages
from tests.support.server import Running, serving, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

EMPTY = [
    "/",
    "/incidents/",
    "/alerts/",
    "/alerts/silences/",
    "/alerts/inhibitions/",
    "/alerts/maintenance/",
    "/pages/",
    "/reach/",
    "/readiness/",
    "/on-call/",
    "/on-call/calendars/",
    "/people/",
    "/setup/",
    "/setup/sources/",
    "/setup/policies/",
    "/setup/routes/",
    "/channels/",
    "/you/",
    "/you/tokens/",
]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving(is_new=True, demo="false") as running:
        yield running


@pytest.fixture(scope="module")
def first_link(raglan: Running) -> str:
    """What raglan printed when it started."""
    found = until(lambda: re.search(r"/setup/first/\S+", raglan.log.read_text()))
    assert isinstance(found, re.Match)
    return found[0]


@pytest.fixture(scope="module")
def signed_out(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, [])


@pytest.fixture(scope="module")
def cookies(raglan: Running, browser: Browser, signed_out: Pages, first_link: str) -> list[Cookie]:
    """Look at the first screen in every way, then fill it in as a person does."""
    assert look_at(signed_out, first_link) == {}
    with browser_context(browser, PHONE, base_url=raglan.url) as context:
        page = context.new_page()
        page.goto(first_link)
        fill_in(page)
        page.wait_for_url(lambda url: "/setup/first/" not in url)
        return context.cookies()


@pytest.fixture(scope="module")
def signed_in(raglan: Running, browser: Browser, cookies: list[Cookie]) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, cookies)


def fill_in(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Ada Lamb")
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill("ada@example.test")
    page.get_by_label(re.compile("Password")).fill("a long sentence that only Ada knows")
    page.get_by_role("button", name="Make me the administrator").click()


@pytest.mark.parametrize("address", EMPTY)
def test_an_empty_screen_is_for_everyone(address: str, signed_in: Pages) -> None:
    assert look_at(signed_in, address) == {}


def test_who_is_invited_chooses_a_password_by_the_link(
    raglan: Running, browser: Browser, cookies: list[Cookie], signed_out: Pages
) -> None:
    with browser_page(browser, PHONE, base_url=raglan.url, cookies=cookies) as page:
        page.goto("/people/invite/")
        page.get_by_label("Name", exact=True).fill("Bo Silva")
        page.get_by_label(re.compile("mail", re.IGNORECASE)).fill("bo@example.test")
        with page.expect_navigation():
            page.get_by_role("button", name=re.compile("Invite|Make")).click()
        found = re.search(r"/invitation/[\w-]+/", page.content())
        assert found is not None
    link = found[0]
    assert look_at(signed_out, link) == {}
    with browser_page(browser, PHONE, base_url=raglan.url) as page:
        page.goto(link)
        page.get_by_label(re.compile("Password")).fill("a long sentence that only Bo knows")
        page.locator("main form button[type=submit]").click()
        page.wait_for_url(lambda url: "/invitation/" not in url)
        expect(page.get_by_role("heading", level=1)).to_have_text("Now")


def test_the_first_link_is_over_once_somebody_is_here(
    raglan: Running, browser: Browser, cookies: list[Cookie], first_link: str
) -> None:
    with browser_page(browser, PHONE, base_url=raglan.url) as page:
        answer = page.goto(first_link)
        assert answer is not None
        assert answer.status == 404

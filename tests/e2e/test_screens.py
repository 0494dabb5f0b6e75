"""Every screen at 1360, 390 and 320 px, light and dark: axe-core is silent, nothing scrolls sideways."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Cookie

from tests.e2e.story import tell
from tests.support.browser import Pages, look_at, open_pages, sign_in
from tests.support.server import Running, serving, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SIGNED_IN = [
    "/",
    "/wrong/",
    "/heads-up/",
    "/heads-up/mail/",
    "/setup/heads-up/",
    "/incidents/",
    "/incidents/chat/import/",
    "/incidents/{incident}/",
    "/incidents/{incident}/?show=asks&order=oldest",
    "/incidents/{closed}/",
    "/incidents/{incident}/standing/",
    "/incidents/{incident}/name/",
    "/incidents/{incident}/close/",
    "/incidents/{incident}/tasks/",
    "/incidents/{incident}/alerts/",
    "/incidents/{incident}/checklists/",
    "/incidents/{incident}/private/",
    "/incidents/{incident}/split/",
    "/incidents/{incident}/catch-up/",
    "/incidents/{incident}/hand-changes/",
    "/incidents/{incident}/hand-over/",
    "/incidents/{incident}/kind/",
    "/incidents/{incident}/merge/",
    "/incidents/{incident}/needs/",
    "/incidents/{incident}/related/",
    "/incidents/{closed}/reopen/",
    "/incidents/{incident}/chat/import/",
    "/chat-imports/{chat_import}/",
    "/near-miss/",
    "/chat/",
    "/free/",
    "/scripts/",
    "/scripts/of/web/",
    "/reach/?incident={incident}&title=Please%20come",
    "/pages/",
    "/pages/?state=old",
    "/pages/{page}/",
    "/readiness/",
    "/reach/",
    "/reach/?person={mara}",
    "/alerts/",
    "/alerts/?q=nothing-like-this",
    "/alerts/groups/{group}/",
    "/alerts/{alert}/",
    "/alerts/silences/",
    "/alerts/silences/new/",
    "/alerts/silences/new/?alert={alert}",
    "/alerts/silences/{silence}/",
    "/alerts/silences/{silence}/change/",
    "/alerts/inhibitions/",
    "/alerts/inhibitions/new/",
    "/alerts/inhibitions/{inhibition}/",
    "/alerts/maintenance/",
    "/alerts/maintenance/new/",
    "/alerts/maintenance/{maintenance}/",
    "/alerts/storms/{storm}/",
    "/changes/",
    "/changes/new/?title=Newer",
    "/changes/{change}/",
    "/changes/{change}/hosts/",
    "/changes/{change}/marks/",
    "/setup/hosts/places/",
    "/changes/notes/",
    "/changes/variety/",
    "/changes/holds/",
    "/changes/holds/freeze/",
    "/changes/holds/{hold}/",
    "/changes/holds/{hold}/hosts/?which=untold",
    "/channels/",
    "/on-call/",
    "/on-call/web/",
    "/on-call/new/",
    "/on-call/cover/",
    "/on-call/calendars/",
    "/on-call/calendars/leave/",
    "/on-call/web/rotation/",
    "/on-call/web/rotation/?layer=%2B",
    "/on-call/web/cover/",
    "/on-call/web/ask/",
    "/on-call/web/calendar/",
    "/on-call/web/handover/",
    "/on-call/web/shadow/",
    "/on-call/web/hours/",
    "/library/",
    "/library/folders/",
    "/people/",
    "/people/{mara}/",
    "/people/invite/",
    "/teams/web/",
    "/teams/new/",
    "/you/",
    "/you/tokens/",
    "/you/browsers/",
    "/setup/",
    "/setup/sources/",
    "/setup/sources/prometheus/",
    "/setup/policies/",
    "/setup/policies/web/",
    "/setup/routes/",
    "/setup/routes/1/",
    "/setup/routes/1/remove/",
    "/api/docs/",
    "/api/docs/incidents/",
    "/changes/mirrors/?package=httpd&version=2.4.6-40",
    "/hosts/runs/",
    "/hosts/",
    "/hosts/{host}/?q=a",
    "/setup/hosts/source/hosts/",
    "/reviews/{review}/",
    "/account/2fa/",
    "/account/password/change/",
    "/keys/",
    "/nothing-here/",
    "/setup/paging/",
]
SIGNED_OUT = ["/account/login/", "/account/password/reset/", "/keys/", "/p/forged/"]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def story(raglan: Running) -> dict[str, int]:
    return tell(raglan)


@pytest.fixture(scope="module")
def cookies(raglan: Running, browser: Browser, story: dict[str, int]) -> list[Cookie]:
    return sign_in(browser, raglan.url, "Ada")


@pytest.fixture(scope="module")
def signed_in(raglan: Running, browser: Browser, cookies: list[Cookie]) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, cookies)


@pytest.fixture(scope="module")
def signed_out(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, [])


@pytest.mark.parametrize("address", SIGNED_IN)
def test_a_screen_is_for_everyone(address: str, signed_in: Pages, story: dict[str, int]) -> None:
    assert look_at(signed_in, address.format(**story)) == {}


@pytest.mark.parametrize("address", SIGNED_OUT)
def test_a_screen_without_sign_in_is_for_everyone(address: str, signed_out: Pages, story: dict[str, int]) -> None:
    assert look_at(signed_out, address) == {}


def test_the_page_that_a_mail_opens_is_for_everyone(raglan: Running, signed_out: Pages, story: dict[str, int]) -> None:
    mails = until(lambda: raglan.mailbox.to("mara@example.test"))
    assert isinstance(mails, list)
    link = re.search(r"/p/\S+", mails[0].get_content())
    assert link
    assert look_at(signed_out, link[0]) == {}

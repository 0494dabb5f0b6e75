"""The screens of sources with something on them, in every look: axe-core is silent, nothing scrolls sideways."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Pages, look_at, open_pages, sign_in
from tests.support.server import Running, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        furnish(running)
        yield running


def furnish(running: Running) -> None:
    """Make a source of heartbeats and one of any JSON, and let both hear something."""
    token = {}
    for kind in ("heartbeat", "generic"):
        made = running.api("POST", "/sources", {"name": f"The {kind} source", "slug": kind, "kind": kind})
        assert isinstance(made, dict)
        token[kind] = str(made["token"])
    for slug in ("backup", "certificates", "a-name-that-is-as-long-as-a-name-of-a-job-that-nobody-wants-to-shorten"):
        running.api("POST", "/heartbeats", {"source": "heartbeat", "slug": slug, "name": slug, "period_s": 600})
    send(running, f"/ping/{token['heartbeat']}/backup", b"all 14 tables")
    send(running, f"/ping/{token['heartbeat']}/certificates/3", b"x" * 300)
    send(running, f"/integrations/{token['generic']}/", b'{"event": {"name": "%s"}}' % (b"Disk" * 60))
    running.api("PATCH", "/sources/generic", {"noisy": True})
    running.api("POST", "/sources/generic/token")


def send(running: Running, path: str, body: bytes) -> None:
    with suppress(HTTPError):  # what is refused shows on the screen, too
        urlopen(Request(f"{running.url}{path}", data=body, method="POST"), timeout=60).close()


@pytest.fixture(scope="module")
def pages(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, sign_in(browser, raglan.url, "Ada"))


@pytest.mark.parametrize("address", ["/setup/sources/heartbeat/", "/setup/sources/generic/", "/setup/heartbeats/1/"])
def test_a_screen_of_a_source_is_for_everyone(pages: Pages, address: str) -> None:
    assert look_at(pages, address) == {}

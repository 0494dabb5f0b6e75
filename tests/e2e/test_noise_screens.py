"""The screens of what is held back, with something on them, in every look."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Cookie

from tests.support.browser import Pages, chromium, look_at, open_pages
from tests.support.server import Running, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
NAME = "DiskIsNearlyFullOnTheMachineThatHasTheLongestNameOfAll"


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        furnish(running)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def furnish(running: Running) -> None:
    """Let an alert flap, until it is held back while it fires."""
    made = running.api("POST", "/sources", {"name": "Disks", "slug": "disks", "kind": "webhook"})
    assert isinstance(made, dict)
    running.api("PATCH", "/sources/disks", {"flapping": {"changes": 3, "open_s": 86_400}})
    ends = time.monotonic() + 60
    while time.monotonic() < ends and not _is_held(running):
        for status in ("resolved", "firing"):
            send(running, str(made["token"]), status)
        time.sleep(0.5)  # a real process reaches somebody in its own time


def _is_held(running: Running) -> bool:
    found = running.api("GET", "/alerts?limit=1")
    return bool(found) and found[0]["held"] == "flapping"


def send(running: Running, token: str, status: str) -> None:
    body = {"version": "4", "alerts": [{"status": status, "labels": {"alertname": NAME, "host": "db-01"}}]}
    url = f"{running.url}/integrations/{token}/alertmanager"
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    urlopen(request, timeout=20).close()


@pytest.fixture(scope="module")
def pages(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, sign_in(raglan, browser))


def sign_in(raglan: Running, browser: Browser) -> list[Cookie]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{raglan.url}/account/login/")
    page.get_by_role("button", name=re.compile("Ada")).click()
    page.wait_for_url(lambda url: "login" not in url)
    found = context.cookies()
    context.close()
    return found


@pytest.fixture(scope="module")
def flapping(raglan: Running) -> dict[str, int]:
    alert = raglan.api("GET", "/alerts?limit=1")[0]
    assert alert["held"] == "flapping"
    return {"alert": alert["id"], "group": alert["group_id"]}


@pytest.mark.parametrize(
    "address",
    ["/", "/alerts/", "/alerts/{alert}/", "/alerts/groups/{group}/", "/setup/sources/disks/", "/setup/routes/"],
)
def test_a_screen_of_what_flaps_is_for_everyone(pages: Pages, flapping: dict[str, int], address: str) -> None:
    folder = os.environ.get("RAGLAN_TEST_SHOTS")
    assert look_at(pages, address.format(**flapping), Path(folder) if folder else None) == {}

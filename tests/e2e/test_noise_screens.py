"""The screens of what is held back, with something on them, in every look."""

import json
import time
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Pages, axe, look_at, open_pages, scrolls_sideways, sign_in, take_picture
from tests.support.server import Running, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
NAME = "DiskIsNearlyFullOnTheMachineThatHasTheLongestNameOfAll"


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        furnish(running)
        yield running


def furnish(running: Running) -> None:
    """Let an alert flap, until it is held back while it fires."""
    made = running.api("POST", "/sources", {"name": "Disks", "slug": "disks", "kind": "webhook"})
    assert isinstance(made, dict)
    running.api("PATCH", "/sources/disks", {"flapping": {"changes": 3, "open_s": 86_400}})
    ends = time.monotonic() + 120
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
    urlopen(request, timeout=60).close()


@pytest.fixture(scope="module")
def pages(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, sign_in(browser, raglan.url, "Ada"))


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
    assert look_at(pages, address.format(**flapping)) == {}


INHIBITION = {
    "name": "A host that is down explains its disks",
    "source_matchers": [{"name": "alertname", "value": "HostDown"}],
    "target_matchers": [{"name": "alertname", "value": NAME}],
    "same_source": False,
}
TRIES = [
    ("/setup/noise/?storm_groups=1&flap_changes=0", ""),
    ("/alerts/inhibitions/1/", "Try it on the last 30 days"),
    ("/alerts/maintenance/1/", "Try the last 30 days without it"),
    ("/setup/sources/disks/", "Try it on the last 30 days"),
]


@pytest.fixture(scope="module")
def rules(raglan: Running) -> None:
    raglan.api("POST", "/inhibitions", INHIBITION)
    raglan.api("POST", "/routes", {"position": 5, "policy": "fallback"})
    raglan.api("DELETE", "/routes/5?version=1")
    window = {"name": "Upgrade", "matchers": [{"name": "alertname", "value": NAME}], "zone": "UTC"}
    raglan.api("POST", "/maintenances", window | {"first": "2030-01-01", "start": "22:00", "minutes": 60})


@pytest.mark.parametrize(("address", "button"), TRIES)
def test_a_dry_run_is_for_everyone(
    pages: Pages, flapping: dict[str, int], rules: None, address: str, button: str
) -> None:
    for look, page in pages.items():
        page.goto(address)
        if button:
            page.get_by_role("button", name=button).first.click()
        page.get_by_role("heading", name="The last 30 days with this change").wait_for()
        assert (axe(page), scrolls_sideways(page)) == ([], False), look
        take_picture(page, f"try {address}", look)


def test_a_removed_route_stands_below_the_others(pages: Pages, rules: None) -> None:
    assert look_at(pages, "/setup/") == {}

"""A room on a phone with 400 kbit/s and 400 ms: until it can be used, what it weighs, and until an entry is in it."""

import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, expect

from bench.floor import Floor
from bench.ground import Figure, Reader, Running, running
from raglan.demo.client import number
from tests.support.browser import PHONE, browser_page, chromium

LINE = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
ENTRIES = 50
ROUNDS = 3
PATIENCE_MS = 60_000


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Open a room of 50 entries with nothing kept from before, and say something in it."""
    with running(folder) as server, chromium() as browser:
        room = number(server.client.post("/incidents", {"title": "The site is slow since 14:02"}))
        for index in range(ENTRIES):
            text = f"Looked at host web-{index:03d}: httpd does not start after the second run, log line {index * 37}"
            server.client.post(f"/incidents/{room}/entries", {"text": text, "key": f"phone-{index}"})
        taken = []
        for index in range(ROUNDS):
            with browser_page(browser, PHONE, base_url=f"http://127.0.0.1:{server.port}") as page:
                taken.append(_visit(server, page, f"/incidents/{room}/", f"Said on the way, {index}"))
    opened, weight, said = (median(values) for values in zip(*taken, strict=True))
    return [
        Figure("phone: from the address to a room in use", opened, "s", 8),
        Figure("phone: bytes of it, nothing kept from before", weight, "kB", 72),
        Figure("phone: from Post to the entry in the timeline", said, "s", 5),
    ]


def _visit(server: Running, page: Page, path: str, words: str) -> tuple[float, float, float]:
    """Return seconds until the room can be written in, the kilobytes, and seconds from Post to the entry."""
    sizes: list[float] = []
    _sign_in(server, page)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    line.send("Network.emulateNetworkConditions", LINE)
    began = time.perf_counter()
    page.goto(path, wait_until="load", timeout=PATIENCE_MS)
    page.locator(".thumb").get_by_text("Say").click(timeout=PATIENCE_MS)
    expect(page.get_by_label("Your entry")).to_be_focused(timeout=PATIENCE_MS)
    opened, weight = time.perf_counter() - began, sum(sizes) / 1000
    page.keyboard.type(words)
    posted = time.perf_counter()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#thread").get_by_text(words)).to_be_visible(timeout=PATIENCE_MS)
    return opened, weight, time.perf_counter() - posted


def _sign_in(server: Running, page: Page) -> None:
    pairs = [part.partition("=") for part in Reader(server.port).cookie.split("; ")]
    url = f"http://127.0.0.1:{server.port}"
    page.context.add_cookies([{"name": name, "value": value, "url": url} for name, _, value in pairs])

"""Takes the pictures of the documentation from a running demo, in the middle of its story.

PYTHONPATH=. .venv/bin/python tools/pictures.py http://127.0.0.1:8000
"""

import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.support.browser import DESK, PHONE, browser_page, chromium

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"


def main(url: str) -> None:
    """Sign in as somebody of the story and look around."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with browser_page(browser, DESK, base_url=url) as page:
            sign_in(page, "Jun Tan")
            page.screenshot(path=FOLDER / "now.png")
            room = find_room(page)
            page.screenshot(path=FOLDER / "room.png")
            for name in ("catch-up", "outside"):
                page.goto(f"{room}{name}/")
                page.screenshot(path=FOLDER / f"{name}.png")
        with browser_page(browser, PHONE, base_url=url) as page:
            sign_in(page, "Mara Novak")
            page.screenshot(path=FOLDER / "now-phone.png")
            page.goto("/heads-up/")
            page.screenshot(path=FOLDER / "heads-up-phone.png")


def find_room(page: Page) -> str:
    """Go to the newest room and return its address."""
    page.goto("/incidents/")
    page.locator("main a[href^='/incidents/']").first.click()
    page.wait_for_url(lambda address: address.rstrip("/")[-1].isdecimal())
    page.wait_for_load_state("load")
    return page.url


def sign_in(page: Page, name: str) -> None:
    """Use the one click of the demo."""
    page.goto("/")
    page.get_by_role("button", name=f"Sign in as {name}").click()
    page.wait_for_url(lambda address: "/account/" not in address)
    page.wait_for_load_state("load")


if __name__ == "__main__":
    main(sys.argv[1])

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
            page.goto("/incidents/")
            page.locator("main a[href^='/incidents/']").first.click()
            page.wait_for_load_state("load")
            page.screenshot(path=FOLDER / "room.png")
        with browser_page(browser, PHONE, base_url=url) as page:
            sign_in(page, "Mara Novak")
            page.screenshot(path=FOLDER / "now-phone.png")


def sign_in(page: Page, name: str) -> None:
    """Use the one click of the demo."""
    page.goto("/")
    page.get_by_role("button", name=f"Sign in as {name}").click()
    page.wait_for_url(lambda address: "/account/" not in address)
    page.wait_for_load_state("load")


if __name__ == "__main__":
    main(sys.argv[1])

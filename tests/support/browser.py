"""The system's Chromium for tests: a browser, contexts of every size and theme, and axe-core on any page.

    with chromium() as browser, browser_page(browser, PHONE, base_url=url) as page:
        page.goto("/")
        assert axe(page) == []

`check_everywhere(browser, url)` does so for all six looks of the design.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypedDict

from playwright.sync_api import Browser, BrowserContext, Cookie, Page, ViewportSize, expect, sync_playwright

from raglan.ui import build

# The synchronous driver keeps an event loop running in this thread, which Django would take for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
PATIENCE_MS = 30_000  # what comes at once on a quiet machine takes its time where others work
expect.set_options(timeout=PATIENCE_MS)

CANDIDATES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# The same browser without windows and what needs them, such as notifications; it takes a third less of the processor.
LIGHT = ("chromium-headless-shell",)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Theme = Literal["light", "dark"]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What axe-core looks at colours for. Themes differ by colours alone, as tests/ui/test_themes.py tells.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
RUN_AXE = """async (only) => {
  const report = await axe.run(document, {runOnly: only, resultTypes: ["violations"]});
  const where = node => [node.target.join(" "), node.html.slice(0, 160), (node.failureSummary ?? "").slice(0, 300)];
  return report.violations.map(found =>
    ({id: found.id, help: found.help, nodes: found.nodes.map(node => where(node).join("  "))}));
}"""
# What stands before the title in the page, and beside it in no way, ends where the title begins.
TITLE_ON_LINE = """() => {
  const title = document.querySelector("main h1");
  let at = title;
  while (at && at.tagName !== "MAIN" && !at.previousElementSibling) at = at.parentElement;
  const above = at && at.tagName !== "MAIN" ? at.previousElementSibling.getBoundingClientRect() : null;
  const here = title?.getBoundingClientRect();
  return Boolean(above && above.height && above.left < here.right && here.left < above.right
    && above.top <= here.top && above.bottom - here.top > 3);
}"""
WATCH = """window.__refused = [];
document.addEventListener("securitypolicyviolation", event =>
  window.__refused.push([event.violatedDirective, event.blockedURI, event.sourceFile].join(" ")));"""


class Violation(TypedDict):
    """One rule of axe-core that a page breaks, and where."""

    id: str
    help: str
    nodes: list[str]


@dataclass(frozen=True, slots=True)
class Look:
    """One way to see a page."""

    width: int
    theme: Theme

    @property
    def size(self) -> ViewportSize:
        """Return the window; phones are taller than wide."""
        return {"width": self.width, "height": 900 if self.width > NARROW else 780}

    def __str__(self) -> str:
        return f"{self.width} {self.theme}"


NARROW = 600  # px; below it a page has the layout of a phone
DESK = Look(1360, "light")
PHONE = Look(390, "light")
LOOKS = tuple(Look(width, theme) for width in (1360, 390, 320) for theme in ("light", "dark"))
WIDTHS = tuple(dict.fromkeys(look.width for look in LOOKS))


def chromium_path(names: Sequence[str] = CANDIDATES) -> str:
    """Return the system's Chromium."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("There is no Chromium here: `apt-get install chromium`.")


@contextmanager
def chromium(*, whole: bool = False) -> Iterator[Browser]:
    """Start the browser once for many pages; the `whole` one shows notifications, too."""
    path = chromium_path(CANDIDATES if whole else (*LIGHT, *CANDIDATES))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browser_context(
    browser: Browser,
    look: Look = DESK,
    *,
    base_url: str = "",
    cookies: Sequence[Cookie] = (),
    script: bool = True,
    bypass_csp: bool = False,
) -> Iterator[BrowserContext]:
    """Open a fresh profile. Leave the policy on where a test is about the page itself; axe needs it off."""
    context = browser.new_context(
        base_url=base_url or None,
        viewport=look.size,
        color_scheme=look.theme,
        java_script_enabled=script,
        bypass_csp=bypass_csp,
        has_touch=look.width < NARROW,
        reduced_motion="reduce",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    if cookies:
        context.add_cookies([dict(cookie) for cookie in cookies])  # type: ignore[misc] # a cookie read is a cookie set
    try:
        yield context
    finally:
        context.close()


@contextmanager
def browser_page(
    browser: Browser,
    look: Look = DESK,
    *,
    base_url: str = "",
    cookies: Sequence[Cookie] = (),
    script: bool = True,
    bypass_csp: bool = False,
) -> Iterator[Page]:
    """Open one page in a fresh profile."""
    opened = browser_context(browser, look, base_url=base_url, cookies=cookies, script=script, bypass_csp=bypass_csp)
    with opened as context:
        yield context.new_page()


@cache
def axe_source() -> str:
    """Return axe-core, which npm keeps for tests only."""
    path: Path = build.FRONTEND / build.KEPT_FOR_TESTS
    if not path.is_file():
        build.build()
    return path.read_text()


def axe(page: Page, rules: Sequence[str] = ()) -> list[Violation]:
    """Return what axe-core finds on the page as it is now, by all rules unless some are named."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {axe_source()}; }}")
    found: list[Violation] = page.evaluate(
        RUN_AXE, {"type": "rule", "values": rules} if rules else {"type": "tag", "values": AXE_TAGS}
    )
    return found


def watch_policy(context: BrowserContext) -> None:
    """Note every refusal of the content security policy from now on; read them with `refusals`."""
    context.add_init_script(WATCH)


def refusals(page: Page) -> list[str]:
    """Return what the content security policy refused on this page."""
    found: list[str] = page.evaluate("() => window.__refused ?? []")
    return found


def scrolls_sideways(page: Page) -> bool:
    """Say whether the page is wider than the window."""
    wider: bool = page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wider


def is_top_broken(page: Page) -> bool:
    """Say whether the bar at the top of the page takes more than one line."""
    high: bool = page.evaluate("() => (document.querySelector('.top-in')?.offsetHeight ?? 0) > 72")
    return high


def is_title_covered(page: Page) -> bool:
    """Say whether the title of the page lies on the line above it."""
    covered: bool = page.evaluate(TITLE_ON_LINE)
    return covered


def check_everywhere(
    browser: Browser, address: str, *, base_url: str = "", cookies: Sequence[Cookie] = ()
) -> Mapping[str, list[str]]:
    """Look at a page in every look; return what is wrong in each: rules of axe, sideways scroll, script errors."""
    with contextmanager(open_pages)(browser, base_url, cookies) as pages:
        return {f"{address} at {look}": wrong for look, wrong in look_at(pages, address).items()}


def load(page: Page, address: str) -> list[str]:
    """Load an address in a page and return what went wrong: status, script errors."""
    wrong: list[str] = []

    def note(error: object) -> None:
        wrong.append(f"script error: {error}")

    page.on("pageerror", note)
    answer = page.goto(address, wait_until="load")
    page.remove_listener("pageerror", note)
    if answer is None or answer.status >= 500:
        wrong.append(f"status {answer.status if answer else 'none'}")
    return wrong


def check(page: Page, look: Look, rules: Sequence[str] = ()) -> list[str]:
    """See a loaded page in one theme and return what is wrong with it: rules of axe, sideways scroll, a broken top."""
    page.emulate_media(color_scheme=look.theme, reduced_motion="reduce")
    found = axe(page, rules)
    wrong = [f"{item['id']}: {item['help']}: {json.dumps(item['nodes'][:4], indent=1)}" for item in found]
    if scrolls_sideways(page):
        wrong.append(f"scrolls sideways at {look.width} px")
    if is_top_broken(page):
        wrong.append(f"the bar at the top breaks its words at {look.width} px")
    if is_title_covered(page):
        wrong.append(f"the title lies on the line above it at {look.width} px")
    return wrong


def take_picture(page: Page, name: str, look: Look) -> None:
    """Take a picture for people to look at, when RAGLAN_TEST_SHOTS names a folder."""
    if folder := os.environ.get("RAGLAN_TEST_SHOTS"):
        name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "now"
        page.screenshot(path=Path(folder) / f"{name}-{look.width}-{look.theme}.png", full_page=True)


def sign_in(browser: Browser, url: str, name: str) -> list[Cookie]:
    """Return the cookies of somebody whom the demonstration signs in with one click."""
    with browser_page(browser, base_url=url) as page:
        page.goto("/account/login/")
        page.get_by_role("button", name=re.compile(name)).click()
        page.wait_for_url(lambda address: "login" not in address)
        return page.context.cookies()


Pages = dict[int, Page]


def open_pages(browser: Browser, url: str, cookies: Sequence[Cookie]) -> Iterator[Pages]:
    """One page for each width, kept for all screens: a browser that has the style sheets is quicker."""
    with ExitStack() as stack:
        pages: Pages = {}
        for width in WIDTHS:
            opened = browser_page(browser, Look(width, "light"), base_url=url, cookies=cookies, bypass_csp=True)
            pages[width] = stack.enter_context(opened)
        yield pages


def look_at(pages: Pages, address: str) -> dict[str, list[str]]:
    """Return what is wrong in each look.

    A page is loaded once for each width: no script of ours knows of themes. In the dark, after the light, axe-core
    looks at colours alone, for nothing else is another there.
    """
    found: dict[str, list[str]] = {}
    for width, page in pages.items():
        wrong = load(page, address)
        for look in (look for look in LOOKS if look.width == width):
            if seen := wrong + check(page, look, OF_COLOURS if look.theme == "dark" else ()):
                found[str(look)] = seen
            take_picture(page, address, look)
    return found

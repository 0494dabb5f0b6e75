"""What tests of screens share: one browser for a module, a folder for pictures."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once for a module."""
    with chromium() as started:
        yield started

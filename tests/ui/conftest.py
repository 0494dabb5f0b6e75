"""One browser for the tests of a module, and a server that tests steer."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.ui.fake_server import World, serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once for a module."""
    with chromium() as started:
        yield started


@pytest.fixture
def world() -> World:
    """Give a fresh world."""
    return World()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Serve the world."""
    with serving(world) as url:
        yield url

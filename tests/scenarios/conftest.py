from collections.abc import Iterator

import pytest

from raglan.testing import world


@pytest.fixture
def outbox(db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel; it remembers what it took."""
    with world.outbox(world.Outbox()) as box:
        yield box

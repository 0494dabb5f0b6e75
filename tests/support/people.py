"""People and the channels to them, as many tests want them; a conftest takes them by their names.

mara, bo = people.mara, people.bo                        # in the database
outbox, mara, bo = people.outbox, people.mara_reached, people.bo_reached   # and every channel is a memory
"""

from collections.abc import Iterator

import pytest

from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture
def outbox(db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel; it remembers what it took."""
    with world.outbox(world.Outbox()) as box:
        yield box


@pytest.fixture
def mara(db: None) -> Person:
    """Whoever leads."""
    return world.person("Mara Keller")


@pytest.fixture
def bo(db: None) -> Person:
    """Whoever helps."""
    return world.person("Bo Silva")


@pytest.fixture(name="mara")
def mara_reached(outbox: world.Outbox) -> Person:
    """Whoever leads, reached over the outbox."""
    return world.person("Mara Keller")


@pytest.fixture(name="bo")
def bo_reached(outbox: world.Outbox) -> Person:
    """Whoever helps, reached over the outbox."""
    return world.person("Bo Silva")

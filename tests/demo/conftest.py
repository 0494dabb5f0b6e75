"""What the tests of the demo share."""

from collections.abc import Iterator

import pytest

from tests.demo.fake import FakeRaglan, serving


@pytest.fixture
def fake() -> Iterator[FakeRaglan]:
    with serving() as made:
        yield made

import pytest

from raglan.core import clock
from tests.support import people

outbox, mara = people.outbox, people.mara_reached


@pytest.fixture
def time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test moves passes, however slow the machine is."""
    standing = clock.passed()
    monkeypatch.setattr(clock, "passed", lambda: standing)

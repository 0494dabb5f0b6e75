"""How many messages are known by heart is bounded; those that came last are."""

import pytest

from raglan.paging import claimed
from raglan.paging.models import Notification


def test_what_never_came_makes_room_for_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claimed, "MOST_REMEMBERED", 2)
    claimed.forget()

    claimed._remember([Notification(pk=pk) for pk in (1, 2)])
    claimed._remember([Notification(pk=3)])

    assert list(claimed._waiting) == [2, 3]
    claimed.forget()

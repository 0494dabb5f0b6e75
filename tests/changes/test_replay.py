"""Events of changes are enough: told to an older copy of the state, they give the stored one."""

from datetime import UTC, datetime, timedelta

import pytest

from raglan.changes import actions, events, queries
from raglan.changes.models import Change
from raglan.core import timeline
from raglan.core.clock import now
from raglan.testing import replay

pytestmark = pytest.mark.django_db
FIELDS = ("key", "title", "origin", "told_by", "at", "received_at", "links", "details")
AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def stored() -> replay.State:
    return {"changes": replay.rows(Change, FIELDS)}


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    if isinstance(said, events.ChangeRecorded):
        state["changes"][said.change] = {"pk": said.change, **said.model_dump(exclude={"change"})}


def recording() -> None:
    links = [{"href": "https://ci.example.test/1", "text": "build"}] * 30
    told = actions.Told("Deploy " + "x" * 400, "ci", AT, links, {f"n{n}": "v" * 2_000 for n in range(100)})
    for _ in range(2):
        actions.record(told, told_by="ci", actor="raglan")
    actions.record(actions.Told("Without a time"), told_by="ci", actor="raglan")


def test_events_told_to_an_older_copy_give_the_stored_state() -> None:
    assert replay.differences(stored, tell, recording) == {}
    assert Change.objects.count() == 2


def test_the_same_change_told_by_another_is_another() -> None:
    for who in ("ci", "mara"):
        actions.record(actions.Told("Deploy", at=AT), told_by=who, actor="raglan")

    assert Change.objects.count() == 2


def test_only_what_changed_in_the_day_before_is_shown_beside_an_alert() -> None:
    for hours in (-30, -23, -1, 5):
        told = actions.Told(f"{hours} h", at=now() + timedelta(hours=hours))
        actions.record(told, told_by="ci", actor="raglan")

    assert [change.title for change in queries.around(now())] == ["-1 h", "-23 h"]

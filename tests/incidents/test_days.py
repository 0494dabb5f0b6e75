"""A timeline says the day where another one begins."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from raglan.incidents import actions, room
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry
from raglan.people.models import Person

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_the_day_stands_once_where_another_one_begins(
    client: Client, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = actions.declare("Apache is down", by=mara, began_at=NOON - timedelta(days=400))
    written = [NOON, NOON - timedelta(hours=1), NOON - timedelta(hours=13), NOON - timedelta(hours=14)]
    for at in [*written, NOON - timedelta(days=400)]:
        actions.post(incident, Said(Entry.Kind.NOTE, f"at {at}"), by=None, at=at)
    monkeypatch.setattr(room, "now", lambda: NOON)
    for oldest_first, days in (
        (False, ["", "", "27 Nov", "", "24 Oct 2025"]),
        (True, ["24 Oct 2025", "27 Nov", "", "today", ""]),
    ):
        with timezone.override(UTC):
            found = room.lines(incident, mara, room.View(oldest_first=oldest_first))["lines"]
        assert isinstance(found, list)
        assert [line.day for line in found] == days
    client.force_login(mara)
    assert "24 Oct 2025</span></time>" in client.get(f"/incidents/{incident.pk}/").content.decode()

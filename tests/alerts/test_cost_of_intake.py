"""What a commit costs does not grow with what fires already, and hardly with what it brings."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.alerts.models import Alert
from raglan.alerts.ports import SourceKey
from raglan.alerts.queries import firing_ids
from raglan.testing import world

pytestmark = pytest.mark.django_db


def statements(source: SourceKey, name: str, count: int) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        world.ingest(source, *(world.signal(instance=f"{name}{number}") for number in range(count)))
    return [str(query["sql"]) for query in asked]


def test_only_what_fires_with_these_fingerprints_is_found(source: SourceKey) -> None:
    world.ingest(source, *(world.signal(instance=name) for name in "abc"))
    world.ingest(source, world.signal("resolved", instance="a"))
    prints = list(Alert.objects.filter(labels__instance__in=["a", "b"]).values_list("fingerprint", flat=True))

    assert firing_ids([*prints, "unknown"]) == [Alert.objects.get(labels__instance="b").pk]
    assert firing_ids([]) == []


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has statistics and decides by them")
def test_earlier_alerts_are_looked_for_by_their_fingerprints_and_not_among_all_that_were(source: SourceKey) -> None:
    told = [sql for sql in statements(source, "a", 3) if 'FROM "alerts_alert"' in sql and "fingerprint" in sql]

    for sql in told:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            assert "(fingerprint=?" in str(cursor.fetchall())
    assert told


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has statistics and decides by them")
def test_known_alerts_are_looked_at_by_their_ids_and_not_among_all_that_fires(
    source: SourceKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ingest(source, *(world.signal(instance=name) for name in "abc"))
    prints = list(Alert.objects.values_list("fingerprint", flat=True))
    asked: list[str] = []
    connection.connection.set_trace_callback(asked.append)
    try:
        assert len(firing_ids(prints)) == 3
    finally:
        connection.connection.set_trace_callback(None)

    (told,) = [sql for sql in asked if "state" in sql and "json_each" in sql]
    plan = connection.connection.execute(f"EXPLAIN QUERY PLAN {told}").fetchall()
    assert "SEARCH alerts_alert USING INTEGER PRIMARY KEY (rowid=?)" in str(plan)


def test_alerts_that_join_a_page_ask_nothing_each(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="first"))

    few, many = statements(source, "few", 2), statements(source, "many", 30)

    assert len(many) <= len(few)

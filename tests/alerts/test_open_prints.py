"""What fires is known in memory on SQLite, and nothing that fires is ever missed there, whatever became of a commit."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from raglan.alerts.models import Alert
from raglan.alerts.open_prints import OpenPrints
from raglan.alerts.ports import SourceKey
from raglan.alerts.queries import firing_ids
from raglan.core.db import atomic
from raglan.core.faults import Crash, crash_at
from raglan.people.models import Person
from raglan.testing import world
from tests.support.connections import elsewhere

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has an index"),
]


@contextmanager
def taken_back() -> Iterator[None]:
    """A transaction, or a savepoint of one, of which nothing stays."""
    with atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def mara(transactional_db: None) -> Person:
    return world.person("Mara Keller")


@pytest.fixture
def source(mara: Person) -> SourceKey:
    world.route(1, world.policy((300, [mara])))
    return world.source()


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> OpenPrints:
    """A memory that knows nothing yet, as at the start of a process."""
    fresh = OpenPrints()
    for name in ("raglan.alerts.open_prints", "raglan.alerts.queries", "raglan.alerts.snapshot"):
        monkeypatch.setattr(f"{name}.open_prints", fresh)
    return fresh


def fire(source: SourceKey, *names: str) -> None:
    world.ingest(source, *(world.signal(instance=name) for name in names))


def of(*names: str) -> list[Alert]:
    return list(Alert.objects.filter(labels__instance__in=names).order_by("pk"))


def test_no_index_of_what_fires_is_written() -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, Alert._meta.db_table)

    assert "one_open_alert_a_fingerprint" not in constraints
    assert "alert_episodes" in constraints


def test_an_alert_is_repeated_and_ended_and_opens_anew(source: SourceKey) -> None:
    fire(source, "a")
    fire(source, "a")
    world.ingest(source, world.signal("resolved", instance="a"))
    fire(source, "a")
    fire(source, "a")

    assert [(alert.state, alert.signal_count) for alert in of("a")] == [("resolved", 3), ("firing", 2)]


def test_a_new_process_knows_what_fires(source: SourceKey, monkeypatch: pytest.MonkeyPatch) -> None:
    fire(source, "a", "b")
    world.ingest(source, world.signal("resolved", instance="b"))
    for name in ("raglan.alerts.queries", "raglan.alerts.snapshot"):
        monkeypatch.setattr(f"{name}.open_prints", OpenPrints())

    fire(source, "a", "b")

    assert [alert.state for alert in of("a")] == ["firing"]
    assert [alert.state for alert in of("b")] == ["resolved", "firing"]


def test_what_a_transaction_opened_that_was_taken_back_is_not_known(source: SourceKey) -> None:
    fire(source, "first")
    with taken_back():
        fire(source, "a")
        fire(source, "a")  # it is found while the transaction lasts
        assert [alert.signal_count for alert in of("a")] == [2]
    fire(source, "b")  # gets the id that the other had
    fire(source, "a")
    fire(source, "a", "b")

    assert [alert.signal_count for alert in (*of("a"), *of("b"))] == [2, 2]


def test_a_savepoint_that_is_taken_back_hides_nothing(source: SourceKey) -> None:
    with atomic():
        with taken_back():
            fire(source, "a")
        fire(source, "b")
    fire(source, "a")
    fire(source, "a", "b")

    assert [alert.signal_count for alert in (*of("a"), *of("b"))] == [2, 2]


def test_two_intakes_of_one_transaction_are_known_after_it(source: SourceKey, known: OpenPrints) -> None:
    with atomic():
        fire(source, "a")
        fire(source, "b")
    fire(source, "a", "b")

    assert [alert.signal_count for alert in (*of("a"), *of("b"))] == [2, 2]
    assert known.last == max(alert.pk for alert in of("a", "b"))


def test_what_others_store_is_known(source: SourceKey) -> None:
    fire(source, "a")
    elsewhere(lambda: fire(source, "b"))
    fire(source, "b")

    assert [alert.signal_count for alert in of("b")] == [2]


def test_a_crash_between_a_commit_and_what_follows_loses_nothing(source: SourceKey) -> None:
    fire(source, "first")
    with crash_at(1, name="db.after_commit"), pytest.raises(Crash):
        fire(source, "a")

    fire(source, "a")

    assert [alert.signal_count for alert in of("a")] == [2]


def test_another_thread_stores_between_a_commit_and_what_follows(
    source: SourceKey, monkeypatch: pytest.MonkeyPatch, known: OpenPrints
) -> None:
    fire(source, "first")
    follow, is_first = known.follow, [True]

    def late(*told: object, **more: object) -> None:
        if is_first.pop() if is_first else False:
            elsewhere(lambda: fire(source, "b"))
        follow(*told, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(known, "follow", late)
    fire(source, "a")
    fire(source, "a", "b")

    assert [alert.signal_count for alert in (*of("a"), *of("b"))] == [2, 2]


def test_rows_that_came_by_no_intake_are_known(source: SourceKey) -> None:
    fire(source, "a")
    alert = of("a")[0]
    alert.pk, alert.fingerprint = None, "f" * 64
    alert.save(force_insert=True)

    assert firing_ids(["f" * 64]) == [alert.pk]


def test_alerts_that_are_over_are_forgotten(source: SourceKey, known: OpenPrints) -> None:
    fire(source, "a", "b")
    prints = [alert.fingerprint for alert in of("a", "b")]
    assert len(known.find(prints)) == 2

    world.ingest(source, world.signal("resolved", instance="a"))
    world.ingest(source, world.signal(instance="c"), world.signal("resolved", instance="c"))

    assert known.find(prints) == [of("b")[0].pk]
    assert known.find([of("c")[0].fingerprint]) == []


def test_another_database_is_read_anew(source: SourceKey, known: OpenPrints) -> None:
    fire(source, "a")
    known._seen = 10**9

    assert known.find([of("a")[0].fingerprint]) == [of("a")[0].pk]


def test_what_is_no_fingerprint_is_not_known(known: OpenPrints) -> None:
    assert known.find(["unknown", ""]) == []

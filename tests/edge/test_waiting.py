"""How a start goes on when the database is away, comes back, and goes away again."""

import socket
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connection

from raglan.alerts.models import Source
from raglan.config import config
from raglan.core.clock import now
from raglan.core.errors import Conflict, Overloaded
from raglan.edge import catching_up, serve, startup, waiting
from raglan.edge.last_resort.reading import read_sources
from raglan.edge.last_resort.standing import Sources
from raglan.people.sealing import seal
from raglan.testing import world


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What each try to make the database ready brings: an error, or None when it is made ready."""
    left: list[object] = []

    def prepare(config: object, *, migrate: bool) -> list[str]:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return []

    monkeypatch.setattr(startup, "prepare", prepare)
    monkeypatch.setattr(serve, "TRY_AGAIN_S", 0.0)
    return left


def test_it_waits_as_often_as_the_database_goes_and_counts_from_the_first_time(
    monkeypatch: pytest.MonkeyPatch, starts: list[object], listening: socket.socket
) -> None:
    moments: list[float] = []
    starts += [OperationalError("gone"), OperationalError("gone again"), DatabaseError("read-only"), None]
    monkeypatch.setattr(serve, "is_database_ready", lambda: False)
    monkeypatch.setattr(waiting, "wait", lambda *_, since: moments.append(since) or True)
    assert serve._prepare(config(), listening, print, migrate=True)
    assert len(moments) == 3
    assert len(set(moments)) == 1


def test_it_is_told_to_end(monkeypatch: pytest.MonkeyPatch, starts: list[object], listening: socket.socket) -> None:
    starts += [OperationalError("gone")]
    monkeypatch.setattr(serve, "is_database_ready", lambda: False)
    monkeypatch.setattr(waiting, "wait", lambda *_, since: False)
    assert not serve._prepare(config(), listening, print, migrate=True)


def test_a_database_that_is_back_already_is_tried_again_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, starts: list[object], listening: socket.socket
) -> None:
    monkeypatch.setattr(serve, "is_database_ready", lambda: True)
    starts += [OperationalError("cut off"), None]
    assert serve._prepare(config(), listening, print, migrate=True)
    starts += [OperationalError("cut off")] * 9
    with pytest.raises(OperationalError):
        serve._prepare(config(), listening, print, migrate=True)
    assert len(starts) == 5
    starts[:] = [ProgrammingError("a migration is wrong"), None]
    with pytest.raises(ProgrammingError):
        serve._prepare(config(), listening, print, migrate=True)


@pytest.mark.parametrize("left_out", [{"roles": {"engine"}}, {"spool_mb": 0}, {"last_resort_after_s": 0}], ids=str)
def test_a_node_that_keeps_nothing_says_so(
    monkeypatch: pytest.MonkeyPatch, left_out: dict[str, object], listening: socket.socket
) -> None:
    for name, value in left_out.items():
        monkeypatch.setattr(config(), name, value)
    with pytest.raises(Conflict, match="keeps nothing"):
        waiting.wait(config(), listening, print, since=0.0)


@pytest.mark.django_db
def test_tokens_that_are_good_are_known_and_one_source_that_can_not_be_read_keeps_out_no_other() -> None:
    known, broken = world.source(), world.source()
    Source.objects.filter(pk=broken.id).update(secret_sealed=seal("x")[:-4] + "AAAA")
    kept = read_sources(now())
    assert {source.id for source in kept.known.values()} == {known.id}


def test_an_unknown_token_is_to_be_sent_again() -> None:
    for token in ("", "newer-than-what-was-kept"):
        with pytest.raises(Overloaded):
            waiting.source_of(Sources(), token)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_nothing_is_not_ready() -> None:
    assert catching_up.is_database_ready()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        try:
            assert catching_up.does_database_answer()
            assert not catching_up.is_database_ready()
        finally:
            connection.close()

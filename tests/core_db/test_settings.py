from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from raglan.core.db import bulk
from raglan.core.db.settings import databases
from raglan.core.db.sqlite.base import MANY_PAGES, NO_CHECKS

DATA = Path("/data")


def test_no_url_means_sqlite_in_the_data_folder() -> None:
    database = databases("", DATA)["default"]

    assert database["ENGINE"] == "raglan.core.db.sqlite"
    assert database["NAME"] == "/data/raglan.sqlite3"


def test_a_postgresql_url_is_taken_apart() -> None:
    database = databases("postgresql://us%40er:p%2Fw@db.example:6543/rag%20lan?sslmode=require", DATA)["default"]

    assert {key: database[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "ENGINE": "raglan.core.db.postgresql",
        "NAME": "rag lan",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "6543",
    }
    assert database["CONN_HEALTH_CHECKS"] is True


def test_connections_give_up_on_a_dead_server_by_themselves() -> None:
    options = databases("postgresql://db/raglan", DATA)["default"]["OPTIONS"]

    assert isinstance(options, dict)
    assert options["connect_timeout"] == 2
    assert options["target_session_attrs"] == "read-write"
    assert {"keepalives", "tcp_user_timeout"} <= options.keys()


def test_options_of_the_url_win() -> None:
    options = databases("postgresql://db/raglan?connect_timeout=7&sslmode=verify-full", DATA)["default"]["OPTIONS"]

    assert isinstance(options, dict)
    assert (options["connect_timeout"], options["sslmode"]) == ("7", "verify-full")


def test_several_hosts_keep_their_ports_in_order() -> None:
    database = databases("postgresql://u:p@a,b:5433,[::1]:5434/raglan", DATA)["default"]

    assert (database["HOST"], database["PORT"]) == ("a,b,::1", "5432,5433,5434")


def test_a_socket_folder_may_stand_in_the_query() -> None:
    database = databases("postgresql://u@/raglan?host=%2Frun%2Fpostgresql", DATA)["default"]

    assert (database["HOST"], database["PORT"]) == ("/run/postgresql", "")


@pytest.mark.parametrize("url", ["mysql://db/raglan", "raglan.sqlite3", "postgresql://db", "postgresql://db/"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="database"):
        databases(url, DATA)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL reads JSON anyway, and has one cache for all")
@pytest.mark.parametrize(
    ("ask", "pragma", "before", "after"),
    [
        (bulk.leave_checks_out, "ignore_check_constraints", 0, 1),
        (bulk.keep_many_pages, "cache_size", -2048, -8192),
    ],
    ids=["does without checks", "keeps many pages"],
)
def test_only_the_thread_that_asks_does_so_and_goes_on_when_it_connects_again(
    db: None, ask: Callable[[], None], pragma: str, before: int, after: int
) -> None:
    def told() -> object:
        with connection.cursor() as cursor:
            return cursor.execute(f"PRAGMA {pragma}").fetchone()[0]

    def writer() -> list[object]:
        try:
            found = [told()]
            ask()
            found.append(told())
            connection.close()
            return [*found, told()]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(writer).result() == [before, after, after]
    assert told() == before


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL is told nothing")
def test_a_thread_that_asks_each_time_is_told_once_when_it_connects_again(db: None) -> None:
    def writer() -> list[str]:
        try:
            for _ in range(3):
                bulk.keep_many_pages()
                bulk.leave_checks_out()
            own: Any = connection
            return list(own._also)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(writer).result() == [MANY_PAGES, NO_CHECKS]

"""Of two who say yes at the same moment to what becomes an incident, one makes it; the other waits for nothing more."""

import threading
import time

import pytest
from django.db import connection

from raglan.chat import elsewhere, import_looks, importing
from raglan.chat.exported import Export
from raglan.chat.models import ChatImport
from raglan.incidents.models import Incident
from raglan.testing import world
from tests.chat.test_whole_imports import lines

WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
PATIENCE_S = 10


def until_somebody_waits_for_us() -> None:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        with connection.cursor() as cursor:
            cursor.execute(WAITS)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    pytest.fail("nobody waits for us")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer: nobody else gets as far")
@pytest.mark.django_db(transaction=True)
def test_who_says_yes_while_another_does_makes_nothing_and_takes_no_room() -> None:
    bo = world.person("Bo Silva")
    look = elsewhere.look_at(elsewhere.Past("Apache was down"), Export("text", lines(2), []), by=bo)
    begun, made = list[bool](), list[bool]()

    def say_yes() -> None:
        try:
            begun.append(importing.begin(ChatImport.objects.get(pk=look.pk), by=bo, make=second))
        finally:
            connection.close()

    def second(found: ChatImport) -> bool:
        made.append(elsewhere.make(found))
        return made[-1]

    other = threading.Thread(target=say_yes)

    def first(found: ChatImport) -> bool:
        is_made = elsewhere.make(found)
        other.start()
        until_somebody_waits_for_us()
        return is_made

    assert importing.begin(look, by=bo, make=first)
    other.join(PATIENCE_S)
    assert made == [False]
    assert len(begun) == 1
    look.refresh_from_db()
    assert (look.state, look.incident) == ("there", Incident.objects.get())
    assert import_looks.drop(look) is False

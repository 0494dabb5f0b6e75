"""`/gate` on the wire: answered from memory, with reasons for those who bring a token."""

from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse

import pytest
from django.db import connection

from raglan.changes import asking, hold_queries, holding
from raglan.changes.hold_models import Hold
from raglan.core import bus
from raglan.core.clock import now
from raglan.core.errors import Overloaded
from raglan.edge import gate
from tests.edge.loopback import Loopback, until

pytestmark = pytest.mark.django_db(transaction=True)
BY = holding.By("Mara Keller", "raglan")
KNOWN = {"Authorization": "Bearer good", "X-Forwarded-For": "10.0.0.9"}  # through a proxy: nobody is on this machine
STRANGER = {"X-Forwarded-For": "10.0.0.9"}


@pytest.fixture
def door() -> Iterator[tuple[gate.Gate, Loopback]]:
    made = gate.Gate(lambda token: token == "good")
    server = Loopback(made)
    server.start()
    server.on_loop(made.start)
    until(lambda: made.rules is not None)
    yield made, server
    made.close()
    server.stop()


def bring_news() -> None:
    """Tell the gate that a hold changed: on PostgreSQL that is the part of `serve`'s listener, which is not here."""
    if connection.vendor == "postgresql":
        bus.deliver(["holds"], 1)


def raised(draft: holding.HoldDraft) -> Hold:
    """Raise a hold."""
    hold = holding.raise_hold(draft, by=BY)
    bring_news()
    return hold


def ask(server: Loopback, path: str, headers: dict[str, str]) -> tuple[int, str]:
    asking_it = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        asking_it.request("GET", path, headers=headers)
        answer: HTTPResponse = asking_it.getresponse()
        return answer.status, answer.read().decode()
    finally:
        asking_it.close()


def test_what_was_changed_by_hand_is_told_to_its_host_and_that_it_asked_is_heard(
    door: tuple[gate.Gate, Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[asking.Question] = []
    cautions = (asking.Caution("httpd", "httpd was changed by hand: put back"), asking.Caution("nginx", ""))
    monkeypatch.setattr(asking, "_ways", [(lambda: {"web1": cautions}, heard.extend)])
    made, server = door
    bus.deliver([asking.WATCHED], 1)
    until(lambda: made._cautions)
    told = ask(server, "/gate?host=WEB1", KNOWN)[1]
    assert "\nhand: httpd was changed by hand: put back\n" in told
    assert "hand:" not in ask(server, "/gate?host=web1", STRANGER)[1]
    assert "hand:" not in ask(server, "/gate?host=web1&package=bash", KNOWN)[1]
    assert "hand:" not in ask(server, "/gate?host=web2", KNOWN)[1]
    until(lambda: heard)
    assert [(one.host, one.packages) for one in heard] == [("WEB1", ())]


def test_a_stop_is_told_at_once_and_reasons_only_to_those_who_bring_a_token(door: tuple[gate.Gate, Loopback]) -> None:
    made, server = door
    assert ask(server, "/gate?host=web1", STRANGER)[1].splitlines()[0] == "go"
    draft = holding.HoldDraft("httpd", "httpd fails", now() + timedelta(hours=1))
    hold = raised(draft)
    until(lambda: made.rules)
    status, text = ask(server, "/gate?host=web1&cluster=fra1", KNOWN)
    assert (status, text.splitlines()[:4]) == (200, ["stop", "gate: 1", "hold: httpd", "reason: httpd fails"])
    for headers in (STRANGER, {**STRANGER, "Authorization": "Bearer bad"}):
        text = ask(server, "/gate/host=web2/cluster=fra1", headers)[1]
        assert text.startswith("stop\n")
        assert "fails" not in text
        assert text.endswith("\nend\n")
    assert ask(server, "/gate/file", STRANGER)[0] == 401
    assert "reason: httpd fails" in ask(server, "/gate/file", KNOWN)[1]
    until(lambda: hold_queries.heard_of(hold).exists())
    assert [row.host for row in hold_queries.heard_of(hold)] == ["web1"]
    holding.lift(hold, word="fixed", by=BY)
    bring_news()
    until(lambda: ask(server, "/gate", STRANGER)[1].startswith("go\n"))


def test_what_the_gate_does_not_know_is_refused(door: tuple[gate.Gate, Loopback]) -> None:
    _, server = door
    for path in ("/gate?hots=web1", "/gate?host", "/gate/host", "/gate?host=a%0Ab"):
        assert ask(server, path, STRANGER)[0] == 400


def test_holds_in_memory_count_while_the_database_is_away(
    door: tuple[gate.Gate, Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    made, server = door
    raised(holding.HoldDraft("httpd", "x", now() + timedelta(hours=1)))
    until(lambda: made.rules)

    def away() -> list[object]:
        raise OperationalError

    monkeypatch.setattr(hold_queries, "rules", away)
    bus.deliver(["*"], 0)
    made._read_at -= 100
    text = ask(server, "/gate", STRANGER)[1]
    assert text.startswith("stop\n")
    assert "\nread: 10" in text


def test_an_address_without_a_token_asks_so_often_and_others_as_before() -> None:
    buckets = gate.Buckets(a_second=1, most=2)
    buckets.take("a", 0.0)
    buckets.take("a", 0.0)
    with pytest.raises(Overloaded):
        buckets.take("a", 0.0)
    buckets.take("b", 0.0)
    buckets.take("a", 5.0)


def test_guessing_tokens_is_bounded_and_a_good_one_goes_on(door: tuple[gate.Gate, Loopback]) -> None:
    made, server = door
    assert ask(server, "/gate", KNOWN)[0] == 200
    made._buckets = gate.Buckets(a_second=0, most=3)
    said = [ask(server, "/gate", {**STRANGER, "Authorization": f"Bearer {number}"})[0] for number in range(3)]
    assert said[-1] == 503
    assert ask(server, "/gate", KNOWN)[0] == 200

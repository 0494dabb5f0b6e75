"""What raglan knows of a host counts at the gate beside what the host says, over HTTP, by DNS and in the file."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from raglan import host
from raglan.changes import gate, gate_text, holding, ports
from raglan.changes.gate import Asked, Exempt, HoldRule, Reach
from raglan.config import Config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.edge.gate import Gate
from raglan.edge.gate_dns import Answers
from raglan.edge.gate_file import GateFile
from raglan.edge.gate_hosts import GateHosts
from raglan.fleet import actions, places
from raglan.fleet.models import Host
from raglan.fleet.ports import HostTold
from tests.edge.loopback import Loopback, until
from tests.edge.test_gate_door import KNOWN, STRANGER, ask
from tests.fleet.reporting import host as host_named
from tests.fleet.reporting import report

BY = holding.By("Mara Keller", "raglan")
ZONE = "gate.example.test"


@pytest.fixture
def door() -> Iterator[tuple[Gate, Loopback]]:
    made = Gate(lambda token: token == "good")
    server = Loopback(made)
    server.start()
    server.on_loop(made.start)
    listener = import_module("raglan.edge.listen").Listener() if connection.vendor == "postgresql" else None
    if listener is not None:
        listener.start()
    until(lambda: made.rules is not None)
    yield made, server
    if listener is not None:
        assert listener.stop(5)
    made.close()
    server.stop()


def ran(name: str, *tags: str, minutes: int = 0) -> None:
    """A tool tells of a run, and which tags its host has."""
    at = now() + timedelta(minutes=minutes)
    actions.host_for(HostTold(name=name, tags=tags, knows_tags=True), at=at, received_at=at)


def hold(name: str = "canaries", **reach: tuple[str, ...]) -> None:
    draft = holding.HoldDraft(name, "it fails", now() + timedelta(hours=1), Reach(**reach))
    holding.raise_hold(draft, by=BY)


def word(server: Loopback, query: str, headers: dict[str, str] = KNOWN) -> str:
    return ask(server, f"/gate?{query}", headers)[1].splitlines()[0]


def stops(server: Loopback, query: str) -> None:
    until(lambda: word(server, query) == "stop")


@pytest.mark.django_db(transaction=True)
def test_after_a_start_no_host_is_let_go_on_before_it_is_known_where_it_belongs() -> None:
    ran("web1", "canary")
    hold(tags=("canary",))
    made = Gate(lambda token: True)
    told: list[list[str]] = []
    made.on_news = lambda rules, known: told.append(sorted(known))
    server = Loopback(made)
    server.start()
    server.on_loop(made.start)
    try:
        until(lambda: made.rules is not None)
        assert word(server, "host=web1") == "stop"
        assert told[0] == ["web1"], "nothing is told without it, to the file neither"
    finally:
        made.close()
        server.stop()


@pytest.mark.django_db(transaction=True)
def test_a_hold_by_tag_stops_a_host_whose_tag_only_a_tool_or_a_rule_told(door: tuple[Gate, Loopback]) -> None:
    made, server = door
    ran("web1", "canary")
    ran("web2", "blue")
    places.set_rules(places.read("db*: environment staging"), actor=timeline.SYSTEM)
    ran("db1")
    hold(tags=("Canary",))
    hold("staging", environments=("staging",))
    stops(server, "host=WEB1")
    stops(server, "host=db1&package=postgresql")
    assert word(server, "host=web1", STRANGER) == "stop"
    assert [word(server, f"host={name}") for name in ("web2", "web9", "")] == ["go", "go", "go"]
    assert made.hosts.known.keys() == {"web1", "db1"}


@pytest.mark.django_db(transaction=True)
def test_a_hold_by_a_tag_with_commas_stops_whoever_says_it_in_quotes_and_of_whom_a_tool_told_it(
    door: tuple[Gate, Loopback],
) -> None:
    _, server = door
    ran("web1", "rack 4, left")
    hold(tags=("Rack 4, left",))
    stops(server, "host=web1")
    said = {"%22rack%204,%20left%22": "stop", "blue,%22rack%204,%20left%22": "stop", "rack%204,%20left": "go"}
    assert {tags: word(server, f"host=web2&tag={tags}") for tags in said} == said


@pytest.mark.django_db(transaction=True)
def test_what_is_known_follows_hosts_as_they_are_told_anew(door: tuple[Gate, Loopback]) -> None:
    _, server = door
    hold(tags=("canary",), clusters=("fra1",))
    ran("web1", "canary")
    until(lambda: word(server, "host=web1&cluster=fra1") == "stop")
    assert word(server, "host=web1&cluster=ams2") == "go"  # one of two kinds is said, the other known
    ran("web1", minutes=1)
    until(lambda: word(server, "host=web1&cluster=fra1") == "go")
    report("web2", host={"tags": ["canary"], "cluster": "fra1"})
    stops(server, "host=web2")
    actions.retire_host(host_named("web2"), actor=timeline.SYSTEM)
    until(lambda: word(server, "host=web2") == "go")


@pytest.mark.django_db(transaction=True)
def test_what_was_known_last_counts_while_the_database_is_away(
    door: tuple[Gate, Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, server = door
    ran("web1", "canary")
    hold(tags=("canary",))
    stops(server, "host=web1")

    def away(*_: object) -> Iterator[object]:
        raise OperationalError

    monkeypatch.setattr(ports.roll(), "placed", away)
    made.hosts._read()
    assert word(server, "host=web1") == "stop"
    assert made.hosts._is_changed  # so that it is read again


@pytest.mark.django_db
def test_nothing_is_read_while_no_hold_names_a_place() -> None:
    ran("web1", "canary")
    hosts = GateHosts()
    try:
        hosts.look_for([rule(Reach(packages=("httpd",)))])
        assert hosts.add(Asked("web1")) == Asked("web1")
        assert not hosts._is_changed
    finally:
        hosts.close()


def rule(reach: Reach, *but: Exempt) -> HoldRule:
    at = now()
    return HoldRule(1, "httpd", "x", at - timedelta(hours=1), at + timedelta(hours=1), reach, but)


def test_an_exception_for_a_role_that_is_only_known_lets_through() -> None:
    at = now()
    but = Exempt("role", "db", at + timedelta(hours=1))
    asked = gate.and_known(Asked("db1"), Asked(roles=("DB",)))
    assert gate.answer([rule(Reach(), but)], asked, at).word == "go"
    assert gate.named_by([rule(Reach(), but)])["roles"] == {"db"}


def test_by_dns_the_answer_is_the_same() -> None:
    def add(asked: Asked) -> Asked:
        return gate.and_known(asked, Asked(tags=("canary",))) if asked.host == "web1" else asked

    networks = [ip_network("10.0.0.0/8")]
    answers = Answers(ZONE, networks, lambda: [rule(Reach(tags=("canary",)))], add)
    for name, stopped in (("web1", True), ("web2", False)):
        query, number = host.question(f"{name}._host.{ZONE}")
        assert bool(host.read_dns(host.txt_in(answers.reply(query), query, number))) == stopped


def test_by_dns_a_name_may_have_commas() -> None:
    networks, wanted = [ip_network("10.0.0.0/8")], rule(Reach(tags=("rack 4, v1.2",)))
    answers = Answers(ZONE, networks, lambda: [wanted], lambda asked: asked)
    for tags, stopped in ((["canary", "Rack 4, v1.2"], True), (["rack 4", "v1.2"], False)):
        query, number = host.question(host.dns_name(ZONE, {"host": ["web1"], "tag": tags}))
        assert bool(host.read_dns(host.txt_in(answers.reply(query), query, number))) == stopped


def in_file(known: dict[str, Asked], asked: dict[str, list[str]], at: datetime) -> list[str]:
    rules = [rule(Reach(tags=("canary",)), Exempt("tag", "by hand", at + timedelta(hours=1)))]
    text = gate_text.file(rules, at, good_until=at + timedelta(minutes=10), known=known)
    return [hold.name for hold in host.read_text(text, asked)[0]]


def test_the_file_says_what_is_known_and_hosts_read_it() -> None:
    at, known = now(), {"web1": Asked(tags=("canary",)), "web 2": Asked(tags=("canary", "by hand"))}
    assert in_file(known, {"host": ["WEB1"]}, at) == ["httpd"]
    assert in_file(known, {"host": ["web3"]}, at) == []
    assert in_file(known, {"host": ["web3"], "tag": ["canary"]}, at) == ["httpd"]
    assert in_file(known, {"host": ["web1"], "tag": ["blue"]}, at) == ["httpd"]


def test_a_file_of_too_many_hosts_says_how_many_it_left_out_and_stays_one_that_hosts_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate_text, "MOST_KNOWN", 100)
    at, known = now(), {f"web{number}": Asked(tags=("canary",)) for number in range(1000, 1010)}
    text = gate_text.file([], at, good_until=at, known=known)
    assert "\nknows-not: 7 hosts\n" in text
    assert in_file(known, {"host": ["web1000"]}, at) == ["httpd"]


def test_the_file_is_written_anew_when_what_is_known_changes(tmp_path: Path) -> None:
    place = tmp_path / "gate.txt"
    file, rules = GateFile(Config(gate_file=str(place))), [rule(Reach(tags=("canary",)))]
    file.start()
    try:
        file.tell(rules, {})
        until(place.exists)
        file.tell(rules, {"web1": Asked(tags=("canary",))})
        until(lambda: "knows: web1 tag=canary" in place.read_text())
    finally:
        file.stop()


@pytest.mark.django_db
def test_hosts_are_read_in_portions_and_alike_words_are_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from raglan.fleet import roll

    monkeypatch.setattr(roll, "AT_ONCE", 2)
    for number in range(5):
        ran(f"web{number}", "canary" if number else "blue")
    assert Host.objects.count() == 5
    named = gate.named_by([rule(Reach(tags=("canary",)))])
    portions = [list(portion) for portion in ports.roll().placed(named)]
    assert [[name for name, _ in portion] for portion in portions] == [["web1"], ["web2", "web3"], ["web4"]]
    assert len({id(asked) for portion in portions for _, asked in portion}) == 1

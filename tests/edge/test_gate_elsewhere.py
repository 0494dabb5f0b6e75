"""The gate's answer by DNS and as a file."""

import struct
import time
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from raglan import host
from raglan.changes import gate as gate_words
from raglan.changes.gate import Exempt, HoldRule, Reach
from raglan.config import Config
from raglan.core.clock import CLOCK, now
from raglan.edge.gate_dns import ANY, MOST_ANSWER, NO_NAME, NOT_DONE, REFUSED, Answers, Question
from raglan.edge.gate_file import GateFile
from tests.edge.loopback import until

ZONE = "gate.example.test"
PLACE = "web1._host.fra1.dc._cluster." + ZONE


def rules(name: str = "httpd") -> list[HoldRule]:
    at = now()
    but = (Exempt("host", "web9", at + timedelta(hours=1)),)
    reach = Reach(clusters=("fra1.dc",))
    return [HoldRule(1, name, "x", at - timedelta(hours=1), at + timedelta(hours=1), reach, but)]


def answers(*networks: str) -> Answers:
    return Answers(ZONE + ".", [ip_network(one) for one in networks], rules)


def question(name: str, kind: int = 16) -> bytes:
    asked, _ = host.question(name)
    return asked[:-4] + struct.pack("!HH", kind, 1)


def code(said: bytes) -> int:
    return int(struct.unpack("!H", said[2:4])[0] & 15)


def test_a_question_is_answered_with_go_or_stop() -> None:
    for name, word in ((PLACE, "stop"), (PLACE.upper(), "stop"), (PLACE.replace("web1", "web9"), "go"), (ZONE, "go")):
        query, number = host.question(name)
        said = answers().reply(query)
        holds = host.read_dns(host.txt_in(said, query, number))
        assert ("stop" if holds else "go") == word
        assert len(said) <= MOST_ANSWER


def test_a_name_may_begin_as_a_kind_does() -> None:
    query, number = host.question(PLACE.replace("._host", "._host._default._environment"))
    assert host.read_dns(host.txt_in(answers().reply(query), query, number))


def test_what_is_not_known_is_said_or_passed_over() -> None:
    gate = answers()
    assert code(gate.reply(question("www.example.org"))) == REFUSED
    assert code(gate.reply(question("rack1._rack." + ZONE))) == NO_NAME
    assert code(gate.reply(question("web1." + ZONE))) == NO_NAME
    for kind in (1, 2, 6, ANY):  # there is nothing of that kind, and no more of it
        said = gate.reply(question(PLACE, kind))
        assert (code(said), said[6:8], said[8:10]) == (0, b"\0\0", b"\0\1")
    update = bytearray(question(PLACE))
    update[2] |= 5 << 3
    assert code(gate.reply(bytes(update))) == NOT_DONE


def test_no_bytes_make_it_stumble() -> None:
    gate, whole = answers(), question(PLACE)
    for cut in range(len(whole)):
        with pytest.raises((ValueError, IndexError, struct.error)):
            gate.reply(whole[:cut])
    for wrong in (gate.reply(whole), b"\xff" * 40, whole[:12] + b"\xc0\x0c" + whole[14:], whole + b"x" * 600):
        with pytest.raises((ValueError, IndexError, struct.error)):
            Question(wrong)


def test_only_own_networks_are_answered_and_no_address_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, int]] = []

    class Wire:
        def sendto(self, data: bytes, place: tuple[str, int]) -> None:
            sent.append(place)

    gate = answers("10.0.0.0/8", "::1/128")
    monkeypatch.setattr(gate, "_wire", Wire())
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "::2"):
        gate.datagram_received(question(PLACE), (address, 5))
    assert [place[0] for place in sent] == ["10.1.2.3", "::ffff:10.1.2.3"]
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    for _ in range(5_000):
        gate.datagram_received(b"junk", ("10.0.0.1", 5))
    gate.datagram_received(question(PLACE), ("10.0.0.1", 5))
    assert len(sent) == 2


def test_the_file_is_fresh_once_a_hold_changes_and_is_brought(tmp_path: Path) -> None:
    place, there = tmp_path / "gate.txt", tmp_path / "there.txt"
    options = Config(gate_file=str(place), gate_command=f"cp {{file}} {there}")
    file = GateFile(options)
    file.start()
    try:
        file.tell([], {})
        until(lambda: there.exists() and "hold:" not in there.read_text())
        file.tell(rules(), {})
        until(lambda: "hold: httpd" in there.read_text())
        assert place.read_text().endswith("\nend\n")
    finally:
        file.stop()
    wrong = GateFile(Config(gate_file=str(tmp_path / "no" / "gate.txt")))
    wrong.start()
    wrong.tell([], {})
    wrong.stop()


def test_a_file_that_could_not_be_brought_is_brought_again_and_tells_when_holds_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, there = tmp_path / "gate.txt", tmp_path / "shelf" / "there.txt"
    file = GateFile(Config(gate_file=str(place), gate_command=f"cp {{file}} {there}"))
    file.tell(rules(), {})
    read_at = file._read_at
    CLOCK.move(timedelta(minutes=30))  # in which the database is away
    assert not file.write(rules())
    there.parent.mkdir()
    assert file.write(rules())
    assert f"made: {gate_words.stamp(read_at)}" in there.read_text()

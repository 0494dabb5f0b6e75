"""Phone calls over SIP: real calls between two programs on loopback, with sound and keys."""

import queue
import socket
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from pydantic import SecretStr

from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.sip import channel, line, speech
from raglan.integrations.sip.channel import Sip, missing, spoken, target
from raglan.integrations.sip.line import Account, Event, Line
from raglan.paging.ports import Message, Outcome, Report

Make = Callable[..., Message]
ACCOUNT = "sip:raglan@127.0.0.1"


def test_words_become_sound_for_a_telephone(tmp_path: Path) -> None:
    for times in (1, 3):
        speech.speak(
            "Apache is not running; $(reboot) `id` -w /etc/passwd", tmp_path / f"{times}.wav", voice="en", times=times
        )

    shapes = []
    for times in (1, 3):
        with wave.open(str(tmp_path / f"{times}.wav")) as sound:
            shapes.append((sound.getframerate(), sound.getnchannels(), sound.getsampwidth(), sound.getnframes()))
    once, thrice = (shape[3] for shape in shapes)
    assert [shape[:3] for shape in shapes] == [(8000, 1, 2)] * 2
    assert once > 8000 * 4
    assert thrice == pytest.approx(3 * once, rel=0.05)


def test_what_is_said_names_the_person_the_matter_and_the_keys(message: Make) -> None:
    words = spoken(message(title="x\x1b[2J\ny" + "z" * 500, may_repeat=True, is_test=True, token="t0ken"))

    assert words.startswith("This is a test. This may be a repeat. raglan pages Mara Keller. x")
    assert "Press 4" in words
    assert len(words) < 400
    assert words.isprintable()
    assert "Press" not in spoken(message())  # without a token no key can answer


def test_a_number_is_dialled_through_our_own_system_and_an_extension_as_it_is(options: Callable[..., None]) -> None:
    options(sip_account="sip:raglan@pbx.example.test;transport=tcp")

    assert target("+491512345678") == "sip:+491512345678@pbx.example.test"
    assert target("sip:100@pbx.example.test") == "sip:100@pbx.example.test"
    Sip().check("+491512345678")
    Sip().check("sip:100@pbx.example.test:5080")


@pytest.mark.parametrize(
    "address",
    [
        "100",
        "sip:100@elsewhere.example.test",
        "sip:100@169.254.169.254",
        "sip:a b@pbx.example.test",
        "sip:x@pbx.example.test;x=y",
    ],
)
def test_only_our_own_telephone_system_is_called(options: Callable[..., None], address: str) -> None:
    options(sip_account="sip:raglan@pbx.example.test")

    with pytest.raises(BadInput):
        Sip().check(address)


def test_what_is_missing_is_said(options: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() == "sip_account is not set"
    options(sip_account="pbx")
    assert "is not like" in missing()
    options(sip_account=ACCOUNT, sip_password=SecretStr('a";b'))
    assert "can not read" in missing()
    options(sip_password=SecretStr("good"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing() == "baresip and espeak-ng and sox and timeout not installed"


def test_the_account_is_written_as_the_program_reads_it() -> None:
    line = Account("sip:raglan@pbx.example.test", "secret", "sip:proxy.example.test").line

    assert line == (
        '<sip:raglan@pbx.example.test>;regint=0;auth_user=raglan;auth_pass=secret;outbound="sip:proxy.example.test"'
    )


def test_what_the_program_says_comes_in_pieces_and_is_read_whole(tmp_path: Path) -> None:
    line = Line(Account(ACCOUNT), tmp_path)
    told = b'31:{"event":true,"type":"RINGING"},7:{"a":1},1'

    read = []
    for byte in told:
        line._read.append(byte)
        while (message := line._take()) is not None:
            read.append(message)

    assert read == [{"event": True, "type": "RINGING"}, {"a": 1}]
    line._folder.cleanup()


class Program:
    """Stands for the telephone program: somebody else wants its port before it listens there."""

    stranger_got_it = False
    stdin = None

    def __init__(self, command: list[str], **_: object) -> None:
        text = (Path(command[-1]) / "config").read_text()
        address = ("127.0.0.1", int(text.partition("127.0.0.1:")[2].split()[0]))
        self.listening = socket.socket()
        with socket.socket() as stranger:
            try:
                stranger.bind(address)
                type(self).stranger_got_it = True
            except OSError:
                pass
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind(address)
        self.listening.listen(1)

    def terminate(self) -> None:
        self.listening.close()

    def wait(self, timeout: float) -> int:
        return 0


def test_nobody_else_gets_the_port_of_a_program_that_is_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line.subprocess, "Popen", Program)
    with Line(Account(ACCOUNT), tmp_path) as call:
        assert call._place is not None

    assert not Program.stranger_got_it
    assert call._place.fileno() == -1  # it is given back with the end of the call


class FakeLine:
    """A telephone program of which only what it tells is known."""

    told: tuple[Event, ...] = ()

    def __init__(self, account: Account, words: Path) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def tell(self, command: str, params: str = "") -> None: ...

    def events(self, until: float) -> Iterator[Event]:
        del until
        for event in self.told:
            time.sleep(0.05)  # whoever waits for the beginning sees it before the next comes
            yield event


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> "queue.Queue[Report]":
    heard: queue.Queue[Report] = queue.Queue()
    monkeypatch.setattr(channel, "Line", FakeLine)
    monkeypatch.setattr(channel.speech, "speak", lambda *_, **__: None)
    monkeypatch.setattr(channel.replies, "of", lambda *_: SimpleNamespace(pk=7))
    monkeypatch.setattr(channel.delivery, "report_on", lambda _, report: heard.put(report))
    return heard


RINGS, TAKEN, CLOSED = Event("CALL_RINGING", ""), Event("CALL_ESTABLISHED", ""), Event("CALL_CLOSED", "486 Busy Here")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((RINGS, CLOSED), "nobody took the call (486 Busy Here)"),
        ((RINGS,), "nobody took the call (nobody took it)"),
        ((RINGS, RINGS, CLOSED), "nobody took the call (486 Busy Here)"),
        ((TAKEN, CLOSED), "the call was taken and no key was pressed"),
        ((RINGS, TAKEN, CLOSED), "the call was taken and no key was pressed"),
        ((TAKEN,), "the call was taken and no key was pressed"),
    ],
)
def test_a_call_that_ends_without_a_key_is_told_at_once_however_it_began(
    message: Make,
    reports: "queue.Queue[Report]",
    monkeypatch: pytest.MonkeyPatch,
    told: tuple[Event, ...],
    words: str,
) -> None:
    monkeypatch.setattr(FakeLine, "told", told)

    receipt = Sip().send("sip:100@pbx.example.test", message())

    assert receipt.provider_id == message().key
    assert reports.get(timeout=10) == Report(Outcome.NOT_REACHED, words)


class SilentLine(FakeLine):
    """One that tells of a key and then of nothing more, as when the other side never hears that it is over."""

    left: "queue.Queue[float]"

    def __exit__(self, *_: object) -> None:
        self.left.put(time.monotonic())

    def events(self, until: float) -> Iterator[Event]:
        if not self.told:
            while time.monotonic() < until:
                time.sleep(0.02)
        told, type(self).told = self.told, ()
        yield from told
        if told:
            yield from self.events(until)


def test_after_its_answer_the_call_is_hung_up_whatever_the_other_side_tells(
    message: Make, reports: "queue.Queue[Report]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SilentLine, "told", (TAKEN, Event("CALL_DTMF_START", "4"), Event("CALL_DTMF_START", "6")))
    monkeypatch.setattr(SilentLine, "left", queue.Queue(), raising=False)
    monkeypatch.setattr(channel, "Line", SilentLine)
    said: list[str] = []
    monkeypatch.setattr(channel.replies, "answer", lambda _, what, **__: said.append(what) or "You have it.")
    monkeypatch.setattr(channel.speech, "speak", lambda *_, **__: 0.3)

    Sip().send("sip:100@pbx.example.test", message())

    assert SilentLine.left.get(timeout=10)
    assert said == ["have"]
    with pytest.raises(queue.Empty):
        reports.get(timeout=0.1)


def test_a_call_that_never_rings_is_a_failure_and_no_report(
    message: Make, reports: "queue.Queue[Report]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLine, "told", (CLOSED,))

    with pytest.raises(DeliveryError, match="486") as refused:
        Sip().send("sip:100@pbx.example.test", message())

    assert refused.value.permanent
    with pytest.raises(queue.Empty):
        reports.get(timeout=0.3)

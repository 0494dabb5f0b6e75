"""Phone calls over SIP: real calls between two programs on loopback, with sound and keys."""

import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from raglan.core.errors import BadInput
from raglan.integrations.sip import speech
from raglan.integrations.sip.channel import Sip, missing, spoken, target
from raglan.integrations.sip.line import Account, Line
from raglan.paging.ports import Message

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
    words = spoken(message(title="x\x1b[2J\ny" + "z" * 500, may_repeat=True, is_test=True))

    assert words.startswith("This is a test. This may be a repeat. raglan pages Mara Keller. x")
    assert "Press 4" in words
    assert len(words) < 400
    assert words.isprintable()


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

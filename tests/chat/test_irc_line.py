"""The line to an IRC server that does what no true one lets us make: it stops to read, is slow, or hangs up."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from raglan.chat import actions, lines, ports
from raglan.config import config
from raglan.core.errors import DeliveryError
from raglan.integrations.irc import platform, session
from raglan.integrations.irc.platform import Irc, Server
from raglan.testing import world
from tests.support.irc_stub import Stub, irc_stub

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]
Connect = Callable[..., Server]
EIGHT = "\n".join(str(number) for number in range(8))


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect a stub; lines follow each other at once, and no machine is so busy that a deadline passes."""
    monkeypatch.setattr(config(), "send_deadline_s", 20.0)
    monkeypatch.setattr(session, "LINE_S", 0.001)
    with ExitStack() as stack:

        def connected(stub: Stub) -> Server:
            port = stack.enter_context(irc_stub(stub))
            line = Irc().connect(settings(port, "yes" if stub.tls else "no"))
            stack.callback(line.close)
            return line

        yield connected


def settings(port: int, tls: str) -> dict[str, str]:
    return {"server": f"127.0.0.1:{port}", "tls": tls, "nick": "raglan", "password": ""}


def line(text: str, key: str = "k") -> ports.Line:
    return ports.Line(key, text, "Bo Silva:")


def test_a_server_that_stops_to_read_is_away_and_holds_nobody_up(
    connect: Connect, outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = Stub()
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    heard: list[Exception] = []
    hearing = threading.Thread(target=lambda: heard.append(failure(lambda: server.hear("", 30))), daemon=True)
    hearing.start()
    stub.deaf.set()
    assert stub.stuck.wait(60)
    monkeypatch.setattr(config(), "send_deadline_s", 1.0)
    chat = actions.connect(Irc(), actions.Draft("IRC", settings(1, "no")), actor="raglan")
    trouble = lines.Trouble(chat)
    for _ in range(lines.AWAY_AFTER):
        trouble.failed("send", str(failure(lambda: server.post(room, line("hello")))))
    chat.refresh_from_db()
    assert chat.away_since is not None
    hearing.join(60)
    assert isinstance(heard[0], DeliveryError)
    server.close()
    assert isinstance(failure(lambda: server.post(room, line("hello"))), DeliveryError)


def failure(do: Callable[[], object]) -> Exception:
    """Do something that fails; return how."""
    with pytest.raises(DeliveryError) as failed:
        do()
    assert not failed.value.permanent
    return failed.value


def test_a_line_over_tls_sends_and_hears_at_once(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    stub = Stub(tls=context, says=tuple(f"{number} " + "y" * 300 for number in range(2_000)))
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    found: list[ports.Incoming] = []

    def hear() -> None:
        while len(found) < 2_000:
            found.extend(server.hear("", 5).messages)

    hearing = threading.Thread(target=hear, daemon=True)
    hearing.start()
    for number in range(60):
        server.post(room, line(f"line {number}", key=str(number)))
    hearing.join(60)
    assert [one.text.partition(" ")[0] for one in found] == [str(number) for number in range(2_000)]
    assert [text.rpartition(" ")[2] for text in stub.said] == [str(number) for number in range(60)]


def test_what_a_server_tells_anew_has_its_id_of_before(connect: Connect) -> None:
    times = ["2026-03-01T10:00:00.001Z"] * 3 + ["2026-03-01T10:00:00.002Z"]
    said = list(zip(times, ["}", "}", "ok", "}"], strict=True))
    stub = Stub(says=tuple(text for _, text in said), times=tuple(stamp for stamp, _ in said))

    def told() -> list[tuple[str, str]]:
        server, found = connect(stub), list[ports.Incoming]()
        server.find_room("#inc-1")
        while len(found) < len(said):
            found += server.hear("", 5).messages
        server.close()
        return [(one.id, one.text) for one in found]

    first = told()
    assert [text for _, text in first] == [text for _, text in said]
    assert len({key for key, _ in first}) == len(said)
    assert told() == first


def test_a_slow_server_has_each_line_of_a_post_once(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "send_deadline_s", 3.0)
    stub = Stub()
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    stub.line_s = 0.4  # nine lines and more take longer than one deadline
    server.post(room, line(EIGHT))
    assert numbers(stub) == list(range(8))


def test_a_post_goes_on_after_the_lines_that_were_taken(connect: Connect) -> None:
    stub = Stub(hangs_up_at=5)
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    failure(lambda: server.post(room, line(EIGHT)))
    server.post(room, line(EIGHT))
    server.post(room, line("8", key="next"))
    assert numbers(stub) == list(range(9))


def test_a_line_at_which_a_server_always_hangs_up_is_given_up(connect: Connect) -> None:
    stub = Stub(never_takes="lottery")
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    for _ in range(platform.MOST_TRIES - 1):
        failure(lambda: server.post(room, line("the lottery")))
    with pytest.raises(DeliveryError) as refused:
        server.post(room, line("the lottery"))
    assert refused.value.permanent
    server.post(room, line("0", key="next"))
    assert numbers(stub) == [0]


def test_lines_go_out_a_few_at_once_and_then_one_after_the_other() -> None:
    pace = session.Pace(2.0)
    waits = [pace.wait_s(100.0) for _ in range(7)]
    assert waits == [0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0]
    assert [pace.wait_s(112.0), pace.wait_s(200.0)] == [0.0, 0.0]


def numbers(stub: Stub) -> list[int]:
    return [int(text.rpartition(" ")[2]) for text in stub.said]


def test_a_channel_that_somebody_else_holds_is_refused_and_nothing_is_said_there(connect: Connect) -> None:
    stub = Stub(holders=("mallory",))
    server = connect(stub)
    for do in (
        lambda: server.open_room(ports.Wanted("inc-1", "Apache is down", "secret")),
        lambda: server.post("#inc-1-k7wq", line("secret")),
        lambda: server.set_topic("#inc-1-k7wq", "secret"),
        lambda: server.invite("#inc-1-k7wq", "bo!~bo@h"),
    ):
        with pytest.raises(DeliveryError) as refused:
            do()
        assert refused.value.permanent
        assert "is held by mallory" in refused.value.sentence
    assert not [text for text in stub.lines if text.startswith(("PRIVMSG", "TOPIC", "INVITE"))]
    stub.says = ("not for the record",)
    again, heard = connect(stub), list[ports.Incoming]()
    while not heard:
        heard += again.hear('["#inc-1-k7wq", "#incidents"]', 5).messages
    assert [one.room for one in heard] == ["#incidents"]
    server.post(server.find_room("#incidents").id, line("0"))  # which people made
    assert numbers(stub) == [0]


def test_a_channel_that_raglan_left_while_people_stayed_is_still_its_own(connect: Connect) -> None:
    stub = Stub(guests=("bo",))
    server = connect(stub)
    server.post("#inc-1-k7wq", line("0"))
    stub.holders = ("raglan_",)  # an earlier line, of which the server does not know yet that it is gone
    failure(lambda: server.post("#inc-2-k7wq", line("1")))
    assert numbers(stub) == [0]


def test_the_name_of_a_channel_can_not_be_guessed(connect: Connect) -> None:
    server = connect(Stub())
    wanted = ports.Wanted("inc-1", "Apache is down", "")
    room = server.open_room(wanted).id
    assert re.fullmatch(r"#inc-1-[a-z0-9]{4}", room)
    assert server.open_room(wanted).id == room
    assert connect(Stub()).open_room(wanted).id != room


def test_whoever_is_given_a_channel_holds_it(connect: Connect) -> None:
    stub = Stub(guests=("bo",), gives=("+nto", "raglan"))
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    server.post(room, line("0"))
    stub.gives = ("-o+ov", "raglan mallory raglan")
    with pytest.raises(DeliveryError):
        server.open_room(ports.Wanted("inc-2", "Apache is down", ""))

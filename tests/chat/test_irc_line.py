"""The line to an IRC server that does what no true one lets us make: it stops to read, is slow, or hangs up."""

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
from raglan.integrations.irc.platform import Irc, Server
from raglan.testing import world
from tests.support.irc_stub import Stub, irc_stub

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]
Connect = Callable[..., Server]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect a stub; deadlines are short."""
    monkeypatch.setattr(config(), "send_deadline_s", 1.0)
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


def test_a_server_that_stops_to_read_is_away_and_holds_nobody_up(connect: Connect, outbox: world.Outbox) -> None:
    stub = Stub()
    server = connect(stub)
    room = server.open_room(ports.Wanted("inc-1", "Apache is down", "")).id
    heard: list[Exception] = []
    hearing = threading.Thread(target=lambda: heard.append(failure(lambda: server.hear("", 30))), daemon=True)
    hearing.start()
    stub.deaf.set()
    assert stub.stuck.wait(20)
    chat = actions.connect(Irc(), actions.Draft("IRC", settings(1, "no")), actor="raglan")
    trouble = lines.Trouble(chat)
    for _ in range(lines.AWAY_AFTER):
        trouble.failed("send", str(failure(lambda: server.post(room, line("hello")))))
    chat.refresh_from_db()
    assert chat.away_since is not None
    hearing.join(20)
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
    hearing.join(30)
    assert [one.text.partition(" ")[0] for one in found] == [str(number) for number in range(2_000)]
    assert [text.rpartition(" ")[2] for text in stub.said] == [str(number) for number in range(60)]

"""The mailbox takes mail as any SMTP server and keeps the last ones."""

import smtplib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from raglan.demo.mailbox import MAX_MAIL, Mailbox


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    with Mailbox(tmp_path / "mail", keep=5) as box:
        yield box


def letter(text: str, *, subject: str = "A page") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "raglan@example.test", "ike@example.test", subject
    message.set_content(text)
    return message


def client(mailbox: Mailbox) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", mailbox.port, timeout=60)


def test_a_mail_is_kept_as_a_file_with_its_envelope(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        smtp.send_message(
            letter("httpd does not start"), from_addr="raglan@example.test", to_addrs=["ike@example.test"]
        )
    [path] = mailbox.mails()
    kept = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert path.name == "000001-ike@example.test.eml"
    assert kept["Subject"] == "A page"
    assert kept["X-Envelope-To"] == "ike@example.test"
    assert kept["Return-Path"] == "<raglan@example.test>"
    assert kept.get_content().strip() == "httpd does not start"


def test_several_mails_in_one_conversation(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        for number in range(3):
            smtp.send_message(letter(f"number {number}"))
        assert smtp.noop()[0] == 250
    assert len(mailbox.mails()) == 3


def test_the_oldest_mails_go_beyond_the_limit(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        for number in range(8):
            smtp.send_message(letter(f"number {number}"))
    assert [path.name[:6] for path in mailbox.mails()] == ["000004", "000005", "000006", "000007", "000008"]


def test_lines_that_begin_with_a_dot_arrive_whole(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        smtp.send_message(letter(".\n..two\n.end"))
    kept = message_from_bytes(mailbox.mails()[0].read_bytes(), policy=policy.default)
    assert kept.get_content().splitlines() == [".", "..two", ".end"]


def test_reset_forgets_the_mail_begun(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        smtp.ehlo()
        smtp.mail("raglan@example.test")
        assert smtp.rset()[0] == 250
        assert smtp.rcpt("ike@example.test")[0] == 503
    assert mailbox.mails() == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (["RCPT TO:<a@example.test>"], b"503"),
        (["DATA"], b"503"),
        (["MAIL who"], b"501"),
        (["MAIL FROM:<a@example.test>", "MAIL FROM:<b@example.test>"], b"503"),
        (["MAIL FROM:<>", "RCPT TO:<>"], b"501"),
        (["TURN"], b"502"),
        (["VRFY ike"], b"252"),
        (["QUIT"], b"221"),
    ],
)
def test_what_is_out_of_order_is_refused(mailbox: Mailbox, said: list[str], code: bytes) -> None:
    with (
        socket.create_connection(("127.0.0.1", mailbox.port), timeout=60) as connection,
        connection.makefile("rb") as answers,
    ):
        answers.readline()
        for line in said:
            connection.sendall(f"{line}\r\n".encode())
            answer = answers.readline()
    assert answer.startswith(code)


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(mailbox: Mailbox) -> None:
    with (
        socket.create_connection(("127.0.0.1", mailbox.port), timeout=60) as connection,
        connection.makefile("rb") as answers,
    ):
        for line in ("", "MAIL FROM:<a@example.test>", "RCPT TO:<b@example.test>", "DATA"):
            connection.sendall(f"{line}\r\n".encode() if line else b"")
            answers.readline()
        connection.sendall(b"Subject: half\r\n")
    with client(mailbox) as smtp:
        smtp.send_message(letter("whole"))
    assert len(mailbox.mails()) == 1


def test_a_mail_beyond_the_limit_is_refused_and_the_conversation_goes_on(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        smtp.ehlo()
        smtp.mail("raglan@example.test")
        smtp.rcpt("ike@example.test")
        assert smtp.data(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (MAX_MAIL // 70))[0] == 552
        smtp.send_message(letter("small"))
    assert len(mailbox.mails()) == 1


def test_it_numbers_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with Mailbox(tmp_path) as box, client(box) as smtp:
            smtp.send_message(letter("again"))
    assert [path.name[:6] for path in Mailbox(tmp_path).mails()] == ["000001", "000002"]

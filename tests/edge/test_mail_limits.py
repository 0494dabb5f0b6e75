"""Mail that was made to take long: headers and parts of strangers are cut before anything reads them."""

import time
from collections.abc import Iterator

import pytest

from raglan.core import mail_in
from raglan.core.mail_in import Mail
from raglan.edge.mail import GOOD, HEADERS_TOO_LONG, MAX_HEADER_BLOCK, deliver

TO = [f"alerts+{number}@raglan.example.test" for number in range(10)]


@pytest.fixture
def taken() -> Iterator[list[Mail]]:
    """What the one who takes all mail was given."""
    kept, mails = list(mail_in._handlers), list[Mail]()

    def take(mail: Mail) -> str:
        mails.append(mail)
        return "taken"

    mail_in._handlers[:] = [take]
    yield mails
    mail_in._handlers[:] = kept


def letter(head: str, body: str = "words\r\n") -> bytes:
    return f"{head}\r\n\r\n{body}".encode()


def quickly(content: bytes) -> str:
    """Deliver to ten; it may take a second of this thread, where it took minutes."""
    before = time.thread_time()
    said = deliver("m@example.test", TO, content)
    assert time.thread_time() - before < 3
    return said


LONG = {
    "commas": "a," * 120_000,
    "words": "a " * 120_000,
    "quotes": '"' * 240_000,
    "brackets": "(" * 240_000,
    "angles": "<" * 240_000,
    "encoded words": "=?utf-8?q?a?= " * 17_000,
    "parameters": "text/plain;" + "a=b;" * 60_000,
    "quoted parameters": 'text/plain;a="' + ";" * 240_000,
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
@pytest.mark.parametrize("name", ["To", "From", "Subject", "Content-Type", "Content-Disposition", "References"])
def test_a_long_header_is_cut_before_it_is_read(taken: list[Mail], name: str, value: str) -> None:
    assert quickly(letter(f"Precedence: bulk\r\n{name}: {value}")) == GOOD
    assert [mail.recipient for mail in taken] == TO
    assert all(len(text) <= 10_000 for text in taken[0].headers.values())


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_a_long_header_of_a_part_is_cut_before_it_is_read(taken: list[Mail], value: str) -> None:
    part = f"--x\r\nContent-Type: {value}\r\nContent-Disposition: {value}\r\n\r\nwords\r\n"
    content = letter('MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"', f"{part * 18}--x--\r\n")

    assert quickly(content) == GOOD


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "base64", "no such"])
def test_a_body_in_a_strange_character_set_is_read_quickly(taken: list[Mail], charset: str) -> None:
    assert quickly(letter(f"Content-Type: text/plain; charset={charset}", "a" * 1_000_000)) == GOOD


@pytest.mark.parametrize(
    "content",
    [
        letter(f"To: {'a,' * 500_000}"),
        letter("\r\n".join(f"X-{number}: y" for number in range(40_000))),
        ("X: y\n" * 60_000).encode(),
    ],
    ids=["one", "many", "no end"],
)
def test_headers_beyond_256_kb_are_refused(taken: list[Mail], content: bytes) -> None:
    assert len(content) > MAX_HEADER_BLOCK
    assert quickly(content) == HEADERS_TOO_LONG
    assert HEADERS_TOO_LONG.startswith("552 ")
    assert taken == []


def test_a_long_body_behind_short_headers_is_taken(taken: list[Mail]) -> None:
    for line in ("\r\n", "\n"):
        assert deliver("m@example.test", TO[:1], f"Subject: x{line}{line}{'word ' * 100_000}".encode()) == GOOD
    assert deliver("m@example.test", TO[:1], b"\r\n" + b"word " * 100_000) == GOOD
    assert [mail.subject for mail in taken] == ["x", "x", ""]


def test_what_is_read_of_headers_is_decoded_and_the_last_of_each(taken: list[Mail]) -> None:
    head = (
        "Subject: first\r\nSubject: =?utf-8?q?St=C3=B6rung?=\r\n =?utf-8?b?IGhpZXI=?=\r\n"
        "From: =?utf-8?q?J=C3=B6rg?= <j@example.test>\r\nMessage-ID: <a@b>\r\nIn-Reply-To: <c@d>\r\n"
        "References: <e@f>\r\n\t<g@h>\r\nX-Raglan: page"
    )
    deliver("m@example.test", TO[:1], letter(head, "Straße\r\n"))
    deliver("m@example.test", TO[:1], letter("Subject: Größe"))

    first, second = taken
    assert (first.subject, first.headers["from"]) == ("Störung hier", "Jörg <j@example.test>")
    assert (first.message_id, first.in_reply_to, first.references) == ("<a@b>", "<c@d>", ("<e@f>", "<g@h>"))
    assert (first.text.strip(), first.is_automatic) == ("Straße", True)
    assert second.subject == "Größe"

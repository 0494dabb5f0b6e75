"""Mail comes in by SMTP and pages; loops, floods and bombs do not."""

import smtplib
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage

import pytest

from tests.support.ports import free_port
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
DOMAIN = "raglan.example.test"


class Post:
    """A raglan whose mail listener is on, and the address of a source."""

    def __init__(self, running: Running, port: int) -> None:
        self.running, self.port = running, port
        made = running.api("POST", "/sources", {"name": "Mail", "slug": "mail", "kind": "email"})
        assert isinstance(made, dict)
        self.address = str(made["paste"])

    def send(self, mail: EmailMessage | bytes, *, to: str = "", sender: str = "monitor@example.test") -> None:
        """Send one. Raises what smtplib raises."""
        content = mail if isinstance(mail, bytes) else mail.as_bytes()
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.sendmail(sender, [to or self.address], content)

    def alerts(self) -> list[tuple[object, object]]:
        found = self.running.api("GET", "/alerts")
        assert isinstance(found, list)
        return [(item["title"], item["state"]) for item in found if item["source"] == "mail"]


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    port = free_port()
    with serving(mail_in_port=str(port), mail_in_domain=DOMAIN) as running:
        set_up_web_team(running)
        yield Post(running, port)


def mail(subject: str, text: str = "disk 95 %", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["Message-ID"] = subject, "Monitor <monitor@example.test>", "<1@example.test>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def test_a_mail_of_one_long_line_is_taken(post: Post) -> None:
    head = b"From: cron@db1.example.test\r\nSubject: Nightly job " + b"failed " * 300 + b"\r\n\r\n"
    post.send(head + b"x" * 200_000 + b"\r\n")
    assert any(str(title).startswith("Nightly job failed failed") for title, _ in post.alerts())
    with pytest.raises(smtplib.SMTPException):
        post.send(head + b"x" * 300_000 + b"\r\n")
    with smtplib.SMTP("127.0.0.1", post.port, timeout=60) as client:
        assert client.docmd("NOOP", "x" * 2_000)[0] == 500


def test_a_mail_pages_and_its_recovery_ends_it(post: Post) -> None:
    assert post.address.endswith(f"@{DOMAIN}")
    post.send(mail("** PROBLEM Service Alert: db1/Disk is CRITICAL **", Auto_Submitted="auto-generated"))
    assert ("** PROBLEM Service Alert: db1/Disk is CRITICAL **", "firing") in post.alerts()
    until(lambda: any("db1/Disk" in str(item["Subject"]) for item in post.running.mailbox.mails))
    post.send(mail("** RECOVERY Service Alert: db1/Disk is OK **"))
    assert ("** PROBLEM Service Alert: db1/Disk is CRITICAL **", "resolved") in post.alerts()


def test_an_address_in_capitals_still_finds_its_source(post: Post) -> None:
    local, _, domain = post.address.partition("@")
    post.send(mail("Capitals"), to=f"{local.upper()}@{domain.upper()}")

    assert ("Capitals", "firing") in post.alerts()


def test_html_alone_is_read_without_its_tags(post: Post) -> None:
    made = mail("HTML only")
    made.set_content("<style>x</style><p>Disk &amp; more<br>95 %</p><script>alert(1)</script>", subtype="html")
    post.send(made)
    found = post.running.api("GET", "/alerts")
    assert isinstance(found, list)
    text = next(item for item in found if item["title"] == "HTML only")["annotations"]["description"]
    assert text == "Disk & more\n95 %"


@pytest.mark.parametrize("to", ["alerts+wrong@raglan.example.test", "root@raglan.example.test", "alerts+x@other.test"])
def test_nobody_else_has_an_address_here(post: Post, to: str) -> None:
    before = post.alerts()
    with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)):
        post.send(mail("x"), to=to)
    assert post.alerts() == before


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Auto_Submitted": "auto-replied"}, "a@example.test"),
        ({"X_Raglan": "page"}, "a@example.test"),
        ({"X_Autoreply": "yes"}, "a@example.test"),
        ({}, ""),
        ({}, "raglan@localhost"),
    ],
)
def test_answers_bounces_and_our_own_mail_open_nothing(post: Post, headers: dict[str, str], sender: str) -> None:
    before = post.alerts()
    post.send(mail("Out of office", **headers), sender=sender)

    assert post.alerts() == before
    assert not [item for item in post.running.mailbox.mails if item["To"] in (sender, "monitor@example.test")]


BOMBS = {
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 300,
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)),
    "mails in mails": b"Content-Type: message/rfc822\r\n\r\n" * 500,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_for_good(post: Post, name: str) -> None:
    with pytest.raises(smtplib.SMTPDataError) as caught:
        post.send(b"Subject: bomb\r\n" + BOMBS[name])
    assert caught.value.smtp_code == 552


def test_a_mail_beyond_ten_mebibytes_is_refused(post: Post) -> None:
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPServerDisconnected)):
        post.send(b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 900 + b"\r\n") * 12_000)


STRANGE = {
    "no header": b"\r\njust words",
    "nothing": b"",
    "subject of bytes": b"Subject: \xff\xfe \x00 odd\r\n\r\n\xff\xfe",
    "unknown character set": b"Subject: =?nope?Q?x?=\r\nContent-Type: text/plain; charset=nope\r\n\r\nwords \xff",
    "broken base64": b"Subject: b64\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
    "broken multipart": b"Subject: mp\r\nContent-Type: multipart/mixed\r\n\r\nx",
    "long subject": b"Subject: " + b"x " * 400 + b"\r\n\r\nx",
    "folded into the next header": b"Subject: a\r\n b\r\nX-Raglan : no\r\n\r\nx",
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_mail_is_taken_or_refused_and_the_next_one_pages(post: Post, name: str) -> None:
    with suppress(smtplib.SMTPDataError):
        post.send(STRANGE[name])
    post.send(mail(f"After {name}"))
    assert (f"After {name}", "firing") in post.alerts()


def test_a_flood_to_one_address_is_asked_to_wait(post: Post) -> None:
    with smtplib.SMTP("127.0.0.1", post.port, timeout=60) as client:
        client.ehlo()
        codes = []
        for _ in range(130):
            client.mail("a@example.test")
            codes.append(client.rcpt(f"flood+x@{DOMAIN}")[0])
            client.rset()
    assert codes[:100] == [250] * 100
    assert set(codes[100:]) == {450}

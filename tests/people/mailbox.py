"""A real mail server on loopback that keeps what it takes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from raglan.config import config
from tests.support.ports import free_port


class Mailbox:
    """Takes mail; refuses whom it is told to refuse."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.refuse: str = ""

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.taken += [(address, mail) for address in envelope.rcpt_tos]
        return "250 OK"

    def text(self, number: int = -1) -> str:
        """Return the words of one mail."""
        return self.taken[number][1].get_content()

    def link(self, number: int = -1) -> str:
        """Return the path of the first link of one mail."""
        found = re.search(r"https?://[^/\s]+(/\S+)", self.text(number))
        assert found
        return found[1]


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """Run a mail server and point raglan at it."""
    box = Mailbox()
    port = free_port()
    server = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60)
    server.start()
    try:
        monkeypatch.setattr(config(), "smtp_url", f"smtp://127.0.0.1:{port}")
        yield box
    finally:
        server.stop()

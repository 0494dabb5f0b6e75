"""A real SMTP server that does what a test tells it to, and a rude one that only pretends."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import free_port


class Postbox:
    """Keeps what it takes; answers what it was told for each step."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: dict[str, str] = {}
        self.conversations = 0

    async def handle_EHLO(  # noqa: N802 -- named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.conversations += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 -- named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 -- named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- see above
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content or b"", policy=policy.default))  # type: ignore[arg-type]  # bytes here
            self.recipients += envelope.rcpt_tos
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- see above
        return self.answers.get("QUIT", "221 Bye")


@contextmanager
def running(box: Postbox) -> Iterator[str]:
    """Run the server; give its address as `smtp_url` takes it."""
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


@contextmanager
def rude(talk: Callable[[socket.socket, threading.Event], object]) -> Iterator[str]:
    """Listen, and let `talk` deal with each caller until the event says that the test is over."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not over.is_set():
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_talk, args=(talk, caller, over), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()


def _talk(
    talk: Callable[[socket.socket, threading.Event], object], caller: socket.socket, over: threading.Event
) -> None:
    with caller:
        try:
            talk(caller, over)
        except OSError:
            return


def drips(caller: socket.socket, over: threading.Event) -> None:
    """Send a byte now and then and come to no end."""
    caller.sendall(b"220-")
    while not over.wait(0.05):
        caller.sendall(b".")


def hangs(caller: socket.socket, over: threading.Event) -> None:
    """Take the call and say nothing."""
    over.wait(20)


def drops(caller: socket.socket, over: threading.Event) -> None:
    """Greet, hear one line, hang up."""
    caller.sendall(b"220 mail.example.test\r\n")
    caller.recv(1000)


def refuses_and_drops(caller: socket.socket, over: threading.Event) -> None:
    """Know none of whom a mail is for, and hang up."""
    _refuse(caller)


def refuses_and_hangs(caller: socket.socket, over: threading.Event) -> None:
    """Know none of whom a mail is for, and say nothing more."""
    _refuse(caller)
    over.wait(20)


def _refuse(caller: socket.socket) -> None:
    caller.sendall(b"220 mail.example.test\r\n")
    with caller.makefile("rb") as lines:
        for line in lines:
            if line.upper().startswith(b"RCPT"):
                caller.sendall(b"550 5.1.1 no such user\r\n")
                return
            caller.sendall(b"250 OK\r\n")


def rubbish(caller: socket.socket, over: threading.Event) -> None:
    """Be no mail server at all."""
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

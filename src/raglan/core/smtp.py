"""Hands a mail to the mail server in `smtp_url`. The whole conversation has a deadline, not each of its lines."""

import smtplib
import socket
import ssl
import time
import unicodedata
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from raglan.config import config
from raglan.core import logs
from raglan.core.cutoff import CutOff
from raglan.core.errors import DeliveryError

Refusal = smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException
MOST_SUBJECT = 200
UNSEEN = ("Cc", "Cf", "Cs")  # control and direction characters, which can make a text look like another one
log = logs.get("raglan.mail")


def subject(text: str) -> str:
    """Return a text as the subject of a mail: one line of visible characters, at most 200, none of which are decoded.

    `=?utf-8?q?=0A…?=` is, by the library that writes the mail: what stands behind the line break would be a header.
    """
    shown = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in UNSEEN)
    return " ".join(shown.split()).replace("=?", "= ?")[:MOST_SUBJECT]


def send(mail: EmailMessage, to: str, return_path: str = "") -> None:
    """Hand one mail over within `send_deadline_s`. With a return path it comes back there, not to `smtp_from`.

    A server that refuses it for good from there gets it once more from `smtp_from`, and that answer counts.

    Raises what `smtplib` and sockets raise, for the caller to put into words, and DeliveryError where mail is off.
    """
    with CutOff(time.monotonic() + config().send_deadline_s) as cut:
        refused = _refusal(cut, mail, to, return_path) if return_path else None
        if return_path and refused is None:
            return
        _say(cut, mail, to, config().smtp_from)
        if refused is not None:
            said = {"said": f"answered {_code(refused)}"}
            log.warning("the mail server takes no mail that comes back to mail_bounces_to", extra=said)


def _say(cut: CutOff, mail: EmailMessage, to: str, sender: str) -> None:
    """Say a mail in a conversation of its own: some servers hang up on what they refuse."""
    server = _server(cut)
    try:
        server.send_message(mail, from_addr=sender, to_addrs=[to])
    finally:
        _say_goodbye(server)


def _refusal(cut: CutOff, mail: EmailMessage, to: str, sender: str) -> Refusal | None:
    """Say a mail from a sender; return how it is refused for good, None when it was taken. Raises all else.

    Servers refuse a sender at any step, so that nobody knows whom a refusal means.
    """
    try:
        _say(cut, mail, to, sender)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
        if _code(error) < 500:
            raise
        return error
    return None


def _code(refused: Refusal) -> int:
    if isinstance(refused, smtplib.SMTPResponseException):
        return refused.smtp_code
    return int(next(iter(refused.recipients.values()))[0])


def _say_goodbye(server: smtplib.SMTP) -> None:
    """End the conversation. What the server says to that changes nothing about the mail that it took."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


class _Server(smtplib.SMTP):
    """A conversation with a mail server that ends at a deadline."""

    def __init__(self, host: str, port: int, cut: CutOff, context: ssl.SSLContext | None = None) -> None:
        self._cut = cut
        self._context = context
        super().__init__(host, port, timeout=config().send_deadline_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.create_connection((host, port), timeout)
        self._cut.watch(connected)
        if self._context is not None:
            connected = self._context.wrap_socket(connected, server_hostname=host)
            self._cut.watch(connected)
        return connected

    def secure(self) -> None:
        """Go on under TLS."""
        self.starttls(context=ssl.create_default_context())
        if isinstance(self.sock, socket.socket):
            self._cut.watch(self.sock)


def _server(cut: CutOff) -> smtplib.SMTP:
    if not config().smtp_url:
        raise DeliveryError("mail is switched off (smtp_url is empty)", permanent=True)
    parts = urlsplit(config().smtp_url)
    host, is_tls = parts.hostname or "127.0.0.1", parts.scheme == "smtps"
    server = _Server(host, parts.port or (465 if is_tls else 25), cut, ssl.create_default_context() if is_tls else None)
    if parts.scheme == "smtp+starttls":
        server.secure()
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server

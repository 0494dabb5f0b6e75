"""Hands a mail to the mail server in `smtp_url`. The whole conversation has a deadline, not each of its lines."""

import smtplib
import socket
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from raglan.config import config
from raglan.core import logs
from raglan.core.cutoff import CutOff
from raglan.core.errors import DeliveryError

Refusal = smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException
log = logs.get("raglan.mail")


def send(mail: EmailMessage, to: str, return_path: str = "") -> None:
    """Hand one mail over within `send_deadline_s`. With a return path it comes back there, not to `smtp_from`.

    A server that lets nobody write from there gets it from `smtp_from`.

    Raises what `smtplib` and sockets raise, for the caller to put into words, and DeliveryError where mail is off.
    """
    with CutOff(time.monotonic() + config().send_deadline_s) as cut:
        server = _server(cut)
        try:
            _say(server, cut, mail, to, return_path)
        finally:
            _say_goodbye(server)


def _say(server: smtplib.SMTP, cut: CutOff, mail: EmailMessage, to: str, return_path: str) -> None:
    """Say a mail; what is refused for good is said once more from `smtp_from`, and that answer counts.

    Servers refuse a sender at any step, so that nobody knows whom a refusal means. Where the server hung up on it,
    there is no other answer: the refusal is raised.
    """
    refused = _refusal(server, mail, to, return_path) if return_path else None
    if return_path and refused is None:
        return
    if refused is not None and server.sock is None and not cut.struck:
        raise refused
    server.send_message(mail, from_addr=config().smtp_from, to_addrs=[to])
    if refused is not None:
        said = {"said": f"answered {_code(refused)}"}
        log.warning("the mail server takes no mail that comes back to mail_bounces_to", extra=said)


def _refusal(server: smtplib.SMTP, mail: EmailMessage, to: str, sender: str) -> Refusal | None:
    """Say a mail from a sender; return how it is refused for good, None when it was taken. Raises all else."""
    try:
        server.send_message(mail, from_addr=sender, to_addrs=[to])
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

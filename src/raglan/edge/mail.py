"""The mail listener: takes mail by SMTP within limits, reads it on a thread, and lets the parts that read mail have it.

Off unless `mail_in_port` is set. It speaks plain SMTP to a mail server of your own that passes mail on to it, so it
listens on loopback unless told otherwise; it never relays and never answers a mail by a mail.
"""

import asyncio
import html
import re
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import Message

import nh3
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import InterfaceError, OperationalError
from prometheus_client import Counter

from raglan.config import Config
from raglan.core import logs, mail_in, metrics
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Overloaded, RaglanError
from raglan.core.mail_in import Mail
from raglan.edge.delivery_reports import refusal_in
from raglan.edge.threads import Threads

MAX_MAIL = 10 * 1024 * 1024
MAX_PARTS = 100
MAX_DEPTH = 20
MAX_TEXT = 100_000
MAX_SUBJECT = 1_000
MAX_HEADERS = 200
MAX_HEADER = 10_000
MAX_HEADER_BLOCK = MAX_LINE = 256 * 1024
DECODED = {"subject", "from"}
SLOW_CHARSETS = ("punycode", "idna")  # reading them takes the square of their length, and nobody writes mail in them
A_MINUTE = 100
MAX_RECIPIENTS = 10
CONNECTIONS = 50
KNOWN_ADDRESSES = 10_000
IDLE_S = 60
GOOD, TRY_AGAIN = "250 OK", "451 Try again later"
TOO_MUCH = "450 Too much mail for this address; try again in a minute"
NOBODY = "550 Nobody here takes mail to this address"
TOO_LARGE = "552 This mail has too many parts, or too deep ones"
HEADERS_TOO_LONG = "552 The headers of this mail are longer than 256 kB"
LIST = ("bulk", "junk", "list")
END_OF_HEADERS = re.compile(rb"(?:\A|\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
log = logs.get("raglan.mail")

mails = Counter("raglan_mail_in", "Mail that came in, by what was answered", ["answer"], registry=metrics.REGISTRY)


class TooDeep(BadInput):
    """A mail with more parts than a person writes."""

    def __init__(self) -> None:
        super().__init__("", "this mail has too many parts, or too deep ones", status=413)


class LongHeaders(BadInput):
    """A mail whose headers are longer than anybody's."""

    def __init__(self) -> None:
        super().__init__("", "the headers of this mail are longer than 256 kB", status=413)


class Cut(policy.Compat32):
    """How mail is parsed: each header, also of a part, is cut before anything looks into it, and then read plainly.

    What `policy.default` does with a header takes the square of its length, and is done anew at each look.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return name and value."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MAX_HEADER]


CUT = Cut()


class Listener:
    """One listening port, on the loop of the process."""

    def __init__(self, config: Config) -> None:
        self._host, self._port = config.mail_in_host, config.mail_in_port
        self.domain = config.mail_domain
        self._threads = Threads("mail", 2, line=200)
        self._rates = Rates()
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._make, self._host, self._port)

    async def stop(self, timeout: float = 2.0) -> None:
        """Take nothing more."""
        if self._server is not None:
            self._server.close()
        self._threads.stop(timeout)

    def _make(self) -> "Conversation":
        return Conversation(self, self.domain)

    def has_place(self) -> bool:
        """Count one more connection; tell whether there is a place for it."""
        self._open += 1
        return self._open <= CONNECTIONS

    def left(self) -> None:
        """Count one connection less."""
        self._open -= 1

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address of ours only, not too many of them, and not too often."""
        local, _, domain = address.rpartition("@")
        if domain.lower().rstrip(".") != self.domain or "+" not in local or len(address) > 320:
            return NOBODY
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 Too many recipients"
        if not self._rates.allow(address.lower()):
            return TOO_MUCH
        envelope.rcpt_tos.append(address)
        return GOOD

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        """Answer once those who take mail have stored it."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            said = await self._threads.ask(lambda: deliver(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        except Overloaded:
            said = TRY_AGAIN
        mails.labels(said[:3]).inc()
        return said


class Conversation(SMTP):
    """aiosmtpd's protocol with a bound on how many there are, and with longer lines: scripts do not fold theirs."""

    line_length_limit = MAX_LINE

    def __init__(self, listener: Listener, hostname: str) -> None:
        super().__init__(
            listener,
            data_size_limit=MAX_MAIL,
            enable_SMTPUTF8=True,
            hostname=hostname,
            timeout=IDLE_S,
            ident="raglan",
        )
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Turn away whoever comes when all places are taken."""
        if not self._listener.has_place() and isinstance(transport, asyncio.Transport):
            transport.write(b"421 Too many connections\r\n")
            transport.close()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Give the place back."""
        self._listener.left()
        super().connection_lost(error)


class Rates:
    """How often mail came to each address in the last minute."""

    def __init__(self) -> None:
        self._came: OrderedDict[str, deque[float]] = OrderedDict()

    def allow(self, address: str) -> bool:
        """Count one more; tell whether it is within the limit."""
        at = time.monotonic()
        came = self._came.setdefault(address, deque(maxlen=A_MINUTE))
        self._came.move_to_end(address)
        if len(self._came) > KNOWN_ADDRESSES:
            self._came.popitem(last=False)
        if len(came) == A_MINUTE and at - came[0] < 60:
            return False
        came.append(at)
        return True


def deliver(sender: str, recipients: list[str], content: bytes) -> str:
    """Read a mail and let each of its recipients have it; return what SMTP answers."""
    try:
        mail = mail_of(read(content), sender, content)
    except TooDeep:
        return TOO_LARGE
    except LongHeaders:
        return HEADERS_TOO_LONG
    answers = [_one(replace(mail, recipient=clean_text(recipient))) for recipient in recipients]
    if TRY_AGAIN in answers:
        return TRY_AGAIN  # those who took it already are safe to be asked twice
    return next((answer for answer in answers if answer == GOOD), answers[0] if answers else NOBODY)


def _one(mail: Mail) -> str:
    try:
        became = mail_in.take(mail)
    except BadInput as error:
        return f"550 {clean_line(error.sentence)}"
    except (RaglanError, OperationalError, InterfaceError) as error:
        log.warning("mail could not be taken now", extra={"error": str(error)})
        return TRY_AGAIN
    except Exception:  # the last resort at the border: the sender keeps the mail and tries again
        log.exception("a mail could not be taken")
        return TRY_AGAIN
    if became is None:
        return NOBODY
    log.info("mail was taken", extra={"became": became})
    return GOOD


def clean_line(text: str) -> str:
    """Return a text that fits one line of SMTP."""
    return re.sub(r"[^\x20-\x7e]", "?", text)[:400]


def read(content: bytes) -> Message:
    """Parse a mail. Raises LongHeaders, and TooDeep before the parser would walk into what is too deep."""
    if len(content) > MAX_HEADER_BLOCK and not END_OF_HEADERS.search(content, 0, MAX_HEADER_BLOCK):
        raise LongHeaders
    lowered = content.lower()
    if lowered.count(b"boundary") > MAX_PARTS or lowered.count(b"message/rfc822") > MAX_DEPTH:
        raise TooDeep
    try:
        parsed = message_from_bytes(content, policy=CUT)
        for number, (_, depth) in enumerate(_walk(parsed)):
            if number > MAX_PARTS or depth > MAX_DEPTH:
                raise TooDeep
    except (RecursionError, ValueError):
        raise TooDeep from None
    return parsed


def _walk(message: Message, depth: int = 0) -> Iterator[tuple[Message, int]]:
    waiting = [(message, depth)]
    while waiting:
        part, at = waiting.pop()
        yield part, at
        inner = part.get_payload() if part.is_multipart() else []
        waiting += [(item, at + 1) for item in inner if isinstance(item, Message)] if isinstance(inner, list) else []


def mail_of(parsed: Message, sender: str, content: bytes) -> Mail:
    """Return the mail as its readers get it, but for its recipient."""
    headers = headers_of(parsed)
    ids = re.findall(r"<[^<>\s]{1,500}>", headers.get("references", ""))
    return Mail(
        recipient="",
        sender=clean_text(sender),
        subject=headers.get("subject", "")[:MAX_SUBJECT],
        text=text_of(parsed)[:MAX_TEXT],
        message_id=headers.get("message-id", "").strip()[:500],
        in_reply_to=headers.get("in-reply-to", "").strip()[:500],
        references=tuple(ids[-50:]),
        headers=headers,
        is_automatic=is_automatic(sender, headers),
        bounced=refusal_in(parsed),
        raw=content,
    )


def headers_of(parsed: Message) -> dict[str, str]:
    """Return headers by their names in small letters, of several the last one; those that people read are decoded."""
    found = {name.lower(): str(value)[:MAX_HEADER] for name, value in list(parsed.raw_items())[:MAX_HEADERS]}
    for name in DECODED & found.keys():
        with suppress(Exception):  # the parser of headers raises whatever it stumbles over
            found[name] = str(policy.default.header_fetch_parse("subject", found[name]))  # plain, not as addresses
    return {name: clean_text(re.sub(r"[\r\n\t ]+", " ", text))[:MAX_HEADER] for name, text in found.items()}


def text_of(parsed: Message) -> str:
    """Return what a person would read: the plain part, else the HTML without its tags."""
    plain = next((part for part, _ in _walk_in_order(parsed) if part.get_content_type() == "text/plain"), None)
    if plain is not None and (text := content_of(plain).strip()):
        return text
    markup = next((part for part, _ in _walk_in_order(parsed) if part.get_content_type() == "text/html"), None)
    return stripped(content_of(markup)) if markup is not None else ""


def _walk_in_order(parsed: Message) -> list[tuple[Message, int]]:
    return [(part, 0) for part in parsed.walk() if part.get_content_disposition() != "attachment"]


def content_of(part: Message) -> str:
    """Return the text of a part; unknown character sets are read as UTF-8."""
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes):
        return ""
    try:
        charset = part.get_content_charset("utf-8")
        return clean_text(body.decode("utf-8" if charset in SLOW_CHARSETS else charset, "replace"))
    except (LookupError, ValueError):
        return clean_text(body.decode("utf-8", "replace"))


def stripped(markup: str) -> str:
    """Return the words of HTML, a line for each block."""
    lines = re.sub(r"(?i)<(br|/p|/div|/tr|/li|/h[1-6]|/table)\b[^<>]{0,200}>", "\n", markup[: 5 * MAX_TEXT])
    text = html.unescape(nh3.clean(lines, tags=set(), attributes={}))
    return clean_text(re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t\xa0]+", " ", text))).strip()


def is_automatic(sender: str, headers: Mapping[str, str]) -> bool:
    """Tell whether no person wrote this mail: a bounce, an automatic answer, a list, or raglan itself."""
    if not sender.strip("<> ") or "x-raglan" in headers or "list-id" in headers:
        return True
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    answers = headers.get("x-autoreply") or headers.get("x-autorespond") or headers.get("x-auto-response-suppress")
    return submitted != "no" or bool(answers) or headers.get("precedence", "").strip().lower() in LIST

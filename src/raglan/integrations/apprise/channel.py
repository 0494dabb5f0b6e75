"""Hands a page to Apprise, a library that knows more than a hundred services, where raglan has no channel of its own.

Where a message goes is for whoever runs raglan to say, once, in `apprise_url`; a person only gives what stands in place
of `{address}`. So nobody can let raglan call an address of their choice. Apprise says whether a service took a message
and keeps the reason to its log, so the status that a service answered is read from there.

It is an extra, `raglan[apprise]`, and loaded with the first page that needs it: it takes some 30 MB.
"""

import importlib
import logging
import re
import threading
from importlib.util import find_spec
from urllib.parse import quote, urlsplit

from raglan.config import config
from raglan.core.errors import BadInput, DeliveryError
from raglan.paging.ports import Message, Receipt

PLACE = "{address}"
ADDRESS = re.compile(r"[A-Za-z0-9@+#!_.:-]{1,200}")
MOST_TITLE, MOST_TEXT = 250, 3_000
STATUS = re.compile(r"\berror ?= ?(\d{3})\b")
REFUSED = (400, 401, 403, 404, 410)


def missing() -> str:
    """Say what has to be set up first."""
    if not config().apprise_url.get_secret_value():
        return "apprise_url is not set"
    return "" if find_spec("apprise") else "the extra raglan[apprise] is not installed"


class Apprise:
    """The channel `apprise`. An address is what a person has at the service in `apprise_url`."""

    kind = "apprise"

    def check(self, address: str) -> None:
        """Refuse what could change more of the service's address than its place."""
        if not ADDRESS.fullmatch(address):
            raise BadInput("address", "write a name, number or key: letters, digits and @ + # ! _ . : - only")

    def lane(self, address: str) -> str:
        """Return the service."""
        return urlsplit(config().apprise_url.get_secret_value()).scheme

    def send(self, address: str, message: Message) -> Receipt:
        """Hand over once. Raises DeliveryError with the status that the service answered, where Apprise tells it."""
        self.check(address)
        library = importlib.import_module("apprise")
        service = library.Apprise.instantiate(config().apprise_url.get_secret_value().replace(PLACE, quote(address)))
        if service is None:
            raise DeliveryError("Apprise knows no service of the form in apprise_url", permanent=True)
        sort = library.NotifyType.INFO if message.is_word else library.NotifyType.FAILURE
        with _Heard() as heard:
            taken = service.notify(title=_title(message), body=_text(message), notify_type=sort)
        if not taken:
            status = heard.status
            why = f"the service answered {status}" if status else "the service did not take it"
            raise DeliveryError(f"Apprise: {why}", permanent=status in REFUSED, unknown=not status)
        return Receipt()


def _title(message: Message) -> str:
    marks = ("[test] " if message.is_test else "") + ("(may be a repeat) " if message.may_repeat else "")
    return (marks + message.title)[:MOST_TITLE]


def _text(message: Message) -> str:
    why = f"You are paged because: {message.why}." if message.why else ""
    text = "\n\n".join(part for part in (why, message.text, message.next_words) if part)
    return f"{text[:MOST_TEXT]}\n\n{message.link}"


class _Heard(logging.Handler):
    """Listens for a status in what Apprise logs in this thread. Its words may hold secrets and are not kept."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.status = 0
        self._thread = threading.get_ident()
        self._log = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        """Note a status."""
        found = STATUS.search(record.getMessage()) if record.thread == self._thread else None
        if found:
            self.status = int(found[1])

    def __enter__(self) -> "_Heard":
        self._log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)

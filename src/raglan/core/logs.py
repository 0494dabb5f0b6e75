"""Logs for operators: constant messages with fields, one JSON object a line, secrets taken out."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

_BEFORE = "|".join(  # what stands before a secret in an address
    (
        "/integrations/",
        "/p/",
        "/away/",
        "/setup/first/",
        "/invitation/",
        "/account/password/reset/key/",
        "/on-call/calendars/",
        "/ping/",
        r"/a/[a-z_-]+/",
        r"/twilio/[a-z]+/",
        r"[?&](?:api_?key|key|token|link|secret)=",
    )
)
SECRET = re.compile(
    rf"(rgl_[A-Za-z0-9]{{4,}}_)[A-Za-z0-9_-]+|({_BEFORE})[^/\s\"'&]+|(\+)[A-Za-z0-9_.-]{{20,}}@|(://)[^/@\s]+@",
    re.IGNORECASE,
)
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request"}


def redact(text: str) -> str:
    """Take tokens, page links and passwords in addresses out of a text."""
    return SECRET.sub(lambda found: found[found.lastindex or 0] + "…" + ("@" if found[0].endswith("@") else ""), text)


class JsonFormatter(logging.Formatter):
    """Writes `{"at", "level", "logger", "message", …fields}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record as a line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, default=str, ensure_ascii=False))


class Lower(logging.Filter):
    """Makes of what a library tells at level info what it would be here: debug."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lower a record; tell whether it is still wanted."""
        if record.levelno == logging.INFO:
            record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
        return logging.getLogger(record.name).isEnabledFor(record.levelno)


class Odd(logging.Filter):
    """Makes a warning of one line of a request that Django refuses as odd, such as one with a strange host.

    Anybody can send thousands of them, and its traceback says nothing about us.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change such a record."""
        if record.name.startswith("django.security."):
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
            record.exc_info = None
        return True


LOWER = Lower()


def get(name: str) -> logging.Logger:
    """Return a logger; pass details as `extra={...}` and keep the message constant."""
    return logging.getLogger(name)


def configure(level: str) -> None:
    """Send all logs as JSON lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(Odd())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in (
        "uvicorn.access",
        "django.server",
        "django.template",
        "urllib3",
        "asyncio",
    ):  # the third tells who reads
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("mail.log").addFilter(LOWER)  # aiosmtpd: each line that it hears

"""What `raglan doctor` looks at on this machine: each function looks at one thing and says what it saw."""

import json
import shutil
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from django.db import DatabaseError, connection

from raglan.cli.children import is_taken
from raglan.cli.doctor import Finding
from raglan.config import config
from raglan.core.clock import now
from raglan.core.db.check import verify_durability
from raglan.core.models import Event
from raglan.edge import startup
from raglan.people.models import ContactMethod

LEAST_FREE = 200 * 1024 * 1024
OLDEST_ZONES = timedelta(days=600)
TIMEOUT_S = 5
MOST_CONTACTS = 2_000
BACK_IN_TIME = timedelta(minutes=1)


def look() -> Iterator[Finding]:
    """Look at everything, cheapest first."""
    yield from _database()
    for name, one in LOOKS.items():
        yield _safely(name, one)
    yield from _server()


def _safely(name: str, one: Callable[[], str]) -> Finding:
    """Run one look; what it raises is what is wrong."""
    try:
        return Finding(name, ok=True, words=one())
    except (Wrong, OSError, DatabaseError) as error:
        return Finding(name, ok=False, words=str(error) or type(error).__name__)


class Wrong(Exception):
    """Something that keeps a page from arriving."""


def _database() -> Iterator[Finding]:
    try:
        waiting = startup.pending()
        lost = verify_durability(connection, allow_data_loss=True)
    except DatabaseError as error:
        yield Finding("database", ok=False, words=f"does not answer: {str(error).strip()}")
        return
    yield from (Finding("database", ok=False, words=line) for line in lost)
    if waiting:
        yield Finding("database", ok=False, words=f"{waiting} migrations are missing; `raglan migrate` applies them")
    if not lost and not waiting:
        yield Finding(
            "database", ok=True, words=f"{connection.vendor}: up to date, and a commit is on disk when it returns"
        )


def _disk() -> str:
    folder = config().data_dir.absolute()
    usage = shutil.disk_usage(folder if folder.exists() else folder.parent)
    words = f"{usage.free // 1024**2} MB free of {usage.total // 1024**2} MB"
    if usage.free < LEAST_FREE:
        raise Wrong(f"{words}: too little, pages could not be stored")
    return words


def _time_zones() -> str:
    name = system_zones() or version("tzdata")
    origin = "the system’s" if system_zones() else "from the package tzdata"
    try:
        ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        raise Wrong("there is no time zone data: install the package tzdata") from None
    year = int(name[:4])
    if now() - datetime(year, 1, 1, tzinfo=UTC) > OLDEST_ZONES + timedelta(days=365):
        raise Wrong(f"time zone data {name}, {origin}, is old: hand-overs may be an hour off; update it")
    return f"{name}, {origin}"


def system_zones() -> str:
    """Return the version of the system's time zone data, which goes before the package's; empty when it has none."""
    for folder in TZPATH:
        path = Path(folder) / "tzdata.zi"
        if path.is_file():
            with path.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version").strip()
    return ""


def _clock() -> str:
    newest = _newest_event()
    if newest is not None and newest - now() > BACK_IN_TIME:
        raise Wrong(
            f"the clock says {now():%Y-%m-%d %H:%M} UTC, but the newest event is of {newest:%Y-%m-%d %H:%M} UTC"
        )
    return f"{now():%Y-%m-%d %H:%M:%S} UTC"


def _newest_event() -> datetime | None:
    try:
        return Event.objects.order_by("-pk").values_list("at", flat=True).first()
    except DatabaseError:
        return None  # said once, by the look at the database


def _mail() -> str:
    if not config().smtp_url:
        if ContactMethod.objects.filter(kind=ContactMethod.Kind.WEBHOOK).exists():
            return "switched off; people are reached by webhook"
        raise Wrong("mail is switched off (smtp_url is empty), and nobody has a webhook: nobody can be reached")
    parts = urlsplit(config().smtp_url)
    try:
        with _mail_server() as server:
            server.ehlo_or_helo_if_needed()
            server.noop()
    except (smtplib.SMTPException, OSError) as error:
        raise Wrong(f"{parts.hostname}:{parts.port or 25} does not take mail: {error}") from None
    return f"{parts.hostname}:{parts.port or 25} answers"


def _mail_server() -> smtplib.SMTP:
    parts = urlsplit(config().smtp_url)
    host = parts.hostname or "127.0.0.1"
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
    if parts.scheme == "smtp+starttls":
        server.starttls(context=ssl.create_default_context())
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


def _sign_of_life() -> str:
    """A sign of life that goes the way of our own pages falls silent together with them, and nobody hears of it."""
    if not config().sign_of_life_url:
        return "not set up; nobody outside notices when raglan is silent (sign_of_life_url)"
    host = (urlsplit(config().sign_of_life_url).hostname or "").lower()
    shared = sorted({f"{what} ({where})" for what, where in _own_channels() if _same_site(where, host)})
    if shared:
        raise Wrong(f"{host} also carries our own pages: {', '.join(shared)}. Choose one that shares nothing with us")
    return f"goes to {host}, which carries none of our own pages"


def _own_channels() -> Iterator[tuple[str, str]]:
    yield "raglan itself", config().public_host
    if config().smtp_url:
        yield "mail", urlsplit(config().smtp_url).hostname or "127.0.0.1"
    addresses = ContactMethod.objects.filter(address__startswith="http").values_list("kind", "address")
    for kind, address in addresses.distinct()[:MOST_CONTACTS]:
        yield kind, urlsplit(address).hostname or ""


def _same_site(one: str, other: str) -> bool:
    """Whether two hosts are the same, or have the same last two labels, as services of one provider have."""
    one = one.lower()
    is_name = "." in one and not one.replace(".", "").isdigit()
    return one == other or (is_name and one.split(".")[-2:] == other.split(".")[-2:])


LOOKS: dict[str, Callable[[], str]] = {
    "disk": _disk,
    "time zones": _time_zones,
    "clock": _clock,
    "mail": _mail,
    "sign of life": _sign_of_life,
}


def _server() -> Iterator[Finding]:
    """Ask the running raglan, if there is one, what it knows of itself."""
    options = config()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104 -- compared, not bound
    if not is_taken(host, options.port):
        yield Finding("server", ok=True, words=f"none runs at {host}:{options.port}; looked at the data only")
        return
    for path in ("/readyz", "/healthz?tick=next"):
        yield from _ask(host, options.port, path)
    yield _safely("public_url", _public_url)


def _ask(host: str, port: int, path: str) -> Iterator[Finding]:
    door = HTTPConnection(host, port, timeout=TIMEOUT_S * 2)
    try:
        door.request("GET", path)
        said = json.loads(door.getresponse().read())
        yield from (
            Finding(f"{check['name']}", ok=bool(check["ok"]), words=str(check["words"])) for check in said["checks"]
        )
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        yield Finding("server", ok=False, words=f"{host}:{port} does not answer {path} as raglan does: {error}")
    finally:
        door.close()


def _public_url() -> str:
    parts = urlsplit(config().public_url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    door = make(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        door.request("GET", f"{parts.path}/livez")
        status = door.getresponse().status
    except (OSError, HTTPException) as error:
        raise Wrong(
            f"{config().public_url} can not be reached from here, so links in pages may not open: {error}"
        ) from None
    finally:
        door.close()
    if status != 200:
        raise Wrong(f"{config().public_url}/livez answers {status}, so links in pages may not open")
    return f"{config().public_url} leads here"

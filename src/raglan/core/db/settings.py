"""Django's DATABASES from one URL."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SQLITE_NAME = "raglan.sqlite3"

# A dead peer is noticed by the kernel in about 10 s; a frozen one only by the deadline in `deadlines`.
POSTGRESQL_OPTIONS: Mapping[str, str | int] = {
    "connect_timeout": 2,
    "target_session_attrs": "read-write",
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # The server notices that we hung up and frees the locks of what we no longer wait for.
    "options": "-c client_connection_check_interval=5s",
    "application_name": "raglan",
}


def databases(database_url: str, data_dir: Path) -> dict[str, dict[str, object]]:
    """Give Django's DATABASES for this URL; an empty one means SQLite in the data folder.

    Otherwise `postgresql://user:password@host:port/name?option=value`, with several hosts as `host1:5432,host2:5432`;
    the options are those of libpq.
    """
    if not database_url:
        return {"default": _sqlite(data_dir)}
    parts = urlsplit(database_url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured("The database URL must begin with postgresql://, or be empty for SQLite.")
    return {"default": _postgresql(parts)}


def _sqlite(data_dir: Path) -> dict[str, object]:
    return {
        "ENGINE": "raglan.core.db.sqlite",
        "NAME": str(data_dir / SQLITE_NAME),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        # A file, not memory: WAL and the locks between threads are what tests must meet.
        "TEST": {"NAME": str(data_dir / "test-raglan.sqlite3")},
    }


def _postgresql(parts: SplitResult) -> dict[str, object]:
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured("The database URL must name a database after the host, as in /raglan.")
    credentials, _, location = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    hosts, ports = _hosts_and_ports(location)
    options: dict[str, object] = {**POSTGRESQL_OPTIONS, **dict(parse_qsl(parts.query))}
    return {
        "ENGINE": "raglan.core.db.postgresql",
        "NAME": name,
        "USER": unquote(user),
        "PASSWORD": unquote(password),
        "HOST": str(options.pop("host", hosts)),
        "PORT": str(options.pop("port", ports)),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _hosts_and_ports(location: str) -> tuple[str, str]:
    """Split `a:1,b:2` into the comma lists that libpq wants; IPv6 addresses stand in brackets."""
    hosts, ports = [], []
    for place in filter(None, location.split(",")):
        host, colon, port = place.rpartition(":")
        if not colon or place.endswith("]"):
            host, port = place, ""
        hosts.append(unquote(host).strip("[]"))
        ports.append(port or "5432")
    return ",".join(hosts), ",".join(ports)

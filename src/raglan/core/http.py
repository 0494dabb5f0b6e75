"""The one wrapper for outgoing HTTP: checked addresses, our own deadline, bounded answers.

A name is resolved once, every address is checked, and the connection goes to the checked address. Proxy variables of
the environment are ignored and redirects are not followed, so that no answer can send us elsewhere.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from raglan.config import config
from raglan.core.cutoff import CutOff
from raglan.core.db import fault_point, in_write
from raglan.core.errors import BadInput, DeliveryError
from raglan.core.exchange import Answer, NothingSent, Request, exchange
from raglan.core.kept import Kept, Line, Server

__all__ = ["Answer", "ask", "check_url", "fetch", "get", "is_allowed", "keeping", "post", "put", "resolve"]
MAX_ANSWER = 5 * 1024 * 1024
TOO_SLOW = "it answered too slowly"
OUR_NAME = {"User-Agent": "raglan"}
NEVER = tuple(
    ip_network(net) for net in ("169.254.169.254/32", "fd00:ec2::254/128", "0.0.0.0/8", "224.0.0.0/4", "ff00::/8")
)
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


def check_url(url: str, field: str = "url") -> None:
    """Refuse what is not a plain http or https address. Raises BadInput."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket too many, or a port beyond all ports
        whole = False
    if not whole:
        raise BadInput(field, "write an address that starts with https:// or http://")
    if parts.username or parts.password:
        raise BadInput(field, "leave user and password out of the address")


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST once, within the deadline of one hand-over. Raises DeliveryError; never follows a redirect."""
    return _ask("POST", url, body, headers)


def put(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """PUT once, as `post` does."""
    return _ask("PUT", url, body, headers)


def get(url: str, headers: dict[str, str]) -> Answer:
    """GET once, as `post` does."""
    return _ask("GET", url, None, headers)


def ask(method: str, url: str, body: bytes | None, headers: dict[str, str], *, more_s: float = 0.0) -> Answer:
    """Ask once by any method. `more_s` is how much longer the other side may take, where it waits for news itself."""
    return _ask(method, url, body, headers, more_s)


def fetch(url: str, headers: dict[str, str], *, more_s: float, most: int) -> Answer:
    """GET something large once: up to `most` bytes, of which none is missing when the answer is shorter than that."""
    return _ask("GET", url, None, headers, more_s, most)


def _ask(
    method: str, url: str, body: bytes | None, headers: dict[str, str], more_s: float = 0.0, most: int = MAX_ANSWER
) -> Answer:
    if in_write():
        raise RuntimeError("no network inside a transaction")
    deadline = time.monotonic() + config().send_deadline_s + more_s
    server, path = place_of(url)
    fault_point("http.before_send")
    with CutOff(deadline) as cut:
        answer = _over_a_line(server, Request(method, path, body, headers), cut, most)
    fault_point("http.after_send")
    return answer


@lru_cache(maxsize=256)
def place_of(url: str) -> tuple[Server, str]:
    """Return the server of an address, and what is asked for there."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return (parts.scheme, host, port), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _over_a_line(server: Server, request: Request, cut: CutOff, most: int) -> Answer:
    """Ask over a connection that was kept, when there is one and that is wanted, else over a new one."""
    named = Request(request.method, request.path, request.body, {**OUR_NAME, **request.headers})
    line = kept.take(server, may_reach) if _keeping.is_on else None
    if line is not None:
        line.connection.sock.settimeout(max(0.1, cut.at - time.monotonic()))
        cut.watch(line.connection.sock)
        with suppress(NothingSent):  # it was ended at this very moment
            return _ask_over(server, line, named, cut, most)
    return _ask_over(server, _connect(*server, cut), named, cut, most)


def _ask_over(server: Server, line: Line, request: Request, cut: CutOff, most: int) -> Answer:
    """Return the answer, and keep the connection if it may take another request. Raises NothingSent for a kept one."""
    is_new, may_go_on = line.idle_since == 0, False
    try:
        answer, may_go_on = exchange(line.connection, request, most)
        if cut.struck:  # what was cut off may look like the end
            may_go_on = False
            raise TimeoutError(TOO_SLOW)
    except (OSError, HTTPException, ValueError) as error:  # the last for a path that cannot be written
        if isinstance(error, NothingSent) and not is_new and not cut.struck:
            raise
        raise not_taken(server, TimeoutError(TOO_SLOW) if cut.struck else error) from None
    finally:
        if not may_go_on or not _keeping.is_on:
            line.connection.close()
    if may_go_on and _keeping.is_on:
        cut.watch_nothing()
        kept.put(server, line)
    return answer


def not_taken(server: Server, error: Exception) -> DeliveryError:
    """Return what a request that broke means: whether it was taken nobody knows once anything was written."""
    unknown = not isinstance(error, NothingSent | ValueError)
    why = str(error) or type(error).__name__
    return DeliveryError(f"{server[1]} did not take it: {why}", permanent=False, unknown=unknown)


class _Keeping(threading.local):
    """Whether this thread keeps its connections."""

    is_on = False


_keeping = _Keeping()
kept = Kept()


@contextmanager
def keeping() -> Iterator[None]:
    """Let this thread leave its connections open for whoever asks the same server next, and use those that are."""
    was, _keeping.is_on = _keeping.is_on, True
    try:
        yield
    finally:
        _keeping.is_on = was


def may_reach(address: str) -> bool:
    """Tell whether we may talk to an address, as things are configured now."""
    return _may_reach(address, tuple(config().allow_networks))


@lru_cache(maxsize=256)
def _may_reach(address: str, _allowed: tuple[str, ...]) -> bool:
    return is_allowed(ip_address(address))


def _connect(scheme: str, host: str, port: int, cut: CutOff) -> Line:
    address = resolve(host, port)
    left = max(0.1, cut.at - time.monotonic())
    connection: HTTPConnection
    try:
        raw = socket.create_connection((str(address), port), timeout=left)
    except OSError as error:
        raise DeliveryError(f"{host} could not be reached: {error}", permanent=False) from None
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a head and its body are written one after the other
    cut.watch(raw)
    if scheme == "https":
        connection = HTTPSConnection(host, port, timeout=left)
        try:
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        except OSError as error:
            raw.close()
            raise DeliveryError(f"{host} has no trusted certificate: {error}", permanent=False) from None
    else:
        connection = HTTPConnection(host, port, timeout=left)
        connection.sock = raw
    cut.watch(connection.sock)
    return Line(connection, str(address), time.monotonic())


def resolve(host: str, port: int) -> Address:
    """Return an address of a host that we may talk to. Raises DeliveryError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"{host} is not known: {error}", permanent=False) from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    refused = [address for address in addresses if not is_allowed(address)]
    if refused or not addresses:
        raise DeliveryError(
            f"{host} is inside a network that raglan may not reach (see allow_networks)", permanent=True
        )
    return addresses[0]


def is_allowed(address: Address) -> bool:
    """Whether we may connect: a global address, or one in `allow_networks`; the metadata address never."""
    inner = _unwrap(address)
    if any(inner in net for net in NEVER):
        return False
    if any(inner in ip_network(net) for net in config().allow_networks):
        return True
    return inner.is_global and not inner.is_multicast


def _unwrap(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address.sixtofour:
            return address.sixtofour
    return address

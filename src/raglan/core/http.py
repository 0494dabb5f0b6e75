"""The one wrapper for outgoing HTTP: checked addresses, our own deadline, bounded answers.

A name is resolved once, every address is checked, and the connection goes to the checked address. Proxy variables of
the environment are ignored and redirects are not followed, so that no answer can send us elsewhere.
"""

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from raglan.config import config
from raglan.core.cutoff import CutOff
from raglan.core.db import fault_point, in_write
from raglan.core.errors import BadInput, DeliveryError

MAX_ANSWER = 5 * 1024 * 1024
NEVER = tuple(
    ip_network(net) for net in ("169.254.169.254/32", "fd00:ec2::254/128", "0.0.0.0/8", "224.0.0.0/4", "ff00::/8")
)
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What we ask the other side."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


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
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fault_point("http.before_send")
    with CutOff(deadline) as cut:
        server = (parts.scheme, host, port)
        connection = _kept.take(server, deadline, cut) or _connect(*server, deadline, cut)
        answer, may_go_on = _exchange(connection, Request(method, path, body, headers), cut, most)
        if may_go_on:
            _kept.put(server, connection)
    fault_point("http.after_send")
    return answer


def _exchange(connection: HTTPConnection, request: Request, cut: CutOff, most: int) -> tuple[Answer, bool]:
    """Return the answer, and whether the connection was left open for the next request."""
    host, may_go_on = connection.host, False
    try:
        named = {"User-Agent": "raglan", **request.headers}
        connection.request(request.method, request.path, body=request.body, headers=named)
        response = connection.getresponse()
        will_close = response.will_close
        answer = _read(response, most)
        if cut.struck:  # what was cut off may look like the end
            raise TimeoutError("it answered too slowly")
        if response.length == 0:
            response.close()  # an empty answer does not do so by itself
        may_go_on = _kept.is_on and not will_close and response.isclosed()
    except (OSError, HTTPException, ValueError) as error:  # the last for a path that cannot be written
        why = "it answered too slowly" if cut.struck else str(error) or type(error).__name__
        raise DeliveryError(f"{host} did not take it: {why}", permanent=False) from None
    finally:
        if not may_go_on:
            connection.close()
    return answer, may_go_on


Server = tuple[str, str, int]


class _Kept(threading.local):
    """Connections of one thread that may take another request."""

    is_on = False

    def __init__(self) -> None:
        self._open: dict[Server, HTTPConnection] = {}

    def take(self, server: Server, deadline: float, cut: CutOff) -> HTTPConnection | None:
        """Return an open connection to a server, unless the other side has ended it or said something unasked."""
        connection = self._open.pop(server, None)
        if connection is None:
            return None
        news = select.poll()
        news.register(connection.sock, select.POLLIN)
        if news.poll(0):
            connection.close()
            return None
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        cut.watch(connection.sock)
        return connection

    def put(self, server: Server, connection: HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._open[server] = connection

    def close(self) -> None:
        """End them all."""
        self.is_on = False
        for connection in self._open.values():
            connection.close()
        self._open.clear()


_kept = _Kept()


@contextmanager
def keeping() -> Iterator[None]:
    """Let this thread use its connections again as long as this lasts, which should be short.

    They lead to the addresses that were checked when they were made.
    """
    if _kept.is_on:
        yield
        return
    _kept.is_on = True
    try:
        yield
    finally:
        _kept.close()


def _connect(scheme: str, host: str, port: int, deadline: float, cut: CutOff) -> HTTPConnection:
    address = resolve(host, port)
    left = max(0.1, deadline - time.monotonic())
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
    return connection


def _read(response: HTTPResponse, most: int) -> Answer:
    body = bytearray()
    while len(body) <= most and (piece := response.read1(65536)):
        body += piece
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, bytes(body[:most]))


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

"""From an ASGI scope to the environment of a WSGI app, as PEP 3333 has it."""

import sys
from ipaddress import ip_address
from typing import IO
from urllib.parse import unquote_to_bytes

from raglan.edge.answers import Scope

BY_PROXY = frozenset(
    (b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip", b"via")
)
# What a proxy says of the client is read here, once; nothing behind may read it again and believe it.
NOT_PASSED_ON = frozenset(
    (
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"expect",
        b"proxy",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-server",
        b"x-real-ip",
    )
)


def environ_of(scope: Scope, body: IO[bytes], size: int, *, trusted_proxies: int) -> dict[str, object]:
    """Return the environment of a request with its body."""
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, object] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path_of(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(size),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client_of(scope, trusted_proxies),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme_of(scope, trusted_proxies),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    environ.update(_headers(scope))
    if any(name in BY_PROXY for name, _ in scope["headers"]):
        environ["raglan.through_proxy"] = True  # the headers are gone, but that there were some must stay known
    return environ


def path_of(scope: Scope) -> str:
    """Return the path: its bytes, each as one character. What is not UTF-8 is left for the app to judge."""
    raw = scope.get("raw_path")
    path = unquote_to_bytes(raw) if raw is not None else scope["path"].encode()
    return path.decode("latin-1")


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers. A name with an underscore is dropped: it would pass for the one with a hyphen."""
    found: dict[str, str] = {}
    for name, raw in scope["headers"]:
        if name in NOT_PASSED_ON or b"_" in name:
            continue
        value = raw.decode("latin-1")
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        if key in found:
            value = f"{found[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        found[key] = value
    return found


def client_of(scope: Scope, trusted_proxies: int) -> str:
    """Return the client's address: the socket's, or the one that the outermost trusted proxy saw."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    said = _said(scope, b"x-forwarded-for")
    if trusted_proxies and len(said) >= trusted_proxies and _is_address(said[-trusted_proxies]):
        return said[-trusted_proxies]
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def scheme_of(scope: Scope, trusted_proxies: int) -> str:
    """Return whether the client used TLS: of trusted proxies the outermost knows, without any it is our own socket."""
    said = _said(scope, b"x-forwarded-proto")
    if trusted_proxies and said:
        return "https" if said[-min(trusted_proxies, len(said))].lower() == "https" else "http"
    return str(scope.get("scheme", "http"))


def _said(scope: Scope, header: bytes) -> list[str]:
    """Return the entries of all headers of a name, in order."""
    return [
        part.strip()
        for name, value in scope["headers"]
        if name == header
        for part in value.decode("latin-1").split(",")
    ]

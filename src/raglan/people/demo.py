"""When one click may sign in: only in the demonstration, and only on this machine."""

from ipaddress import ip_address

from django.http import HttpRequest

from raglan.config import config

HOSTS = frozenset(("localhost", "127.0.0.1", "[::1]"))
THROUGH_PROXY = "raglan.through_proxy"  # set by the edge, which takes a proxy's headers out
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def demo_allowed(request: HttpRequest) -> bool:
    """Whether the demonstration runs, and both ends of this connection are this machine with nothing in between."""
    if not config().demo or request.META.get(THROUGH_PROXY) or any(name in request.headers for name in FORWARDED):
        return False
    host = request.get_host().lower()
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return name in HOSTS and _is_loopback(str(request.META.get("REMOTE_ADDR", "")))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False

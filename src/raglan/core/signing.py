"""Signs what is posted to foreign addresses, so that a receiver can tell it from a forgery.

`X-Raglan-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>." + body>`; the key is derived from the
installation's secret, the address and what it is posted for: whoever gets news of the status page can sign no page.
"""

import hmac
from functools import lru_cache

from django.conf import settings

PAGES, STATUS = "raglan.webhook", "raglan.status_webhook"


def signing_key(address: str, purpose: str = PAGES) -> bytes:
    """Return the key that signs for an address."""
    return _key(settings.SECRET_KEY, address, purpose)


@lru_cache(maxsize=256)
def _key(secret: str, address: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), f"{purpose}:{address}".encode(), "sha256").hex().encode()


def sign(address: str, body: bytes, at: int, purpose: str = PAGES) -> str:
    """Return the signature header."""
    mac = hmac.digest(signing_key(address, purpose), f"{at}.".encode() + body, "sha256").hex()
    return f"t={at},v1={mac}"

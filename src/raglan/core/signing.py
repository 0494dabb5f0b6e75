"""Signs what is posted to foreign addresses, so that a receiver can tell it from a forgery.

`X-Raglan-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>." + body>`; the key is derived from the
installation's secret and the address.
"""

import hashlib
import hmac

from django.conf import settings


def signing_key(address: str) -> bytes:
    """Return the key that signs for an address."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"raglan.webhook:" + address.encode(), "sha256").hex().encode()


def sign(address: str, body: bytes, at: int) -> str:
    """Return the signature header."""
    mac = hmac.new(signing_key(address), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"

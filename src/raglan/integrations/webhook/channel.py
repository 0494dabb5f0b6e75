"""Posts a page as JSON, signed so that the receiver can tell it from a forgery.

`X-Raglan-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>." + body>`; the key is derived from the
installation's secret and the address, and stands on the person's profile.
"""

import hashlib
import hmac
import json
from urllib.parse import urlsplit

from django.conf import settings

from raglan.core import http
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.paging.ports import Message, Receipt

PERMANENT = (400, 401, 403, 404, 405, 410, 422)


class Webhook:
    """The channel `webhook`."""

    kind = "webhook"

    def check(self, address: str) -> None:
        """Refuse what is not a plain http or https address."""
        http.check_url(address, "address")

    def lane(self, address: str) -> str:
        """Return the server, which is somebody's own."""
        return urlsplit(address).hostname or ""

    def send(self, address: str, message: Message) -> Receipt:
        """Post once. 2xx is handed over; some refusals are permanent."""
        body = json.dumps(body_of(message), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
            "X-Raglan-Signature": sign(address, body, int(now().timestamp())),
        }
        answer = http.post(address, body, headers)
        if not 200 <= answer.status < 300:
            raise DeliveryError(f"the webhook answered {answer.status}", permanent=answer.status in PERMANENT)
        return Receipt(provider_id=answer.headers.get("x-request-id", "")[:200])


def body_of(message: Message) -> dict[str, object]:
    """Return the JSON body, version 1."""
    return {
        "version": 1,
        "key": message.key,
        "page": message.page_id,
        "title": message.title,
        "text": message.text,
        "severity": message.severity,
        "since": message.since.isoformat(),
        "person": message.person_name,
        "why": message.why,
        "link": message.link,
        "may_be_a_repeat": message.may_repeat,
        "test": message.is_test,
    }


def signing_key(address: str) -> bytes:
    """Return the key that signs for an address."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"raglan.webhook:" + address.encode(), "sha256").hex().encode()


def sign(address: str, body: bytes, at: int) -> str:
    """Return the signature header."""
    mac = hmac.new(signing_key(address), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"

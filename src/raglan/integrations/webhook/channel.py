"""Posts a page as JSON, signed so that the receiver can tell it from a forgery (see `raglan.core.signing`).

The key for an address stands on the person's profile.
"""

from urllib.parse import urlsplit

import msgspec

from raglan.core import http
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.core.posts import Post, post
from raglan.core.signing import sign, signing_key
from raglan.paging.ports import Message, Receipt

__all__ = ["Webhook", "body_of", "sign", "signing_key"]
PERMANENT = (400, 401, 403, 404, 405, 410, 422)
LOST_BEHIND = (502, 504)  # said by a gateway: the receiver behind it may have taken it
BROKEN = 500  # a mistake of one receiver: others of the same server may be well
USUAL_PORTS = {"http": 80, "https": 443}
GATEWAY = (502, 503, 504)  # of what is behind a gateway: perhaps of one receiver only


class Webhook:
    """The channel `webhook`."""

    kind = "webhook"
    takes_answers = False  # a program has the link, and needs no keys of buttons

    def check(self, address: str) -> None:
        """Refuse what is not a plain http or https address."""
        http.check_url(address, "address")

    def lane(self, address: str) -> str:
        """Return the server, which is somebody's own, with its port where that is not the usual one."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        return host if parts.port in (None, USUAL_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"

    def send(self, address: str, message: Message) -> Receipt:
        """Post once."""
        return self.receipt_of(post(self.post_of(address, message)))

    def url_of(self, address: str) -> str:
        """Return where it is posted."""
        return address

    def post_of(self, address: str, message: Message) -> Post:
        """Return what is posted."""
        body = msgspec.json.encode(body_of(message))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
            "X-Raglan-Signature": sign(address, body, int(now().timestamp())),
        }
        return Post(address, body, headers)

    def receipt_of(self, answer: http.Answer) -> Receipt:
        """Take the answer. 2xx is handed over; some refusals are permanent. Raises DeliveryError."""
        if not 200 <= answer.status < 300:
            unknown = answer.status in LOST_BEHIND
            why = f"the webhook answered {answer.status}"
            raise DeliveryError(
                why,
                permanent=answer.status in PERMANENT,
                unknown=unknown,
                is_of_address=answer.status == BROKEN,
                is_of_gateway=answer.status in GATEWAY,
            )
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
        **({"links": [{"text": tap.words, "href": tap.link} for tap in message.taps]} if message.taps else {}),
    }

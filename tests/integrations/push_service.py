"""A push service on loopback that checks messages as the real ones do, and a browser that opens them."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]  # it has no stubs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from raglan.integrations.webpush import crypt
from tests.integrations.fakes import Answer, Request, http_server


@dataclass
class PushService:
    """Takes messages for browsers from whoever proves to be the sender."""

    url: str = ""
    taken: list[Request] = field(default_factory=list)
    refusal: Answer | None = None

    def respond(self, request: Request) -> Answer:
        if self.refusal is not None:
            return self.refusal
        if wrong := self.wrong_with(request):
            return Answer(400, wrong.encode())
        self.taken.append(request)
        return Answer(201, b"", (("Location", f"{self.url}/message/{len(self.taken)}"),))

    def wrong_with(self, request: Request) -> str:
        if "ttl" not in request.headers:
            return "TTL is missing"
        if request.headers.get("content-encoding") != "aes128gcm" or len(request.body) > 4096:
            return "not a message"
        if len(request.headers.get("topic", "")) > 32 or request.headers.get("urgency") not in ("high", "normal"):
            return "topic or urgency"
        return self.wrong_proof(request.headers.get("authorization", ""))

    def wrong_proof(self, header: str) -> str:
        scheme, _, rest = header.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or set(parts) != {"t", "k"}:
            return "no proof"
        head, claims, signature = parts["t"].split(".")
        raw = crypt.decode(signature)
        pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            crypt.read_point(crypt.decode(parts["k"])).verify(
                pair, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256())
            )
        except InvalidSignature:
            return "forged"
        said = json.loads(crypt.decode(claims))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        if said["aud"] != origin or not said["sub"].startswith(("mailto:", "https:")):
            return "for another"
        return "" if time.time() < said["exp"] < time.time() + 24 * 3600 else "too long or over"


@dataclass
class Browser:
    """The browser's half of a subscription."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def form(self) -> dict[str, str]:
        """What it gives when it subscribes."""
        public = crypt.encode(crypt.point(self.private.public_key()))
        return {"endpoint": self.endpoint, "p256dh": public, "auth": crypt.encode(self.auth)}

    def open(self, body: bytes) -> dict[str, object]:
        """Read a message."""
        plain = http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm")
        read: dict[str, object] = json.loads(plain)
        return read


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run the service."""
    service = PushService()
    with http_server(service.respond) as service.url:
        yield service

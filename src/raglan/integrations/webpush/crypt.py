"""The two protocols of web push: messages only the browser can read (RFC 8291), and proof of who sends (RFC 8292)."""

import base64
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD = 4096
HEADER = 16 + 4 + 1 + 65
MOST = RECORD - HEADER - 16 - 1  # a tag and a mark of the end
PROOF_LASTS = timedelta(hours=12)


def decode(text: str) -> bytes:
    """Return the bytes of base64url without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as the 65 bytes that browsers use."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def read_point(data: bytes) -> ec.EllipticCurvePublicKey:
    """Read a public key. Raises ValueError when it is no point of the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)


def encrypt(plain: bytes, *, public: bytes, auth: bytes) -> bytes:
    """Return the body of one push message, for the browser with these keys alone."""
    if len(plain) > MOST:
        raise ValueError("too long for one push message")
    ours, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    shared = ours.exchange(ec.ECDH(), read_point(public))
    own = point(ours.public_key())
    secret = _derive(shared, salt=auth, info=b"WebPush: info\0" + public + own, length=32)
    key = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    sealed = AESGCM(key).encrypt(nonce, plain + b"\x02", None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(own)]) + own + sealed


def _derive(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who we are to push services: a key pair that is made once."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> "Sender":
        """Make a key pair."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, text: str) -> "Sender":
        """Read what `text` returned."""
        return cls(ec.derive_private_key(int.from_bytes(decode(text), "big"), ec.SECP256R1()))

    @property
    def text(self) -> str:
        """The private key, to be kept sealed."""
        return encode(self.private.private_numbers().private_value.to_bytes(32, "big"))

    @property
    def public(self) -> str:
        """The public key, which browsers get when they subscribe."""
        return encode(point(self.private.public_key()))

    def proof(self, endpoint: str, *, contact: str, at: datetime) -> str:
        """Return the `Authorization` header for one push service."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((at + PROOF_LASTS).timestamp()),
            "sub": contact,
        }
        signed = ".".join(_json(part) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return f"vapid t={signed}.{signature}, k={self.public}"


def _json(value: object) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())

"""Checks that a message was signed by AWS SNS, and fetches what that needs from AWS and from nowhere else."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from raglan.core import http
from raglan.core.errors import BadInput, DeliveryError, Overloaded
from raglan.integrations.sns.address import check_address

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
KEPT = 32
Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """Fetch from AWS by the guarded wrapper. Raises Overloaded, so that SNS sends the message again."""
    try:
        answer = http.get(url, {})
    except DeliveryError as error:
        raise Overloaded(f"AWS could not be asked: {error.sentence}", retry_after=30) from None
    if answer.status != 200:
        raise Overloaded(f"AWS answered {answer.status} where its certificate should be", retry_after=30)
    return answer.body


class Certificates:
    """Signing certificates of AWS, kept so that each is fetched once."""

    def __init__(self, fetch: Fetch = fetch) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[str, rsa.RSAPublicKey] = OrderedDict()

    def check(self, message: dict[str, str]) -> None:
        """Raise BadInput unless the message was signed by AWS SNS."""
        url = message.get("SigningCertURL", "")
        check_address(url, "SigningCertURL")
        if not urlsplit(url).path.endswith(".pem"):
            raise BadInput("SigningCertURL", "is not the address of a certificate", status=403)
        version = message.get("SignatureVersion", "")
        if version not in ("1", "2"):
            raise BadInput("SignatureVersion", "must be 1 or 2", status=403)
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 -- what version 1 is made of
        try:
            given = base64.b64decode(message.get("Signature", ""), validate=True)
            self._key(url).verify(given, canonical(message), padding.PKCS1v15(), algorithm)
        except (binascii.Error, ValueError, InvalidSignature):
            raise BadInput("Signature", "this was not signed by AWS", status=403) from None

    def _key(self, url: str) -> rsa.RSAPublicKey:
        if url not in self._kept:
            key = x509.load_pem_x509_certificate(self._fetch(url)).public_key()
            if not isinstance(key, rsa.RSAPublicKey):
                raise BadInput("SigningCertURL", "this certificate is of a kind that AWS does not use", status=403)
            self._kept[url] = key
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[url]


def canonical(message: dict[str, str]) -> bytes:
    """Return the text that SNS signs: names and values of some fields, a line each."""
    names = NOTIFICATION if message.get("Type") == "Notification" else CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()

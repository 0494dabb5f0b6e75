"""Checks that a message was signed by AWS SNS, and fetches what that needs from AWS and from nowhere else."""

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from raglan.core import http
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError, Overloaded, RaglanError
from raglan.integrations.sns.address import check_address

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
KEPT = 32
FAILURES = 1_000
FAILURE_LASTS = timedelta(seconds=60)
FETCHES = 4  # at once; each has a thread of its own, because looking up a name has no deadline
WAITING = 1  # threads of intake that may wait for a certificate at once
WAIT_S = 5.0
MAX_ADDRESS = 300
Fetch = Callable[[str], bytes]
T = TypeVar("T")


def fetch(url: str) -> bytes:
    """Fetch from AWS by the guarded wrapper. Raises Overloaded, so that SNS sends the message again."""
    try:
        answer = http.get(url, {})
    except DeliveryError as error:
        raise Overloaded(f"AWS could not be asked: {error.sentence}", retry_after=30) from None
    if answer.status != 200:
        raise Overloaded(f"AWS answered {answer.status} where its certificate should be", retry_after=30)
    return answer.body


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not a certificate, or could not be fetched, and until when it is not asked for again."""

    error: RaglanError
    until: datetime


class Certificates:
    """Signing certificates of AWS, kept so that each is fetched once, and what failed is left alone for a while.

    Whoever asks waits for a few seconds at most, and others do not wait meanwhile: SNS sends its message again.
    """

    def __init__(self, fetch: Fetch = fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, rsa.RSAPublicKey] = OrderedDict()
        self._failed: OrderedDict[str, Failure] = OrderedDict()
        self._coming: dict[str, Future[rsa.RSAPublicKey]] = {}
        self._waiting = threading.Semaphore(WAITING)

    def check(self, message: dict[str, str]) -> None:
        """Raise BadInput unless the message was signed by AWS SNS."""
        url = message.get("SigningCertURL", "")
        check_address(url, "SigningCertURL")
        parts = urlsplit(url)
        is_plain = url == parts.geturl() and "?" not in url and "#" not in url and len(url) <= MAX_ADDRESS
        if not is_plain or not parts.path.endswith(".pem"):
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
        with self._lock:
            if url in self._kept:
                return self._kept[url]
            failed = self._failed.get(url)
            if failed is not None and now() < failed.until:
                raise failed.error.with_traceback(None)
            coming = self._coming.get(url) or self._begin(url)
        if not self._waiting.acquire(blocking=False):
            raise Overloaded("A certificate of AWS is being fetched. Send this again.", retry_after=2)
        try:
            return coming.result(WAIT_S)
        except TimeoutError:
            raise Overloaded("AWS does not answer. Send this again.", retry_after=10) from None
        finally:
            self._waiting.release()

    def _begin(self, url: str) -> Future[rsa.RSAPublicKey]:
        """Start to fetch. Raises Overloaded."""
        if len(self._coming) >= FETCHES:
            raise Overloaded("Too many certificates at once. Send this again.", retry_after=10)
        coming: Future[rsa.RSAPublicKey] = Future()
        threading.Thread(target=self._bring, args=(url, coming), name="raglan-sns", daemon=True).start()
        self._coming[url] = coming  # the thread needs the lock to take it out again
        return coming

    def _bring(self, url: str, coming: Future[rsa.RSAPublicKey]) -> None:
        """Fetch, keep what came, or that nothing did, and tell those who wait."""
        try:
            key = key_of(self._fetch(url))
        except Exception as error:  # whoever waits gets it
            known = error if isinstance(error, RaglanError) else Overloaded("AWS could not be asked.", retry_after=30)
            with self._lock:
                keep(self._failed, url, Failure(known, now() + FAILURE_LASTS), FAILURES)
                del self._coming[url]
            coming.set_exception(error)
            return
        with self._lock:
            keep(self._kept, url, key, KEPT)
            del self._coming[url]
        coming.set_result(key)


def keep(book: OrderedDict[str, T], url: str, found: T, most: int) -> None:
    """Write into a book that forgets the oldest."""
    book[url] = found
    book.move_to_end(url)
    if len(book) > most:
        book.popitem(last=False)


def key_of(certificate: bytes) -> rsa.RSAPublicKey:
    """Return the key of a certificate. Raises BadInput."""
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
    except ValueError:
        raise BadInput("SigningCertURL", "there is no certificate", status=403) from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadInput("SigningCertURL", "this certificate is of a kind that AWS does not use", status=403)
    return key


def canonical(message: dict[str, str]) -> bytes:
    """Return the text that SNS signs: names and values of some fields, a line each."""
    names = NOTIFICATION if message.get("Type") == "Notification" else CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()

"""Seals what must be read back but never stands in the clear in the database: secrets of codes, links in mails."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from raglan.core.errors import RaglanError


class SealBrokenError(RaglanError):
    """Sealed under a signing key that is not here any more."""

    code = "seal_broken"


def seal(text: str) -> str:
    """Return a text that only this installation's signing key opens."""
    return _box().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Return the text again. Raises SealBrokenError when the key was changed and the old one not kept as a fallback."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBrokenError("This was sealed with another signing key.") from None


def _box() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_key(str(secret)) for secret in secrets])


def _key(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"raglan.people.sealing" + secret.encode()).digest()))

"""Secrets: the signing key, one-purpose signed tokens, hashes of tokens that are only shown once."""

import hashlib
import hmac
import json
import os
import secrets
import time
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core import signing

from raglan.config import Config


def signing_key(config: Config) -> str:
    """Return the signing key from the options, or the one kept in the data folder, made at first use."""
    if given := config.secret_key.get_secret_value():
        return given
    path = config.data_dir / "secret.key"
    config.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return _read_key(path)


def _read_key(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def random_token() -> str:
    """Return 256 random bits in URL-safe text."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return the hex SHA-256 of a random token. Tokens have 256 random bits, so no salt and no slow hash are needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign(purpose: str, value: str) -> str:
    """Return a token that carries `value` and is good for one purpose only.

    It is what `TimestampSigner(salt).sign_object(value)` of Django returns, whose key is derived once and not for each.
    """
    carried = signing.b64_encode(_as_json(value).encode("latin-1")).decode()
    signed = f"{carried}:{_moment(int(time.time()))}"
    mac = hmac.digest(_key_of(str(settings.SECRET_KEY), f"raglan.{purpose}"), signed.encode(), "sha256")
    return f"{signed}:{signing.b64_encode(mac).decode()}"


_as_json = json.JSONEncoder(separators=(",", ":")).encode
_moment = lru_cache(maxsize=4)(signing.b62_encode)


@lru_cache(maxsize=64)
def _key_of(key: str, salt: str) -> bytes:
    """Return what Django's signers derive from the key of an installation for a salt."""
    return hashlib.sha256(f"{salt}signer{key}".encode()).digest()


def unsign(purpose: str, token: str, *, max_age: timedelta) -> str | None:
    """Return the value of a token, or None when it is forged, of another purpose or too old."""
    try:
        value = signing.TimestampSigner(salt=f"raglan.{purpose}").unsign_object(token, max_age=max_age)
    except signing.BadSignature:
        return None
    return value if isinstance(value, str) else None

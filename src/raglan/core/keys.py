"""Keys by which the same thing, sent twice, counts once."""

import hashlib
import secrets

MOST = 64


def key_of(word: str) -> str:
    """Return the key that is stored: a hash of one that is too long, so that two stay two; a fresh one for none."""
    if len(word) > MOST:
        return hashlib.sha256(word.encode()).hexdigest()
    return word or secrets.token_hex(16)

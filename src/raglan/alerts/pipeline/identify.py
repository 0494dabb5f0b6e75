"""Stage 1, which answers: which condition is this signal about."""

from functools import lru_cache
from hashlib import sha256

from raglan.alerts.ports import RawSignal
from raglan.core.decisions import Decision

BETWEEN = "\x01"


def identify(signal: RawSignal, source_id: int) -> tuple[str, Decision]:
    """Return the fingerprint: SHA-256 over the source and its own key, or else over all labels in order.

    The source is part of it, so that one source can not resolve what another one reported.
    """
    if signal.dedup_key:
        words, decided = [signal.dedup_key], BY_KEY
    else:
        labels = signal.labels
        words = list(map("\x00".join, sorted(labels.items())))
        decided = _by_labels(len(words))
    text = f"{source_id}\x01{BETWEEN.join(words)}" if words else str(source_id)
    return sha256(text.encode("utf-8", "replace")).hexdigest(), decided


BY_KEY = Decision("identify", "identified", "by the key that the source gave")


@lru_cache(maxsize=256)
def _by_labels(count: int) -> Decision:
    return Decision("identify", "identified", f"by its {count} labels")

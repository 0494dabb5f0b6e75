"""Stage 1, which answers: which condition is this signal about."""

import hashlib

from raglan.alerts.ports import RawSignal
from raglan.core.decisions import Decision


def identify(signal: RawSignal, source_id: int) -> tuple[str, Decision]:
    """Return the fingerprint: SHA-256 over the source and its own key, or else over all labels in order.

    The source is part of it, so that one source can not resolve what another one reported.
    """
    if signal.dedup_key:
        words, reason = [signal.dedup_key], "by the key that the source gave"
    else:
        words = [f"{name}\x00{value}" for name, value in sorted(signal.labels.items())]
        reason = f"by its {len(words)} labels"
    text = "\x01".join([str(source_id), *words])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), Decision("identify", "identified", reason)

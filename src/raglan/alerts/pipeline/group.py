"""Stage 3, which answers: which alerts would one person handle as one thing."""

import hashlib
from collections.abc import Sequence

from raglan.core.decisions import Decision

DEFAULT_GROUP_BY = ("alertname", "service", "cluster")


def group_key(
    labels: dict[str, str],
    *,
    route_id: int | None,
    source_id: int,
    group_by: Sequence[str],
    fingerprint: str,
    also: Sequence[int] = (),
) -> tuple[str, dict[str, str], Decision]:
    """Return the key, the labels that all alerts of the group share, and why.

    Alerts of one route and one source with the same values of `group_by` belong together. Without any of these
    labels an alert is alone: its fingerprint tells it from others with the same labels, which the source keeps apart by
    keys of its own.
    """
    names = [name for name in group_by or DEFAULT_GROUP_BY if name in labels]
    shared = {name: labels[name] for name in names} if names else dict(labels)
    words = [
        "+".join(map(str, (route_id, *also))),
        str(source_id),
        *(f"{name}\x00{value}" for name, value in sorted(shared.items())),
    ]
    if not names:
        words.append(f"\x02{fingerprint}")
    key = hashlib.sha256("\x01".join(words).encode("utf-8", "replace")).hexdigest()
    reason = (
        f"together with others of the same {', '.join(names)}"
        if names
        else "alone: it has none of the labels to group by"
    )
    return key, shared, Decision("group", "grouped", reason)

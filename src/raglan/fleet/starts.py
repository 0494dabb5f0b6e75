"""When services were started: kept by host, so that a restart is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from raglan.core.db import bulk
from raglan.fleet.models import Host
from raglan.fleet.reports import FIRST, LAST, MOST_UNITS, unit_name

_decode = msgspec.json.Decoder(list[tuple[str, float]]).decode


@dataclass(frozen=True, slots=True)
class Started:
    """What a host told of its services: their times of start as they came, and what stands for them."""

    host: int
    raw: bytes
    digest: str


def starts_of(raw: bytes) -> dict[str, int]:
    """Read when services were started, in seconds by the host's own clock. What cannot be read was not told."""
    try:
        told = _decode(raw)[:MOST_UNITS]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {unit_name(name): int(at) for name, at in told if FIRST < at < LAST}


def note_starts(told: Sequence[Started]) -> dict[int, tuple[str, ...]]:
    """Keep when services were started; return by host which of them were started anew since they were told last."""
    if not told:
        return {}
    before: Mapping[int, dict[str, int]] = dict(
        Host.objects.filter(pk__in=[one.host for one in told]).values_list("pk", "starts")
    )
    rows, found = [], {}
    for one in told:
        starts, known = starts_of(one.raw), before.get(one.host) or {}
        rows.append((bulk.text_of(starts), one.digest, one.host))
        if anew := tuple(sorted(name for name, at in starts.items() if name in known and at > known[name])):
            found[one.host] = anew
    bulk.update_rows(Host, ("starts", "starts_digest"), rows)
    return found

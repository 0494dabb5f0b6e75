"""Lists of services with their states: kept once however many hosts are alike, and compared."""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.fleet.models import UnitSet
from raglan.fleet.ports import ServiceTold, ServiceTurn
from raglan.fleet.reports import units_of

FAILED = ("failed", "error", "crashed")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class Kept:
    """A list that is stored."""

    id: int
    failed: int


def keep(raws: Mapping[str, bytes]) -> dict[str, Kept | BadInput]:
    """Return lists by the digests of what was sent; those that were never seen are read and stored."""
    found: dict[str, Kept | BadInput] = dict(_stored(raws))
    fresh = []
    for digest in sorted(set(raws) - set(found)):
        try:
            told = units_of(raws[digest])
        except BadInput as error:
            found[digest] = error
            continue
        fresh.append(UnitSet(digest=digest, packed=_pack(told), failed=_failed(told), first_seen_at=now()))
    if fresh:
        UnitSet.objects.bulk_create(fresh, ignore_conflicts=True)
        found |= _stored([one.digest for one in fresh])
    return found


def _stored(digests: Collection[str]) -> dict[str, Kept]:
    rows = UnitSet.objects.filter(digest__in=digests).values_list("digest", "pk", "failed") if digests else ()
    return {digest: Kept(pk, failed) for digest, pk, failed in rows}


def _pack(told: Collection[ServiceTold]) -> bytes:
    return zlib.compress(_encode({one.name: one.state for one in told}))


def _failed(told: Collection[ServiceTold]) -> int:
    return sum(one.state in FAILED for one in told)


def states(keys: Collection[int]) -> dict[int, dict[str, str]]:
    """Return the states of services in lists."""
    rows = UnitSet.objects.filter(pk__in=keys).values_list("pk", "packed") if keys else ()
    return {pk: _decode(zlib.decompress(bytes(packed))) for pk, packed in rows}


def turned(was: Mapping[str, str], now_: Mapping[str, str]) -> list[ServiceTurn]:
    """Return what turned between two lists. A service that is in one of them only was made or taken away: no turn."""
    return [ServiceTurn(name, was[name], state) for name, state in now_.items() if name in was and was[name] != state]

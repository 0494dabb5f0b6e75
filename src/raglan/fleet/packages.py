"""Lists of packages: kept once however many hosts have them, and compared as numbers."""

import zlib
from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import pairwise, zip_longest

import msgspec
from django.db import transaction

from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.fleet.models import Package, PackageSet
from raglan.fleet.ports import MoveTold
from raglan.fleet.reports import MOST_PACKAGES

MOST_KNOWN = 60_000
CHUNK = 500
LEVEL = 6
Entry = tuple[str, str, str]
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_entry = msgspec.json.Decoder(tuple[str, str, str]).decode
_known: OrderedDict[bytes, int] = OrderedDict()


def read_lists(raws: Collection[bytes]) -> dict[bytes, "array[int] | BadInput"]:
    """Return the sorted keys of the packages of each list as it was sent, or what is wrong with it."""
    split = {raw: _split(raw) for raw in raws}
    unknown: dict[bytes, Entry] = {}
    bad: dict[bytes, BadInput] = {}
    for raw, entries in split.items():
        if isinstance(entries, BadInput):
            bad[raw] = entries
            continue
        try:
            unknown.update({entry: _entry(entry) for entry in entries if entry not in _known})
        except BadInput as error:
            bad[raw] = error
    keys = _keys_of(set(unknown.values()))
    fresh = {entry: keys[read] for entry, read in unknown.items()}
    if fresh:
        transaction.on_commit(partial(_remember, fresh))  # not before: a key of what is rolled back is given again
    return {raw: bad[raw] if raw in bad else _ids(split[raw], fresh) for raw in split}


def _split(raw: bytes) -> list[bytes] | BadInput:
    try:
        found = [bytes(entry) for entry in _decode_list(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return BadInput("packages", "write a list of packages", status=422)
    if len(found) > MOST_PACKAGES:
        return BadInput("packages", f"has more than {MOST_PACKAGES} packages", status=422)
    return found


def _entry(raw: bytes) -> Entry:
    try:
        name, version, arch = _decode_entry(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("packages", "write each package as name, version and architecture", status=422) from None
    return clean_text(name)[:255], clean_text(version)[:255], clean_text(arch)[:60]


def _ids(entries: list[bytes] | BadInput, fresh: dict[bytes, int]) -> "array[int]":
    assert not isinstance(entries, BadInput)
    known = _known
    try:
        return array("I", sorted({known[entry] for entry in entries}))
    except KeyError:  # some are new
        return array("I", sorted({fresh[entry] if entry in fresh else known[entry] for entry in entries}))


def _remember(fresh: dict[bytes, int]) -> None:
    _known.update(fresh)
    while len(_known) > MOST_KNOWN:
        _known.popitem(last=False)


def forget_known() -> None:
    """Forget which keys packages have, as for another database."""
    _known.clear()
    _moves.clear()


def _keys_of(entries: Collection[Entry]) -> dict[Entry, int]:
    """Return the keys of packages; those that were never seen are made."""
    found = _stored(entries)
    missing = sorted(entry for entry in entries if entry not in found)
    if missing:
        made = [Package(name=name, version=version, arch=arch) for name, version, arch in missing]
        Package.objects.bulk_create(made, ignore_conflicts=True, batch_size=CHUNK)  # another node may be faster
        found |= _stored(missing)
    return found


def _stored(entries: Iterable[Entry]) -> dict[Entry, int]:
    listed, found = sorted(entries), dict[Entry, int]()
    for start in range(0, len(listed), CHUNK):
        names = {entry[0] for entry in listed[start : start + CHUNK]}
        rows = Package.objects.filter(name__in=names).values_list("name", "version", "arch", "pk")
        found |= {(name, version, arch): pk for name, version, arch, pk in rows}
    return found


def pack(ids: "array[int]") -> bytes:
    """Pack sorted keys: as distances, which are small and alike."""
    if not ids:
        return b""
    return zlib.compress(array("I", [ids[0], *(after - before for before, after in pairwise(ids))]), LEVEL)


def unpack(packed: bytes) -> "array[int]":
    """Return sorted keys."""
    ids = array("I", zlib.decompress(packed) if packed else b"")
    for place in range(1, len(ids)):
        ids[place] += ids[place - 1]
    return ids


def store(sets: dict[str, "array[int]"]) -> dict[str, int]:
    """Keep lists by their digests; return their keys."""
    at = now()
    made = [
        PackageSet(digest=digest, packed=pack(ids), count=len(ids), first_seen_at=at) for digest, ids in sets.items()
    ]
    PackageSet.objects.bulk_create(made, ignore_conflicts=True)
    return known_sets(sets)


def known_sets(digests: Collection[str]) -> dict[str, int]:
    """Return the keys of the lists that were seen before, by digest."""
    if not digests:
        return {}
    return dict(PackageSet.objects.filter(digest__in=digests).values_list("digest", "pk"))


def contents(keys: Collection[int]) -> dict[int, "array[int]"]:
    """Return lists by their keys."""
    rows = PackageSet.objects.filter(pk__in=keys).values_list("pk", "packed") if keys else ()
    return {pk: unpack(bytes(packed)) for pk, packed in rows}


def listed(key: int | None) -> list[Package]:
    """Return the packages of a list, by name."""
    ids = contents([key])[key] if key else ()
    found = [
        one for start in range(0, len(ids), CHUNK) for one in Package.objects.filter(pk__in=ids[start : start + CHUNK])
    ]
    return sorted(found, key=lambda package: (package.name, package.arch, package.version))


MOST_MOVES = 512
_moves: OrderedDict[tuple[int, int], tuple[MoveTold, ...]] = OrderedDict()


def differences(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], tuple[MoveTold, ...]]:
    """Return what moved between lists, each named by its key. Hosts that are alike ask the same again."""
    found = {pair: _moves[pair] for pair in pairs if pair in _moves}
    wanted = [pair for pair in pairs if pair not in found]
    if wanted:
        fresh = _differences(wanted)
        found |= fresh
        transaction.on_commit(partial(_remember_moves, fresh))
    return found


def _remember_moves(fresh: dict[tuple[int, int], tuple[MoveTold, ...]]) -> None:
    _moves.update(fresh)
    while len(_moves) > MOST_MOVES:
        _moves.popitem(last=False)


def _differences(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[MoveTold, ...]]:
    lists = {pk: set(ids) for pk, ids in contents({pk for pair in pairs for pk in pair}).items()}
    sides = {(old, new): (lists[old] - lists[new], lists[new] - lists[old]) for old, new in pairs}
    ids = sorted({pk for gone, came in sides.values() for pk in (*gone, *came)})
    named: dict[int, Package] = {}
    for start in range(0, len(ids), CHUNK):
        named |= Package.objects.in_bulk(ids[start : start + CHUNK])
    return {
        pair: _paired([named[pk] for pk in gone], [named[pk] for pk in came]) for pair, (gone, came) in sides.items()
    }


def _paired(gone: Iterable[Package], came: Iterable[Package]) -> tuple[MoveTold, ...]:
    """Return moves by name: what went and what came of one package, in the order in which raglan met the versions."""
    sides: dict[tuple[str, str], tuple[list[Package], list[Package]]] = {}
    for side, packages in enumerate((gone, came)):
        for package in sorted(packages, key=lambda one: one.pk):
            sides.setdefault((package.name, package.arch), ([], []))[side].append(package)
    return tuple(
        MoveTold(name, old.version if old else "", new.version if new else "", arch)
        for name, arch in sorted(sides)
        for old, new in zip_longest(*sides[name, arch])
    )

"""Lists of packages: kept once however many hosts have them, and compared as numbers."""

import zlib
from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate, zip_longest
from operator import sub

import msgspec
from django.db import transaction

from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.fleet.models import Package, PackageSet
from raglan.fleet.ports import MoveTold
from raglan.fleet.reports import MOST_PACKAGES

MOST_KNOWN = 60_000
CHUNK = 500
COLUMNS = ("name", "version", "arch")
LEVEL = 6  # of zlib
Entry = tuple[str, str, str]
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_entry = msgspec.json.Decoder(tuple[str, str, str]).decode


class Book:
    """Which keys entries have, of those that were met lately, in two halves: what is asked for moves to the young one.

    When that is full it becomes the old one, and what nobody asked for meanwhile is forgotten.
    """

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def find(self, pieces: Iterable[bytes]) -> dict[bytes, int | None]:
        """Return the keys of entries, None for those that are not known."""
        pieces = list(pieces)
        found = dict(zip(pieces, map(self._young.get, pieces), strict=True))
        if None in found.values() and self._old:
            missing = [piece for piece, key in found.items() if key is None]
            again = {piece: self._old[piece] for piece in missing if piece in self._old}
            self.note(again)
            found |= again
        return found

    def note(self, fresh: Mapping[bytes, int]) -> None:
        """Keep some keys."""
        self._young.update(fresh)
        if len(self._young) > self._half:
            self._young, self._old = {}, self._young

    def forget(self) -> None:
        """Forget all."""
        self._young, self._old = {}, {}


_known = Book(MOST_KNOWN)


def read_lists(raws: Collection[bytes]) -> dict[bytes, "array[int] | BadInput"]:
    """Return the sorted keys of the packages of each list as it was sent, or what is wrong with it."""
    found: dict[bytes, array[int] | BadInput] = {}
    unread: dict[bytes, dict[bytes, int | None]] = {}
    for raw in raws:
        keys = _known.find(_quick_split(raw))
        if keys and None not in keys.values():
            found[raw] = _sorted(keys.values())
        else:
            unread[raw] = keys
    if unread:
        found |= _read_unknown(unread)
    return found


def _read_unknown(unread: Mapping[bytes, dict[bytes, int | None]]) -> dict[bytes, "array[int] | BadInput"]:
    """Read lists with entries that are not known; what was found of each comes with it."""
    found: dict[bytes, array[int] | BadInput] = {}
    lists: dict[bytes, dict[bytes, int | None]] = {}
    entries: dict[bytes, Entry] = {}
    for raw, keys in unread.items():
        try:
            lists[raw], new = _entries(raw, keys)
            entries |= new
        except BadInput as error:
            found[raw] = error
    keys_of = _keys_of(set(entries.values()))
    fresh = {piece: keys_of[entry] for piece, entry in entries.items()}
    transaction.on_commit(partial(_known.note, fresh))  # not before: a key of what is rolled back is given again
    for raw, keys in lists.items():
        found[raw] = _sorted({key or fresh[piece] for piece, key in keys.items()})
    return found


def _quick_split(raw: bytes) -> list[bytes]:
    """Return the entries of a list that is written without spaces, without their brackets.

    When each of them is an entry by itself, this was the right way to split it, whatever stands in the names.
    """
    return raw[2:-2].split(b"],[") if raw.startswith(b"[[") and raw.endswith(b"]]") else []


def _entries(raw: bytes, keys: dict[bytes, int | None]) -> tuple[dict[bytes, int | None], dict[bytes, Entry]]:
    """Return the entries of a list with their keys, and those that are not known as they read. Raises BadInput."""
    if 0 < len(keys) <= MOST_PACKAGES:
        with suppress(BadInput):
            return keys, {piece: _entry(piece) for piece, key in keys.items() if key is None}
    keys = _known.find(_split(raw))
    return keys, {piece: _entry(piece) for piece, key in keys.items() if key is None}


def count_of(raw: bytes) -> int:
    """Return how many packages a list has. Raises BadInput when it is none."""
    if not raw:
        return 0
    pieces = _split(raw)
    for piece in pieces:
        _entry(piece)
    return len(pieces)


def _sorted(keys: Iterable[int | None]) -> "array[int]":
    return array("I", sorted(set(keys)))  # type: ignore[type-var, arg-type]  # None is none of them


def _split(raw: bytes) -> list[bytes]:
    try:
        found = [bytes(entry)[1:-1] for entry in _decode_list(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("packages", "write a list of packages", status=422) from None
    if len(found) > MOST_PACKAGES:
        raise BadInput("packages", f"has more than {MOST_PACKAGES} packages", status=422)
    return found


def _entry(piece: bytes) -> Entry:
    try:
        name, version, arch = _decode_entry(b"[" + piece + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("packages", "write each package as name, version and architecture", status=422) from None
    return clean_text(name)[:255], clean_text(version)[:255], clean_text(arch)[:60]


def forget_known() -> None:
    """Forget which keys packages have, as for another database."""
    _known.forget()
    _moves.clear()


def _keys_of(entries: Collection[Entry]) -> dict[Entry, int]:
    """Return the keys of packages; those that were never seen are made."""
    found = _stored(entries)
    missing = sorted(entry for entry in entries if entry not in found)
    if not missing:
        return found
    if bulk.is_postgresql():
        made = [Package(name=name, version=version, arch=arch) for name, version, arch in missing]
        Package.objects.bulk_create(made, ignore_conflicts=True, batch_size=CHUNK)  # another node may be faster
        return found | _stored(missing)
    keys = bulk.take_keys(Package, len(missing))
    bulk.insert_rows(Package, ("id", *COLUMNS), [(key, *entry) for key, entry in zip(keys, missing, strict=True)])
    return found | dict(zip(missing, keys, strict=True))


def _stored(entries: Collection[Entry]) -> dict[Entry, int]:
    rows = bulk.select_rows(Package, "id", COLUMNS, sorted(entries))
    return {(name, version, arch): pk for pk, name, version, arch in rows}


def pack(ids: "array[int]") -> bytes:
    """Pack sorted keys: as distances, which are small, so that of four bytes nearly all but the first are nothing."""
    raw = array("I", [*ids[:1], *map(sub, ids[1:], ids)]).tobytes()
    return zlib.compress(b"".join(raw[place::4] for place in range(4)), LEVEL)


def unpack(packed: bytes) -> "array[int]":
    """Return sorted keys."""
    planes = zlib.decompress(packed)
    size = len(planes) // 4
    raw = bytearray(len(planes))
    for place in range(4):
        raw[place::4] = planes[place * size : (place + 1) * size]
    return array("I", accumulate(array("I", bytes(raw))))


def store(sets: dict[str, "array[int]"]) -> dict[str, int]:
    """Keep lists that are not known yet, by their digests; return their keys."""
    at = now()
    made = [
        PackageSet(digest=digest, packed=pack(ids), count=len(ids), first_seen_at=at) for digest, ids in sets.items()
    ]
    if bulk.is_postgresql():
        PackageSet.objects.bulk_create(made, ignore_conflicts=True)  # as above
        return known_sets(sets)
    for one, key in zip(made, bulk.take_keys(PackageSet, len(made)), strict=True):
        one.pk = key
    PackageSet.objects.bulk_create(made)
    return {one.digest: one.pk for one in made}


def known_sets(digests: Collection[str]) -> dict[str, int]:
    """Return the keys of the lists that were seen before, by digest."""
    return dict(bulk.select_by(PackageSet, ("digest", "id"), "digest", digests))


def contents(keys: Collection[int]) -> dict[int, "array[int]"]:
    """Return lists by their keys."""
    return {pk: unpack(bytes(packed)) for pk, packed in bulk.select_by(PackageSet, ("id", "packed"), "id", keys)}


def listed(key: int | None) -> list[Package]:
    """Return the packages of a list, by name."""
    ids = contents([key])[key] if key else ()
    found = [
        one for start in range(0, len(ids), CHUNK) for one in Package.objects.filter(pk__in=ids[start : start + CHUNK])
    ]
    return sorted(found, key=lambda package: (package.name, package.arch, package.version))


MOST_MOVES = 512
_moves: OrderedDict[tuple[int, int], tuple[MoveTold, ...]] = OrderedDict()


def differences(
    pairs: Collection[tuple[int, int]], at_hand: Mapping[int, "array[int]"]
) -> dict[tuple[int, int], tuple[MoveTold, ...]]:
    """Return what moved between lists, each named by its key. Hosts that are alike ask the same again.

    `at_hand` are lists that need not be read from the database.
    """
    found = {pair: _moves[pair] for pair in pairs if pair in _moves}
    wanted = [pair for pair in pairs if pair not in found]
    if wanted:
        fresh = _differences(wanted, at_hand)
        found |= fresh
        transaction.on_commit(partial(_remember_moves, fresh))
    return found


def _remember_moves(fresh: dict[tuple[int, int], tuple[MoveTold, ...]]) -> None:
    _moves.update(fresh)
    while len(_moves) > MOST_MOVES:
        _moves.popitem(last=False)


def _differences(
    pairs: Sequence[tuple[int, int]], at_hand: Mapping[int, "array[int]"]
) -> dict[tuple[int, int], tuple[MoveTold, ...]]:
    keys = {key for pair in pairs for key in pair}
    lists = {**contents([key for key in keys if key not in at_hand]), **at_hand}
    sets = {key: set(lists[key]) for key in keys}
    sides = {(old, new): (sets[old] - sets[new], sets[new] - sets[old]) for old, new in pairs}
    ids = sorted({key for gone, came in sides.values() for key in (*gone, *came)})
    named: dict[int, Entry] = {row[3]: row[:3] for row in bulk.select_by(Package, (*COLUMNS, "id"), "id", ids)}
    return {
        pair: paired([named[key] for key in sorted(gone)], [named[key] for key in sorted(came)])
        for pair, (gone, came) in sides.items()
    }


def paired(gone: Iterable[Entry], came: Iterable[Entry]) -> tuple[MoveTold, ...]:
    """Return moves by name: what went and what came of one package, in the order in which raglan met the versions."""
    sides: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for side, entries in enumerate((gone, came)):
        for name, version, arch in entries:
            sides.setdefault((name, arch), ([], []))[side].append(version)
    return tuple(
        MoveTold(name, old or "", new or "", arch)
        for name, arch in sorted(sides)
        for old, new in zip_longest(*sides[name, arch])
    )

"""Which of two versions is the newer one, by the rules of Debian and of rpm. Pure; agrees with `dpkg` and `rpm`."""

import re
from collections.abc import Callable
from enum import StrEnum
from itertools import zip_longest

_EPOCH = re.compile(r"^(\d+):(.*)$", re.DOTALL)
_DEB_PIECE = re.compile(r"(\D*)(\d*)")
_RPM_PIECE = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")
Compare = Callable[[str, str], int]


class Scheme(StrEnum):
    """Whose rule versions are compared by."""

    DEB = "deb"
    RPM = "rpm"


def compare(one: str, other: str, scheme: str) -> int:
    """Return -1, 0 or 1 as one version is older than the other, as old, or newer."""
    return compare_rpm(one, other) if scheme == Scheme.RPM else compare_deb(one, other)


def is_same(one: str, other: str, scheme: str) -> bool:
    """Tell whether two ways of writing mean one version: an epoch of 0 may be left out."""
    return one == other or compare(one, other, scheme) == 0


def compare_deb(one: str, other: str) -> int:
    """Compare by Debian's rule: epoch, then upstream version, then revision."""
    (epoch, upstream, revision), (epoch2, upstream2, revision2) = _deb_parts(one), _deb_parts(other)
    return _sign(epoch - epoch2) or _deb_text(upstream, upstream2) or _deb_text(revision, revision2)


def _deb_parts(version: str) -> tuple[int, str, str]:
    epoch, rest = _epoch(version)
    upstream, dash, revision = rest.rpartition("-")
    return epoch, upstream if dash else rest, revision if dash else ""


def _epoch(version: str) -> tuple[int, str]:
    found = _EPOCH.match(version)
    return (int(found[1][:9]), found[2]) if found else (0, version)


def _deb_text(one: str, other: str) -> int:
    """Compare text and numbers in turn: in text, `~` is before the end, and letters are before all other marks."""
    for (words, number), (words2, number2) in zip_longest(_deb_pieces(one), _deb_pieces(other), fillvalue=("", "")):
        if found := _deb_words(words, words2) or _numbers(number, number2):
            return found
    return 0


def _deb_pieces(text: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in _DEB_PIECE.finditer(text) if found[0]]


def _deb_words(one: str, other: str) -> int:
    for mark, mark2 in zip_longest(one, other, fillvalue=""):
        if found := _sign(_weight(mark) - _weight(mark2)):
            return found
    return 0


def _weight(mark: str) -> int:
    if mark == "~":
        return -1
    if not mark:
        return 0
    return ord(mark) if mark.isascii() and mark.isalpha() else ord(mark) + 0x110000


def _numbers(one: str, other: str) -> int:
    """Compare digits as numbers, however many there are."""
    one, other = one.lstrip("0"), other.lstrip("0")
    return _sign(len(one) - len(other)) or (one > other) - (one < other)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def compare_rpm(one: str, other: str) -> int:
    """Compare by rpm's rule: epoch, then version, then release. Without a release, any release is as good."""
    (epoch, version, release), (epoch2, version2, release2) = _rpm_parts(one), _rpm_parts(other)
    found = _sign(epoch - epoch2) or _rpm_text(version, version2)
    return found or (_rpm_text(release, release2) if release and release2 else 0)


def _rpm_parts(label: str) -> tuple[int, str, str]:
    epoch, rest = _epoch(label)
    version, _dash, release = rest.partition("-")
    return epoch, version, release


def _rpm_text(one: str, other: str) -> int:
    """Compare runs of digits and of letters in turn; other marks only separate, but `~` and `^` have a meaning."""
    for piece, piece2 in zip_longest(_RPM_PIECE.findall(one), _RPM_PIECE.findall(other), fillvalue=""):
        if piece != piece2 and (found := _rpm_pieces(piece, piece2)):
            return found
    return 0


def _rpm_pieces(one: str, other: str) -> int:
    """Compare two different pieces: `~` is before all, even the end; `^` is after the end and before all else."""
    if "~" in (one, other):
        return -1 if one == "~" else 1
    if "^" in (one, other):
        is_after = (other if one == "^" else one) == ""
        return 1 if is_after == (one == "^") else -1
    if not one or not other:
        return 1 if one else -1
    if one.isdigit() and other.isdigit():
        return _numbers(one, other)
    if one.isdigit() != other.isdigit():
        return 1 if one.isdigit() else -1
    return (one > other) - (one < other)

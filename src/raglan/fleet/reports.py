"""A host's report as it comes: read once, bounded, and with nothing in it that a database refuses.

The list of packages stays as it is, so that one that was seen before is known by its digest.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from raglan.core.decode import clean_text, decode_json
from raglan.core.errors import BadInput
from raglan.fleet.ports import HostTold, ServiceTold

MOST_PACKAGES = 20_000
MOST_MEMBERS = 4 * MOST_PACKAGES + 10_000
MOST_UNITS = 2_000
MOST_TAGS = 64
MOST_NAME = 253
MOST_WORD = 120
MOST_ID = 64
MOST_SEQ = 2**62
MOST_STATE = 40
DIGITS = 40  # 160 bits
OFFSET_S = 60  # less than that is not worth a word
MOST_OFFSET_S = 2_000_000_000
FIRST, LAST = datetime(1980, 1, 1, tzinfo=UTC).timestamp(), datetime(2200, 1, 1, tzinfo=UTC).timestamp()
_ODD = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_PLAIN = {"object": "an object", "array": "a list", "str": "a text", "int": "a number", "float": "a number"}
_PLAIN |= {"bool": "true or false", "null": "nothing (null)", "object | null": "an object"}
_HEX = re.compile(r"[0-9a-f]{64}")


class GateTold(msgspec.Struct, frozen=True):
    """What the gate of a host answered last, and from where it knew that."""

    holds: tuple[str, ...] = ()
    asked_at: float = 0
    answer: str = ""
    source: str = ""


class Report(msgspec.Struct, frozen=True):
    """What a host says of itself. Without packages it says by a hash that they are as some host had them before."""

    host: HostTold
    at: float
    v: int = 1
    boot: str = ""
    seq: int = 0
    sent: float = 0
    packages_hash: str = ""
    packages: msgspec.Raw = msgspec.Raw()
    units: msgspec.Raw = msgspec.Raw()
    started: msgspec.Raw = msgspec.Raw()
    crashed: tuple[str, ...] = ()
    gate: GateTold | None = None
    because: str = ""
    aside: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """A report with what is known of its way here: when it came, and when it was sent by the host's own clock.

    `packages` is the list as it came, empty when there was none; digests are of the bytes that came.
    """

    report: Report
    source: int
    received_at: datetime
    packages: bytes = b""
    packages_digest: str = ""
    units_digest: str = ""
    started_digest: str = ""
    sent: float = 0


KEY, END = b'"packages":[[', b"]]}"
_decode_entry = msgspec.json.Decoder(tuple[str, str, str]).decode
_decode = msgspec.json.Decoder(Report).decode
_decode_units = msgspec.json.Decoder(list[tuple[str, str]]).decode


def read(body: bytes, *, source: int, received_at: datetime, sent: float = 0) -> Received:
    """Read a report. Raises BadInput, which says what cannot be taken and where it stands."""
    report, packages = _read(body)
    _check(report, packages)
    units, started, sent = bytes(report.units), bytes(report.started), sent or report.sent
    return Received(
        report,
        source,
        received_at,
        packages,
        packages_digest=digest(packages) if packages else report.packages_hash[:DIGITS],
        units_digest=digest(units) if units else "",
        started_digest=digest(started) if started else "",
        sent=sent if FIRST < sent < LAST else 0,
    )


def digest(raw: bytes) -> str:
    """Return what stands for a list: the beginning of its SHA-256, which is enough to tell all lists apart."""
    return hashlib.sha256(raw).hexdigest()[:DIGITS]


def _read(body: bytes) -> tuple[Report, bytes]:
    """Return a report, and its list of packages as it came."""
    if b"\\" not in body or not _ODD.search(body):
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            head, packages = _cut(body)
            return _decode(head), packages
        try:
            return _whole(_decode(body))
        except msgspec.ValidationError as error:
            raise _not_a_report(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    value = decode_json(body, max_members=MOST_MEMBERS)  # replaces what no database takes, or says what is wrong
    try:
        return _whole(_decode(msgspec.json.encode(value)))
    except msgspec.ValidationError as error:
        raise _not_a_report(error) from None


def _cut(body: bytes) -> tuple[bytes, bytes]:
    """Return a report without its list of packages, and the list: nobody needs to read a list that is known.

    This is for one that stands at the end, without spaces, as raglan-host writes it: what ends there is a list of
    triples. Raises DecodeError for any other. What is wrong in the list is found when it is read.
    """
    begin = body.find(KEY)
    if begin < 0 or not body.endswith(END):
        raise msgspec.DecodeError
    _decode_entry(body[body.rfind(b"[") : -2])
    return body[:begin] + b'"packages":null}', body[begin + len(KEY) - 2 : -1]


def _whole(report: Report) -> tuple[Report, bytes]:
    packages = bytes(report.packages)
    return report, b"" if packages == b"null" else packages


def _not_a_report(error: msgspec.ValidationError) -> BadInput:
    sentence, _, place = str(error).partition(" - at ")
    return BadInput(place.strip("`").removeprefix("$").removeprefix("."), _plainly(sentence), status=422)


def _plainly(sentence: str) -> str:
    """Say in the words of JSON what the decoder says in those of Python."""
    for word, plain in _PLAIN.items():
        sentence = sentence.replace(f"`{word}`", plain)
    return sentence[:1].lower() + sentence[1:]


def _check(report: Report, packages: bytes) -> None:
    """Refuse what can not be kept. Nearly all is right, so that is looked at first, in one go."""
    host = report.host
    if (
        report.v == 1
        and 0 < len(host.name) <= MOST_NAME
        and not host.name.isspace()
        and len(host.machine) <= MOST_ID >= len(report.boot)
        and "/" not in host.machine
        and FIRST < report.at < LAST
        and 0 <= report.seq < MOST_SEQ
        and not report.packages_hash
    ):
        return
    _find_wrong(report, packages)


def _find_wrong(report: Report, packages: bytes) -> None:
    host, told = report.host, "" if packages else report.packages_hash
    rules = (
        ("v", report.v == 1, "this raglan reads version 1 of reports"),
        ("host.name", bool(host.name.strip()), "a host needs a name"),
        ("host.name", len(host.name) <= MOST_NAME, f"has more than {MOST_NAME} characters"),
        ("host.machine", len(host.machine) <= MOST_ID, f"has more than {MOST_ID} characters"),
        ("host.machine", "/" not in host.machine, "a machine id has no slash"),
        ("at", FIRST < report.at < LAST, "write seconds since 1970"),
        ("seq", 0 <= report.seq < MOST_SEQ, "write a number that grows with each report"),
        ("boot", len(report.boot) <= MOST_ID, f"has more than {MOST_ID} characters"),
        ("packages_hash", not told or bool(_HEX.fullmatch(told)), "write a SHA-256 in hexadecimal digits"),
    )
    for field, holds, sentence in rules:
        if not holds:
            raise BadInput(field, sentence, status=422)


def units_of(raw: bytes) -> list[ServiceTold]:
    """Read the services of a report, by name. Raises BadInput."""
    if not raw or raw == b"null":
        return []
    try:
        told = _decode_units(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("units", "write a list of pairs: a service and its state", status=422) from None
    if len(told) > MOST_UNITS:
        raise BadInput("units", f"has more than {MOST_UNITS} services", status=422)
    states = {unit_name(name): clean_text(state)[:MOST_STATE] for name, state in told}
    return [ServiceTold(name, states[name]) for name in sorted(states)]


def unit_name(name: str) -> str:
    """Return a service's name as all tools can agree on it: systemd alone writes `.service` behind it."""
    return clean_text(name)[:255].removesuffix(".service")


def named(host: HostTold) -> HostTold:
    """Return a host whose name and machine id have nothing around them."""
    name, machine = host.name.strip(), host.machine.strip()
    if name == host.name and machine == host.machine:
        return host
    return msgspec.structs.replace(host, name=name, machine=machine)


def clip(host: HostTold) -> HostTold:
    """Return a host with its words as long as they are kept."""
    return HostTold(
        host.name.strip(),
        host.machine.strip(),
        host.cluster.strip()[:MOST_WORD],
        host.role.strip()[:MOST_WORD],
        host.environment.strip()[:MOST_WORD],
        host.system.strip()[:MOST_WORD],
        _short(host.tags) if host.tags else (),
        _short(host.services) if host.services else (),
        host.installed,
        host.knows_tags,
    )


def _short(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip()[:MOST_WORD] for word in words if word.strip()))[:MOST_TAGS]


def offset_s(received: Received) -> int:
    """Return by how many seconds a host's clock is ahead, 0 when that is little or cannot be told.

    A report that does not say when it was sent may have waited on the host; only one of the future tells of a clock.
    """
    arrived, report = received.received_at.timestamp(), received.report
    ahead = (received.sent or max(report.at, arrived)) - arrived
    return round(max(-MOST_OFFSET_S, min(ahead, MOST_OFFSET_S))) if abs(ahead) >= OFFSET_S else 0


def happened_at(received: Received, offset: int) -> datetime:
    """Return when a report was made, by raglan's clock, and never later than it came."""
    moment = min(received.report.at - offset, received.received_at.timestamp())
    return datetime.fromtimestamp(max(moment, FIRST), UTC)


def moment(at: float, offset: int) -> datetime | None:
    """Return a time that a host told, by raglan's clock; None when it is none."""
    return datetime.fromtimestamp(at, UTC) - timedelta(seconds=offset) if FIRST < at < LAST else None

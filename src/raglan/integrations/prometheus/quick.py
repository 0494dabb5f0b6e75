"""The quick way through a push of Prometheus: its messages are split and bounded, and decoded only when they are news.

What is not plain (a wrong type, an unknown field, a text that must be cleaned, a limit that is passed) is left to the
thorough way, which names what is wrong. So this way never refuses anything.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated

import msgspec

from raglan.alerts.ports import MAX_LABELS, MAX_NAME, MAX_SIGNALS, MAX_VALUE, Decoded, RawSignal
from raglan.core.clock import now
from raglan.core.decode import MAX_MEMBERS, YEARS

# Begins with what it looks for, so that the search jumps from one to the next: it goes over every body.
ODD_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89abcdefABCDEF])")
UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
NOT_SET = datetime(1, 1, 1, tzinfo=UTC)


class Item(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One alert of a push; its labels and annotations as the bytes that came."""

    labels: msgspec.Raw
    annotations: msgspec.Raw = msgspec.Raw(b"{}")
    startsAt: datetime | None = None  # noqa: N815 -- as Prometheus has it
    endsAt: datetime | None = None  # noqa: N815
    generatorURL: str = ""  # noqa: N815


_items = msgspec.json.Decoder(list[Item]).decode
# In which nothing needs to be cut and nothing is empty; the decoder looks as it goes.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_VALUE)]
_words = msgspec.json.Decoder(Annotated[dict[Name, Text], msgspec.Meta(max_length=MAX_LABELS)]).decode


class Push:
    """A body that was split. `marks` and `expiries` are in the order of its messages."""

    def __init__(self, items: Sequence[Item], marks: Sequence[bytes], expiries: Sequence[datetime]) -> None:
        self._items = items
        self.marks = marks
        self.expiries = expiries

    def decode(self, places: Sequence[int]) -> Decoded | None:
        """Return the messages at these places, or None when the thorough way must read the body."""
        signals = []
        try:
            for place in places:
                signal = _signal(self._items[place], self.expiries[place])
                if signal is None:
                    return None
                signals.append(signal)
        except UNREADABLE:
            return None
        return Decoded(signals, marks=[self.marks[place] for place in places])


def split(body: bytes, *, resolve_timeout: timedelta) -> Push | None:
    """Return the messages of a body in which every alert fires, or None for the thorough way."""
    try:
        if b"\x00" in body or ODD_ESCAPE.search(body):
            return None
        if not body.isascii():
            body.decode()
        items = _items(body)
    except UNREADABLE:
        return None
    if not 0 < len(items) <= MAX_SIGNALS or body.count(b":") > MAX_MEMBERS:  # each member has one, texts have more
        return None
    at = now()
    expiries = _expiries(items, at, resolve_timeout)
    if expiries is None:
        return None
    marks = [blake2b(b"%b\x00%b" % (item.labels, item.annotations), digest_size=16).digest() for item in items]
    return Push(items, marks, expiries)


def _expiries(items: Sequence[Item], at: datetime, resolve_timeout: timedelta) -> list[datetime] | None:
    """Return until when each fires; None when one does not, or its time must be looked at thoroughly."""
    expiries: list[datetime] = []
    before: datetime | None = None
    expiry: datetime | None = None
    for item in items:
        if expiry is None or item.endsAt != before:  # those of one push mostly have the same
            before, expiry = item.endsAt, _expiry(item, at, resolve_timeout)
            if expiry is None or expiry <= at:
                return None
        expiries.append(expiry)
    return expiries


def _expiry(item: Item, at: datetime, resolve_timeout: timedelta) -> datetime | None:
    """Return until when an alert fires unless it is repeated; None when its time must be looked at thoroughly."""
    ends_at = item.endsAt
    if ends_at is None or ends_at == NOT_SET:
        return at + resolve_timeout
    return _plain(ends_at)


def _plain(moment: datetime) -> datetime | None:
    return moment.astimezone(UTC) if moment.tzinfo is not None and moment.year in YEARS else None


def _signal(item: Item, expires_at: datetime) -> RawSignal | None:
    labels, annotations = _words(item.labels), _words(item.annotations)
    starts_at = None if item.startsAt is None or item.startsAt == NOT_SET else _plain(item.startsAt)
    if not labels or (starts_at is None and item.startsAt is not None and item.startsAt != NOT_SET):
        return None
    return RawSignal(
        status="firing",
        labels=labels,
        annotations=annotations,
        title=annotations.get("summary")
        or annotations.get("title")
        or labels.get("alertname")
        or "An alert without a name",
        severity=labels.get("severity", "unknown"),
        link=item.generatorURL,
        starts_at=starts_at,
        expires_at=expires_at,
        raw=item,
    )

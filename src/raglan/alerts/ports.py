"""What integrations implement to bring signals in, and the doors through which they come."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from raglan.core.errors import BadInput

Status = Literal["firing", "resolved", "acknowledged", "updated"]
MAX_SIGNALS = 1_000
MAX_LABELS = 64
MAX_NAME = 128
MAX_VALUE = 4_096


class RawSignal(msgspec.Struct, frozen=True):
    """One message about one condition, decoded but not yet judged. A struct, because a storm makes so many.

    What is `updated` counts for an alert that is open, and opens none.
    """

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    title: str
    severity: str = "unknown"
    dedup_key: str = ""
    link: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    raw: object = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One message of a batch that could not be understood, which one, and why."""

    index: int
    field: str
    sentence: str
    raw: object = None


class Decoded(msgspec.Struct, frozen=True):
    """A whole request: what was understood and what was not. `extra` is for the door that answers.

    `marks`, one for each signal where the door can tell, stand for all in a message that a repeat may not change.
    """

    signals: Sequence[RawSignal]
    problems: Sequence[Problem] = ()
    extra: dict[str, str] = {}
    marks: Sequence[bytes] = ()


class IntakeRequest(msgspec.Struct, frozen=True):
    """An HTTP request as doors see it.

    Header names are in lower case; `token` is what the edge found in the path or header. `quoted` is the path as it
    came, in which a slash of a name is still told from one between names; empty where `path` is all there is.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    remote: str
    token: str = ""
    quoted: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door answers. A dict or list body is sent as JSON."""

    status: int
    body: dict[str, object] | list[object] | str | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A source that a token was found to belong to."""

    id: int
    slug: str
    kind: str
    mapping: Mapping[str, object] = field(default_factory=dict)
    secret: str = ""


class Batch(msgspec.Struct, frozen=True):
    """Signals of one request, for the journal."""

    source: SourceKey
    decoded: Decoded
    received_at: datetime

    @property
    def size(self) -> int:
        """How much of the journal's queue it fills."""
        return max(1, len(self.decoded.signals) + len(self.decoded.problems))


class Standing(msgspec.Struct, frozen=True, gc=False):
    """An alert that is open after the commit, and until when it fires unless it is repeated."""

    alert: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Beat:
    """That an open alert was repeated, how often, when last, and until when it now fires."""

    alert: int
    count: int
    seen_at: datetime
    expires_at: datetime


class Outcome(msgspec.Struct, frozen=True):
    """What became of a batch, after the commit; of each signal with a mark, the alert that it is about."""

    new: int = 0
    repeated: int = 0
    resolved: int = 0
    parked: int = 0
    standing: Sequence[Standing | None] = ()


class Door(Protocol):
    """One wire format: which requests are its own, how to read them, how to answer."""

    kinds: Sequence[str]

    def takes(self, method: str, path: str) -> bool:
        """Tell whether a request (path without a token prefix) comes through this door."""

    def token(self, request: IntakeRequest) -> str:
        """Return the token that the body or the door's own header carries; empty when there is none."""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Read the body. Raises BadInput when nothing in it can be understood."""

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """Answer after the commit."""

    def refuse(self, error: BadInput) -> Answer:
        """Answer a body that could not be understood, in the manner of the format."""


@runtime_checkable
class Replies(Protocol):
    """A door that answers some requests by itself, such as reads of a format's own API; asked before it decodes."""

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer | None:
        """Answer the request, or return None to have it decoded. Runs on a thread and may use actions and queries."""


@runtime_checkable
class Sampled(Protocol):
    """A door that can make a message of its format, for *send a test*."""

    def sample(self, source: SourceKey) -> IntakeRequest:
        """Return a message that lets a harmless alert fire."""


@runtime_checkable
class Mapped(Protocol):
    """A door that reads by the mapping of the source."""

    def check_mapping(self, mapping: Mapping[str, object]) -> None:
        """Raise BadInput where a mapping says what this door would not go by."""


class Glimpsed(Protocol):
    """A body whose messages all fire, split but not decoded; all sequences are in the order of its messages."""

    @property
    def marks(self) -> Sequence[bytes]:
        """What stands for all in a message that a repeat may not change."""

    @property
    def expiries(self) -> Sequence[datetime]:
        """Until when each fires unless it is repeated."""

    def decode(self, places: Sequence[int]) -> Decoded | None:
        """Decode the messages at these places; None when `Door.decode` must read the whole body."""


@runtime_checkable
class Glimpses(Protocol):
    """A door that can tell repeats without decoding them."""

    def glimpse(self, body: bytes) -> Glimpsed | None:
        """Split a body; None when `Door.decode` must read it. Quick, and raises nothing."""


_doors: list[Door] = []


def register_door(door: Door) -> None:
    """Open a door."""
    _doors.append(door)


def door_for(method: str, path: str) -> Door | None:
    """Return the door that takes a request; the path is without a token prefix."""
    return next((door for door in _doors if door.takes(method, path)), None)


def door_of_kind(kind: str) -> Door | None:
    """Return the first door through which sources of a kind send."""
    return next((door for door in _doors if kind in door.kinds), None)


class Desk(Protocol):
    """Answers what programs ask in the manner of one wire format: what fires, what is silenced. It may set silences."""

    kinds: Sequence[str]

    def takes(self, method: str, path: str) -> bool:
        """Tell whether a request (path without a token prefix) is asked here."""

    def is_open(self, path: str) -> bool:
        """Tell whether anybody may ask this, without a token."""

    def answer(self, source: SourceKey | None, request: IntakeRequest) -> Answer:
        """Answer, refusals included; may read and write the database. `source` is None for what is open."""


_desks: list[Desk] = []


def register_desk(desk: Desk) -> None:
    """Open a desk."""
    _desks.append(desk)


def desk_for(method: str, path: str) -> Desk | None:
    """Return the desk where a request is answered; the path is without a token prefix."""
    return next((desk for desk in _desks if desk.takes(method, path)), None)


Authenticator = Callable[[str], SourceKey]


def shorten(labels: Mapping[str, str]) -> dict[str, str]:
    """Keep labels within the limits, visibly: what is cut says so and carries a hash, so that two of them stay two."""
    named = [(name, value) for name, value in labels.items() if name]
    kept = {_cut(name, MAX_NAME): _cut(value, MAX_VALUE) for name, value in named[:MAX_LABELS]}
    if left_out := named[MAX_LABELS:]:
        kept["raglan_labels_left_out"] = f"{len(left_out)}, {_hash(str(sorted(left_out)))}"
    return kept


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    mark = f"… (shortened, {_hash(text)})"
    return text[: most - len(mark)] + mark


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]

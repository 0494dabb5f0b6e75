"""Kinds of events that changes append."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class ChangeRecorded(EventPayload):
    """Something deliberate altered production."""

    kind = "change.recorded"
    change: int
    key: str
    title: str
    origin: str
    told_by: str
    at: datetime
    received_at: datetime
    links: list[dict[str, str]]
    details: dict[str, str]


class ChangeProposed(EventPayload):
    """Somebody said what they are about to change and what they expect, or raglan saw a change that nobody announced.

    `expectation` is empty where nobody said any; `packages` are pairs of a name and a version.
    """

    kind = "change.proposed"
    change: int
    key: str
    title: str
    origin: str
    told_by: str
    at: datetime
    received_at: datetime
    links: list[dict[str, str]]
    state: str
    author: int | None
    is_found: bool
    note: str
    started_at: datetime | None
    packages: list[tuple[str, str]]
    expectation: dict[str, str | list[str]]


class ChangeTurned(EventPayload):
    """A change began, is done, was stopped, goes on, or was taken back."""

    kind = "change.turned"
    change: int
    state: str
    words: str
    at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class ChangeTakenOn(EventPayload):
    """Somebody said that a change which nobody had announced is theirs."""

    kind = "change.taken_on"
    change: int
    author: int


class PsaNoteWritten(EventPayload):
    """Somebody wrote down what they ran into."""

    kind = "change.psa_written"
    note: int
    title: str
    did: str
    happened: str
    expected: str
    spot: str
    packages: list[str]
    change: int | None
    author: int | None
    at: datetime

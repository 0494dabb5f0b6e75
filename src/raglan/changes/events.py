"""Kinds of events that changes append."""

from datetime import date, datetime, time

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

    `expectation` is empty where nobody said any; `packages` are pairs of a name and a version; `groups` are in order.
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
    groups: list[dict[str, str | int | bool]] = []


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
    key: str = ""
    title: str
    did: str
    happened: str
    expected: str
    spot: str
    packages: list[str]
    audience: str = ""
    change: int | None
    author: int | None
    at: datetime


class HoldRaised(EventPayload):
    """Automation is stopped from a time to a time; a drill does so to practise, a freeze because it was planned."""

    kind = "hold.raised"
    hold: int
    name: str
    reason: str
    clusters: list[str]
    roles: list[str]
    environments: list[str]
    tags: list[str] = []
    packages: list[str]
    changes: list[str]
    starts_at: datetime
    ends_at: datetime
    is_drill: bool
    link: str
    freeze: int | None
    who: str
    person: int | None
    created_at: datetime


class HoldExtended(EventPayload):
    """A hold ends at another time than it would have."""

    kind = "hold.extended"
    hold: int
    ends_at: datetime
    who: str
    version: int


class HoldLifted(EventPayload):
    """A person ended a hold, with a word."""

    kind = "hold.lifted"
    hold: int
    ended_at: datetime
    lifted_by: str
    lift_word: str
    version: int


class HoldEnded(EventPayload):
    """A hold ended by itself."""

    kind = "hold.ended"
    hold: int
    ended_at: datetime
    version: int


class HoldExceptionMade(EventPayload):
    """A host, or the hosts of a role or a tag, may go on although a hold is for them."""

    kind = "hold.let_through"
    exception: int
    hold: int
    of: str
    name: str
    reason: str
    ends_at: datetime
    who: str
    created_at: datetime


class HoldExceptionEnded(EventPayload):
    """An exception was taken back."""

    kind = "hold.exception_ended"
    exception: int
    hold: int
    ends_at: datetime


class HoldDrilled(EventPayload):
    """A drill is over: so many hosts obeyed it, so many went on."""

    kind = "hold.drilled"
    hold: int
    began_at: datetime
    ended_at: datetime
    obeyed: int
    went_on: int


class FreezePlanned(EventPayload):
    """A time without changes is planned: once, or on some days of each week."""

    kind = "freeze.planned"
    freeze: int
    name: str
    reason: str
    clusters: list[str]
    roles: list[str]
    environments: list[str]
    tags: list[str] = []
    packages: list[str]
    changes: list[str]
    zone: str
    first: date
    start: time
    minutes: int
    days: list[int]
    last: date | None
    who: str
    person: int | None
    created_at: datetime


class FreezeEnded(EventPayload):
    """A planned freeze will not come again."""

    kind = "freeze.ended"
    freeze: int
    ended_at: datetime

"""Kinds of events that processes append. A skip note has none: see `skipping`."""

from datetime import date, datetime

from raglan.core.timeline import EventPayload


class ProcessWritten(EventPayload):
    """A process has a new version; the whole of it is kept here. A step without a place has left the process."""

    kind = "process.written"
    process: int
    slug: str
    title: str
    outcome: str
    team: int | None
    version: int
    steps: list[dict[str, int | str | None]]
    gone: list[int]
    person: int | None
    written_at: datetime


class ProcessRemoved(EventPayload):
    """A process is not in use any more; it can be brought back."""

    kind = "process.removed"
    removed_at: datetime


class ProcessBroughtBack(EventPayload):
    """A removed process is in use again."""

    kind = "process.brought_back"


class ProcessRethought(EventPayload):
    """People asked again what a process is for; its tally begins anew."""

    kind = "process.rethought"
    process: int
    words: str
    rethought_on: date


class TallyGrew(EventPayload):
    """Five or more unsigned notes on a step came together and are shown. Nobody is named, nor is there an actor."""

    kind = "process.tally_grew"
    step: int
    notes: int


class ExperimentBegun(EventPayload):
    """Another way of a process is tried for some weeks."""

    kind = "experiment.begun"
    experiment: int
    process: int
    variant: str
    weeks: int
    began_on: date
    due_on: date
    person: int | None


class ExperimentEnded(EventPayload):
    """Another way was kept, is to be changed, or was dropped, with what was seen and why."""

    kind = "experiment.ended"
    experiment: int
    state: str
    used: str
    caught: str
    reason: str
    ended_on: date
    person: int | None


class ClaimMade(EventPayload):
    """Somebody is at a place that people share to test, or waits for it."""

    kind = "claim.made"
    claim: int
    place: str
    what: str
    person: int
    minutes: int
    state: str
    asked_at: datetime
    began_at: datetime | None
    expires_at: datetime


class ClaimBegun(EventPayload):
    """Somebody who waited for a place is there now."""

    kind = "claim.begun"
    claim: int
    began_at: datetime
    expires_at: datetime


class ClaimExtended(EventPayload):
    """Somebody stays longer at a place."""

    kind = "claim.extended"
    claim: int
    minutes: int
    expires_at: datetime


class ClaimEnded(EventPayload):
    """Somebody left a place, or waits for it no more, or the time ran out."""

    kind = "claim.ended"
    claim: int
    ended_at: datetime
    end: str

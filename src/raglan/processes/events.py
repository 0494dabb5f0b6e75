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

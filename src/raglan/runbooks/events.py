"""Kinds of events that runbooks append."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class RunbookWritten(EventPayload):
    """A runbook has a new version; the whole of it is kept here, so that earlier ones stay readable."""

    kind = "runbook.written"
    runbook: int
    slug: str
    title: str
    text: str
    team: int | None
    services: list[str]
    needs: list[str]
    needs_words: str
    alerts: list[dict[str, str]]
    version: int
    source: int | None
    path: str
    imported_version: int
    person: int | None
    came_from: str
    written_at: datetime


class RunbookRemoved(EventPayload):
    """A runbook is not in the library any more; it can be brought back."""

    kind = "runbook.removed"
    removed_at: datetime


class RunbookBroughtBack(EventPayload):
    """A removed runbook is in the library again."""

    kind = "runbook.brought_back"


class RunbookLetGo(EventPayload):
    """A runbook that came from a git folder is looked after here from now on."""

    kind = "runbook.let_go"


class RunbookFollowed(EventPayload):
    """People began to follow a runbook in a room."""

    kind = "runbook.follow_started"
    following: int
    incident: int
    runbook: int
    version: int
    title: str
    step_count: int
    person: int
    started_at: datetime


class StepTold(EventPayload):
    """Somebody told the room what came of a step."""

    kind = "runbook.step_told"
    following: int
    number: int
    result: str
    words: str
    person: int
    told_at: datetime
    key: str
    entry: int


class FollowingHandedOver(EventPayload):
    """Another person goes on with a runbook."""

    kind = "runbook.follow_handed_over"
    following: int
    person: int


class FollowingEnded(EventPayload):
    """A runbook was followed to its end, or people stopped to follow it. The runbook keeps when and by whom."""

    kind = "runbook.follow_ended"
    following: int
    runbook: int
    state: str
    words: str
    person: int | None
    ended_at: datetime


class RunbookSourceSet(EventPayload):
    """A git folder is copied from now on, or is read in another way."""

    kind = "runbook.source_set"
    source: int
    name: str
    address: str
    branch: str
    folder: str
    web_url: str
    has_token: bool
    created_at: datetime


class RunbookSourceEnded(EventPayload):
    """A git folder is not read any more; what was copied stays and can be changed here."""

    kind = "runbook.source_ended"
    source: int
    ended_at: datetime


class RunbookSourceRead(EventPayload):
    """A git folder was read, and it had news or a problem came or went."""

    kind = "runbook.source_read"
    source: int
    commit: str
    problem: str
    read_at: datetime


class RunbookSourceNotRead(EventPayload):
    """A git folder could not be read; the last good copy stays."""

    kind = "runbook.source_not_read"
    source: int
    problem: str
    failing_since: datetime
    tried_at: datetime

"""Kinds of events that incidents append."""

from raglan.core.timeline import EventPayload


class IncidentDeclared(EventPayload):
    """People began to coordinate."""

    kind = "incident.declared"
    title: str
    severity: str


class EntryPosted(EventPayload):
    """Something was said in the room."""

    kind = "entry.posted"
    entry: int
    entry_kind: str


class OutcomeTold(EventPayload):
    """What happened after an intention, or what was learnt from an ask, hangs under it."""

    kind = "entry.outcome"
    entry: int


class AskTaken(EventPayload):
    """Somebody can help."""

    kind = "ask.taken"
    entry: int
    person: int


class AskClosed(EventPayload):
    """An ask, a verification or an intention waits no more."""

    kind = "ask.closed"
    entry: int


class VerificationAnswered(EventPayload):
    """One more answer to a verification."""

    kind = "verification.answered"
    entry: int
    person: int
    side: str


class StandingWritten(EventPayload):
    """Where it stands was written anew; the whole text is kept here, so that earlier ones stay readable."""

    kind = "incident.standing"
    summary: str
    know: list[str]
    trying: list[str]
    unknown: list[str]
    service_state: str


class ResponderHere(EventPayload):
    """A person joined the room, or says what they are on."""

    kind = "incident.here"
    person: int
    doing: str


class ResponderLeft(EventPayload):
    """A person left the room."""

    kind = "incident.left"
    person: int


class LeadTaken(EventPayload):
    """A person leads."""

    kind = "incident.lead"
    person: int


class GroupsJoined(EventPayload):
    """Alert groups now belong to the incident."""

    kind = "incident.alerts_joined"
    groups: list[int]


class HeadsUpGiven(EventPayload):
    """A heads-up: I think I broke something, before the pager says so."""

    kind = "headsup.given"
    heads_up: int
    person: int


class IncidentStoodDown(EventPayload):
    """People stopped to coordinate."""

    kind = "incident.stood_down"
    words: str


class IncidentReopened(EventPayload):
    """Coordination goes on."""

    kind = "incident.reopened"
    why: str

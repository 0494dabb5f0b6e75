"""Kinds of events that the outside appends."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class DeskHeld(EventPayload):
    """A person speaks to those outside from now on; nobody, when `person` is missing."""

    kind = "desk.held"
    incident: int
    person: int | None
    note: str
    held_since: datetime | None


class WordPromised(EventPayload):
    """The next word to those outside is promised for a time, or for none."""

    kind = "desk.promised"
    incident: int
    next_word_at: datetime | None


class WordLate(EventPayload):
    """The time of a promised word passed without it; whoever holds the desk was reminded."""

    kind = "desk.late"
    incident: int
    person: int | None
    reminded_at: datetime


class UpdateSaid(EventPayload):
    """Those who wait were told something; the whole text is kept here."""

    kind = "status_update.said"
    update: int
    incident: int
    number: int
    key: str
    stage: str
    text: str
    person: int
    said_at: datetime
    next_word_at: datetime | None


class QuestionAsked(EventPayload):
    """Somebody outside the room wants to know something."""

    kind = "question.asked"
    question: int
    incident: int
    key: str
    text: str
    person: int
    asked_at: datetime


class QuestionPutOff(EventPayload):
    """A question is answered in the next update."""

    kind = "question.put_off"
    question: int
    person: int


class QuestionAnswered(EventPayload):
    """A question is answered, by words of its own or by an update."""

    kind = "question.answered"
    question: int
    answer: str
    person: int
    answered_at: datetime
    update: int | None

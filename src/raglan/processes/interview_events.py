"""Kinds of events about interviews. None carries a quote or who said it: what was taken back must be gone."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class InterviewsBegun(EventPayload):
    """Somebody wants to understand how a process is really done."""

    kind = "interview.begun"
    round: int
    process: int
    question: str
    planned: int
    person: int
    begun_at: datetime


class InterviewHeld(EventPayload):
    """One more talk was held. With whom is not kept."""

    kind = "interview.held"
    round: int
    held: int


class InterviewThemeWritten(EventPayload):
    """Something came up in several talks."""

    kind = "interview.theme_written"
    theme: int
    round: int
    title: str
    words: str
    written_at: datetime


class QuoteTurned(EventPayload):
    """A quote waits for its speaker, may be shown, or was taken back; by whom is not said."""

    kind = "interview.quote_turned"
    quote: int
    theme: int
    state: str

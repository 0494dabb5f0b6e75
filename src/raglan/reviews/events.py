"""Kinds of events that reviews append."""

from raglan.core.timeline import EventPayload


class ReviewDrafted(EventPayload):
    """A draft was made from a timeline."""

    kind = "review.drafted"
    incident: int
    moments: int


class ReviewWritten(EventPayload):
    """Somebody wrote in a review."""

    kind = "review.written"
    what: str


class ReplyWritten(EventPayload):
    """Somebody answered one of the questions."""

    kind = "review.reply"
    question: str
    person: int

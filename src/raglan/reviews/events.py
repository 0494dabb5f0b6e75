"""Kinds of events that reviews append."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class ReviewDrafted(EventPayload):
    """A draft was made from a timeline."""

    kind = "review.drafted"
    review: int
    incident: int
    title: str
    summary: str
    drafted_at: datetime
    entries: list[int]


class ReviewWritten(EventPayload):
    """Somebody wrote the text of a review anew; the whole text is kept here, so that earlier ones stay readable."""

    kind = "review.written"
    title: str
    summary: str
    surprised: str
    went_right: str
    version: int
    written_at: datetime


class MomentKept(EventPayload):
    """A moment was taken into the story, or left out of it."""

    kind = "review.moment"
    entry: int
    in_story: bool


class MomentsTakenOut(EventPayload):
    """Entries were taken out of the timeline, and with them their moments in a draft."""

    kind = "review.moments_taken_out"
    entries: list[int]


class ReviewShared(EventPayload):
    """A draft was opened for everyone to read."""

    kind = "review.shared"
    shared_at: datetime


class ReplyWritten(EventPayload):
    """Somebody answered one of the questions; an empty text takes the answer back."""

    kind = "review.reply"
    question: str
    person: int
    text: str
    replied_at: datetime

"""Facts that the console records."""

from typing import ClassVar

from raglan.core.timeline import EventPayload


class TimerTriedAgain(EventPayload):
    """Somebody let work that was set aside be tried again."""

    kind: ClassVar[str] = "timer.tried_again"
    timer: int
    work: str
    subject: str


class PagingAllowed(EventPayload):
    """Somebody let a restored copy page again."""

    kind: ClassVar[str] = "raglan.paging_allowed"


class TestAlertSent(EventPayload):
    """Somebody sent a test alert in the name of a source."""

    kind: ClassVar[str] = "source.tested"
    slug: str

"""Names that all verbs of paging share: timers, states, and what a page says and is about."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Max

from raglan.core import timeline
from raglan.paging.models import Page

ESCALATE = "paging.escalate"
DELIVER = "paging.deliver"
CALL = "paging.call"
TELL, GIVE_UP = "paging.tell_chat", "paging.give_up_chat"
BACK = "paging.back"
GAP = "gap"
OPEN = (Page.State.TRIGGERED, Page.State.UNANSWERED)


class Via(StrEnum):
    """By which way an answer came."""

    LINK = "link"
    SCREEN = "screen"
    REST = "rest"
    SOURCE = "source"
    PUSH = "push"
    REPLY = "reply"
    KEYPAD = "keypad"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a page is sent, in words that need no knowledge of higher contexts."""

    type: str = "hand"
    id: int | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says."""

    title: str
    text: str = ""
    severity: str = "unknown"


def about(page: Page) -> list[timeline.Subject]:
    """Return what events of a page are about."""
    return [*why_and_page(page), "now"]


def why_and_page(page: Page) -> list[timeline.Subject]:
    """Return a page and what it is for."""
    return [page, *([f"{page.reason_type}:{page.reason_id}"] if page.reason_id else [])]


def newest_round(page: Page) -> int:
    """Return the latest round in which a page reached out."""
    return page.reached.aggregate(latest=Max("round"))["latest"] or 0

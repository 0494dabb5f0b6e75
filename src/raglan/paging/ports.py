"""What integrations implement to reach people, and what higher contexts may add to the page's screen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from raglan.core.errors import DeliveryError
from raglan.paging.models import Page


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel hands over. `key` is the same for each try of the same notification."""

    key: str
    page_id: int
    person_name: str
    title: str
    text: str
    severity: str
    since: datetime
    why: str
    link: str
    next_words: str
    may_repeat: bool
    is_test: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider's word: its id for the message, and whether it says that the message was received."""

    provider_id: str = ""
    received: bool = False


class Channel(Protocol):
    """A means to reach a person. Raises DeliveryError; `permanent` says whether trying again can help."""

    kind: str

    def check(self, address: str) -> None:
        """Raise BadInput when the address can not be one of this channel."""

    def send(self, address: str, message: Message) -> Receipt:
        """Hand the message over within the send deadline."""


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that is known already about what a page is for. `words` is bold, `text` follows it."""

    words: str
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What higher contexts know about a page: facts, who has it already, and the room, where there is one."""

    known: tuple[Known, ...] = ()
    has_it: str = ""
    room_link: str = ""


_channels: dict[str, Channel] = {}
_around: list[Callable[[Page], Around]] = []


def register_channel(channel: Channel) -> None:
    """Make a channel known by its kind."""
    _channels[channel.kind] = channel


def channel(kind: str) -> Channel:
    """Return a channel. Raises DeliveryError when no integration offers it."""
    if kind not in _channels:
        raise DeliveryError(f"no integration offers the channel {kind}", permanent=True)
    return _channels[kind]


def register_around(provider: Callable[[Page], Around]) -> None:
    """Let a higher context add what it knows to the page's screen and messages."""
    _around.append(provider)


def around(page: Page) -> Around:
    """Return all that is known around a page."""
    parts = [provider(page) for provider in _around]
    return Around(
        known=tuple(item for part in parts for item in part.known),
        has_it=next((part.has_it for part in parts if part.has_it), ""),
        room_link=next((part.room_link for part in parts if part.room_link), ""),
    )

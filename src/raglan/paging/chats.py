"""Chats as paging knows them: a connection is a number, a room there is a name. Chat registers what it can do.

A room in chat is an addition to the people of a policy and never the only way: nobody is reached by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from raglan.core.errors import BadInput, DeliveryError
from raglan.paging.models import ChatCall, StepTarget

MOST_NAME = 120
GONE = "it is not connected any more"


@dataclass(frozen=True, slots=True)
class Chat:
    """A connection to a chat platform."""

    number: int
    name: str
    platform: str


class Chats(Protocol):
    """What chat does for paging. Nothing here asks a platform."""

    def connected(self) -> Sequence[Chat]:
        """Return what is connected, oldest first."""

    def why_not(self, number: int, room: str) -> str:
        """Say what keeps lines from a room of what is connected until somebody does something; empty for nothing."""

    def away(self, number: int) -> str:
        """Say that a chat does not answer at present, and why; empty while it does."""

    def tell(self, call: ChatCall) -> None:
        """Write down, in this transaction, that a room is to be told. Safe to call twice."""

    def try_again(self, number: int, room: str) -> None:
        """Try once more to enter a room that could not be entered, beside everything else."""


_registered: list[Chats] = []


def register(chats: Chats) -> None:
    """Let a higher context bring its chats."""
    _registered.append(chats)


def forget(chats: Chats) -> None:
    """Let them go again."""
    _registered.remove(chats)


def connected() -> list[Chat]:
    """Return what is connected."""
    return [chat for chats in _registered for chat in chats.connected()]


def name_of(number: int) -> str:
    """Return what a chat is called; empty for one that is not connected any more."""
    return next((chat.name for chat in connected() if chat.number == number), "")


def rooms_of(number: int) -> set[str]:
    """Return which rooms of a chat policies tell."""
    return set(StepTarget.objects.filter(chat=number).values_list("room", flat=True))


def check(number: int, room: str, field: str) -> None:
    """Refuse a chat that is not connected, and what can be no name of a room. Raises BadInput."""
    if not name_of(number):
        raise BadInput(f"{field}.id", "there is no such chat", status=422)
    if not room.strip() or len(room) > MOST_NAME or not room.isprintable():
        words = f"name the room as it is called there, in at most {MOST_NAME} letters"
        raise BadInput(f"{field}.room", words, status=422)


def why_not(number: int, room: str) -> str:
    """Say what keeps lines from a room; empty where nothing is known to."""
    if not name_of(number):
        return GONE
    return next((why for chats in _registered if (why := chats.why_not(number, room))), "")


def away(number: int) -> str:
    """Say that a chat does not answer at present; empty while it does."""
    return next((why for chats in _registered if (why := chats.away(number))), "")


def tell(call: ChatCall) -> None:
    """Write down that a room is to be told. Raises DeliveryError when its chat is not connected any more."""
    if not name_of(call.chat):
        raise DeliveryError(f"the chat can not be told: {GONE}", permanent=True)
    for chats in _registered:
        chats.tell(call)


def try_again(number: int, room: str) -> None:
    """Try once more to enter a room."""
    if name_of(number):
        for chats in _registered:
            chats.try_again(number, room)

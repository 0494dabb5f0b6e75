"""A chat platform that remembers: what was posted, in which order, and what it was told to refuse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import ClassVar

from raglan.chat import actions, hearing, ports, sending
from raglan.chat.models import Room, Workspace
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.people.models import Person
from raglan.testing import world

_numbers = count(1)


@dataclass
class There:
    """What stands on the platform."""

    rooms: dict[str, list[str]] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)
    invited: list[tuple[str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    is_away: bool = False
    takes: int = 1_000_000
    refused: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)  # rooms that fail for now
    asked: int = 0

    def ask(self) -> None:
        """Answer, or not."""
        self.asked += 1
        if self.is_away or self.takes <= 0:
            raise DeliveryError("nobody answers", permanent=False)


class MemoryLine:
    """A line to what is remembered."""

    hears = True

    def __init__(self, there: There) -> None:
        self.there = there

    def whoami(self) -> str:
        self.there.ask()
        return "@raglan:memory"

    def open_room(self, wanted: ports.Wanted) -> ports.Opened:
        self.there.ask()
        self.there.rooms.setdefault(wanted.name, [])
        self.there.topics[wanted.name] = wanted.topic
        return ports.Opened(wanted.name, f"https://chat.example.test/{wanted.name}")

    def find_room(self, name: str) -> ports.Opened:
        self.there.ask()
        if name in self.there.refused:
            raise DeliveryError("there is no such room", permanent=True)
        self.there.rooms.setdefault(name, [])
        return ports.Opened(name)

    def post(self, room: str, line: ports.Line) -> str:
        self.there.ask()
        if room in self.there.broken:
            raise DeliveryError("this room is broken", permanent=False)
        if room in self.there.refused:
            raise DeliveryError("you are not in this room", permanent=True)
        if line.key not in self.there.keys:
            self.there.keys.add(line.key)
            self.there.rooms[room].append(line.plain)
            self.there.takes -= 1
        return f"there-{line.key}"

    def set_topic(self, room: str, topic: str) -> None:
        self.there.ask()
        self.there.topics[room] = topic

    def invite(self, room: str, person: str) -> None:
        self.there.ask()
        self.there.invited.append((room, person))

    def hear(self, cursor: str, wait_s: float) -> ports.Heard:
        self.there.ask()
        return ports.Heard([], cursor)

    def close(self) -> None:
        """Nothing is open."""


class Memory:
    """The platform `memory`."""

    slug: ClassVar[str] = "memory"
    title: ClassVar[str] = "Memory"
    address_word: ClassVar[str] = "name"
    address_example: ClassVar[str] = "@bo"
    lobby_help: ClassVar[str] = ""
    settings: ClassVar[tuple[ports.Setting, ...]] = (
        ports.Setting("url", "Server", ""),
        ports.Setting("token", "Token", "", is_secret=True),
    )

    def __init__(self, there: There) -> None:
        self._there = there

    def check(self, settings: Mapping[str, str]) -> None:
        if settings["url"] == "nowhere":
            raise BadInput("url", "leads nowhere")

    def check_address(self, address: str) -> str:
        if not address.startswith("@"):
            raise BadInput("address", "begins with @")
        return address

    def is_called(self, settings: Mapping[str, str]) -> bool:
        return False

    def names_of(self, who: str) -> tuple[str, ...]:
        return who, who.partition("!")[0], who.partition(" in ")[0]

    def connect(self, settings: Mapping[str, str]) -> MemoryLine:
        return MemoryLine(self._there)


@contextmanager
def platform() -> Iterator[There]:
    """Offer the platform `memory` for a while."""
    there = There()
    ports.register_platform("memory", lambda: Memory(there))
    try:
        yield there
    finally:
        ports.forget_platform("memory")


def connect(**more: object) -> Workspace:
    """Connect it."""
    draft = actions.Draft("Team chat", {"url": "https://chat.example.test", "token": "s3cret"}, **more)  # type: ignore[arg-type]  # by name
    found = ports.platform("memory")
    assert found is not None
    return actions.connect(found, draft, actor="raglan")


def known(workspace: Workspace, person: Person, address: str) -> str:
    """Let a person be known there."""
    actions.know_as(workspace, address, person, actor="raglan")
    return address


def send_to(workspace: Workspace, there: There) -> None:
    """Send what waits for a workspace to a place of its own."""
    sending.send_waiting(workspace, MemoryLine(there))


def write(workspace: Workspace, room: Room | str, author: str, text: str, **more: object) -> str:
    """Let somebody write in a room; what follows from it is done. Return the message's id."""
    where = room if isinstance(room, str) else room.external_id
    key = f"$m{next(_numbers)}"
    given = {"id": key, "room": where, "author": author, "author_name": author.strip("@").title(), "text": text}
    message = ports.Incoming(**{**given, "at": now() - timedelta(seconds=1), **more})  # type: ignore[arg-type]  # by name
    hearing.take(workspace, message)
    world.fire_all()
    return str(more.get("id", key))

"""What a chat platform is to raglan. Integrations implement it and register it; raglan calls it from own threads.

Every call may take a while and may fail: it raises DeliveryError, permanent where another try can not help, or `Wait`
when the platform wants fewer messages. Nothing here is called inside a transaction.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from raglan.core.errors import DeliveryError

FURTHER = "| "  # where a platform takes single lines: begins each but the first, so that no program obeys it
REST = " … (the rest stands in raglan)"
MOST_FILES, MOST_NAME = 10, 200
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SIGNS = {"👍": "yes", "✅": "yes", "✔": "yes", "👎": "no", "✋": "take", "🙋": "take"}  # under a line: their command
SIGN_WORDS = {"yes": "👍 yes", "no": "👎 no", "take": "✋ I can help", "ack": "👍 I have it"}
BY_SIGN = " · or react with "
DOOR = "door"  # among the settings of a line: where the platform may call us; no setting is called so


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing to fill in when a platform is connected. Secret ones are sealed and never shown again."""

    name: str
    label: str
    help: str
    is_secret: bool = False
    is_needed: bool = True
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A room that is to be opened. The name is short and the same at each try."""

    name: str
    title: str
    topic: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A room on the platform: its id there, and where people open it."""

    id: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What is posted: who and what they do in bold, then their words. The same key posts once where possible."""

    key: str
    text: str
    who: str = ""
    answers: Sequence[tuple[str, str]] = ()  # buttons, where there are some: what stands on each, and its command

    @property
    def safe_answers(self) -> list[tuple[str, str]]:
        """The answers with which a slip does no harm: where nothing asks again, the others are left out."""
        return [(label, command) for label, command in self.answers if not wakes(command)]

    @property
    def plain(self) -> str:
        """The line as plain text."""
        return f"{self.who} {self.text}" if self.who else self.text


def wakes(command: str) -> bool:
    """Tell whether a button wakes people."""
    return command.startswith("page ")


class Kind(StrEnum):
    """What came in."""

    MESSAGE = "message"
    EDIT = "edit"
    TAKEN_BACK = "taken back"
    REACTION = "reaction"  # its text is the sign; it answers what it is about
    GAP = "gap"  # nobody wrote this: its text says what could not be taken in


@dataclass(slots=True)
class Aside:
    """Answers to one person, where a platform can give them at once and to nobody else.

    What all should read is said in the room as ever, unless nothing can be said there.
    """

    takes_all: bool = False
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Incoming:
    """What somebody wrote in a room. `id` is the platform's own; `about` the id of what is corrected or taken back."""

    id: str
    room: str
    author: str
    author_name: str
    text: str
    at: datetime
    kind: Kind = Kind.MESSAGE
    about: str = ""
    aside: Aside | None = None
    whispers: bool = False  # what only its author wants to read can be said to nobody else, by `Whispers`


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in since a place, oldest first, and the place to go on from."""

    messages: Sequence[Incoming]
    cursor: str


def signs_of(line: Line) -> str:
    """Say with which signs a line can be answered, where people put such under a line; empty where with none."""
    words = [SIGN_WORDS[verb] for _, command in line.answers if (verb := command.partition(" ")[0]) in SIGN_WORDS]
    return f"{BY_SIGN}{', '.join(words)}" if words else ""


def without_signs(text: str) -> str:
    """Return what was said, without how it can be answered by a sign."""
    return text.partition(BY_SIGN)[0]


def cut(text: str, most: int) -> str:
    """Return a text of at most so many letters; a longer one ends there and says so."""
    return text if len(text) <= most else text[:most] + REST


def tidy(text: str) -> str:
    """Return a text without control characters, and without those that turn the direction of what follows."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def put_files(names: Sequence[str]) -> str:
    """Say which files somebody put into chat: they stand there, and not here. Empty without any."""
    told = ", ".join(name[:MOST_NAME] for name in names[:MOST_FILES])
    return f"(put a file into chat: {told})" if told else ""


class Wait(DeliveryError):
    """The platform wants fewer messages; the same may be sent again after some seconds."""

    def __init__(self, sentence: str, *, seconds: float) -> None:
        super().__init__(sentence, permanent=False)
        self.seconds = seconds


class Connection(Protocol):
    """A line to one workspace. Two threads use it at once: one sends, one hears."""

    @property
    def hears(self) -> bool:
        """Whether news is asked for by this line; else the platform calls us, or tells nothing."""

    def whoami(self) -> str:
        """Return under which name we are known there; proves that the settings work."""

    def open_room(self, wanted: Wanted) -> Opened:
        """Open a room, or find the one that an earlier try opened."""

    def find_room(self, name: str) -> Opened:
        """Join a room that people made, by the name that they know it by."""

    def post(self, room: str, line: Line) -> str:
        """Post a line; return its id there, if it has one."""

    def set_topic(self, room: str, topic: str) -> None:
        """Say above the room where things stand."""

    def invite(self, room: str, person: str) -> None:
        """Ask a person into a room."""

    def hear(self, cursor: str, wait_s: float) -> Heard:
        """Wait for news and return it; at the first time, with no cursor, only where news begins."""

    def close(self) -> None:
        """Let go of the line; whatever waits returns soon."""


@runtime_checkable
class Whispers(Protocol):
    """A line that can say something in a room so that one person reads it."""

    def whisper(self, room: str, person: str, text: str) -> None:
        """Say something to one person in a room."""


@runtime_checkable
class CatchesUp(Protocol):
    """A line that does not hear, to a platform that calls us: it can be asked what was said meanwhile."""

    def missed(self, room: str, since: datetime) -> Sequence[Incoming]:
        """Return what people wrote in a room since then, oldest first, under the ids by which we are called."""


class ChatPlatform(Protocol):
    """A kind of chat, such as Matrix."""

    slug: ClassVar[str]
    title: ClassVar[str]
    address_word: ClassVar[str]  # what a person is known by there, such as “Matrix ID”
    address_example: ClassVar[str]
    lobby_help: ClassVar[str]  # what to write for a room that people made
    settings: ClassVar[tuple[Setting, ...]]

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse settings that can not work. Raises BadInput naming the setting."""

    def check_address(self, address: str) -> str:
        """Return a person's name there in the form in which messages carry it. Raises BadInput."""

    def is_called(self, settings: Mapping[str, str]) -> bool:
        """Tell whether the platform calls us, given plain settings; then the screen says where."""

    def names_of(self, who: str) -> tuple[str, ...]:
        """Return by which names an author of a message, or who we are there, is told apart from others."""

    def connect(self, settings: Mapping[str, str]) -> Connection:
        """Return a line; nothing is sent before it is used."""


_platforms: dict[str, Callable[[], ChatPlatform]] = {}


def register_platform(slug: str, make: Callable[[], ChatPlatform]) -> None:
    """Offer a platform; `make` imports what it needs when it is asked for first."""
    _platforms[slug] = make


def platform(slug: str) -> ChatPlatform | None:
    """Return a platform, or None when no integration offers it."""
    make = _platforms.get(slug)
    return make() if make else None


def platforms() -> list[ChatPlatform]:
    """Return all platforms, by title."""
    return sorted((make() for make in _platforms.values()), key=lambda one: one.title)


def forget_platform(slug: str) -> None:
    """Offer a platform no more."""
    _platforms.pop(slug, None)

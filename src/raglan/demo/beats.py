"""The words in which the story is written: who does what, and when. Data only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

EntryKind = Literal["note", "doing", "ask", "verify", "found", "decided", "tried", "ruled_out", "stuck"]
Feeling = Literal["down", "slow", "fine", "unknown"]


@dataclass(frozen=True, slots=True)
class Tell:
    """Something that happens outside raglan; it is printed, not sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Propose:
    """Say what is about to change, and what to expect of it on new and on existing machines."""

    title: str
    package: str
    version: str
    on_new: Literal["nothing", "version", "restart"]
    on_existing: Literal["nothing", "version", "restart"]
    note: str


@dataclass(frozen=True, slots=True)
class Begins:
    """The proposed change begins to travel."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The proposed change travels no more."""

    state: Literal["done", "stopped", "taken_back"]
    words: str


@dataclass(frozen=True, slots=True)
class RaiseHold:
    """Stop automation on every machine, for some hours."""

    name: str
    reason: str
    hours: int = 4


@dataclass(frozen=True, slots=True)
class GiveHeadsUp:
    """The first word to others, before the pager speaks. Opens the room."""

    text: str
    did: str
    saw: str
    reach: str
    need: str
    services: tuple[str, ...] = ("httpd",)


@dataclass(frozen=True, slots=True)
class Declare:
    """Open a room by hand."""

    title: str
    severity: str
    services: tuple[str, ...] = ("httpd",)


@dataclass(frozen=True, slots=True)
class Say:
    """An entry in the room. `name` lets later beats speak of it."""

    kind: EntryKind
    text: str
    name: str = ""
    to_team: str = ""
    to_topic: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of an entry; it hangs under it."""

    of: str
    text: str
    result: Literal["", "worked", "nothing", "worse", "given_up"] = ""


@dataclass(frozen=True, slots=True)
class MarkHelped:
    """An entry of somebody else helped."""

    of: str


@dataclass(frozen=True, slots=True)
class MarkRisky:
    """What an entry says is risky now: whoever comes late reads it first."""

    of: str


@dataclass(frozen=True, slots=True)
class CanCome:
    """Whether one can come in the next hours."""

    state: Literal["free", "pulled", "heads_down"]
    words: str = ""
    hours: int = 2


@dataclass(frozen=True, slots=True)
class Take:
    """I can help."""

    of: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a verification."""

    of: str
    answer: Literal["yes", "no"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """An entry waits no more."""

    of: str


@dataclass(frozen=True, slots=True)
class Here:
    """What one is on."""

    doing: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Take the lead, with a note that stands in the timeline."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where it stands."""

    state: Feeling
    state_words: str
    summary: str
    know: tuple[str, ...]
    trying: tuple[str, ...]
    unknown: tuple[str, ...]
    next_update_minutes: int = 5


@dataclass(frozen=True, slots=True)
class HoldOutside:
    """Speak to those who wait, so that nobody who repairs has to."""


@dataclass(frozen=True, slots=True)
class TellOutside:
    """A word for those who wait, and in how many minutes the next one comes."""

    stage: Literal["looking", "found", "watching", "over"]
    text: str
    next_minutes: int = 0


@dataclass(frozen=True, slots=True)
class AskOutside:
    """A question of somebody who waits. `name` lets later beats speak of it."""

    text: str
    name: str


@dataclass(frozen=True, slots=True)
class AnswerOutside:
    """The answer to one; without words the next update answers it."""

    of: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """I have it: every page that waits for this person, once this many are there."""

    pages: int = 1


@dataclass(frozen=True, slots=True)
class JoinAlerts:
    """Put the open alert groups of the story's sources into the room."""


@dataclass(frozen=True, slots=True)
class LoseTool:
    """A response tool does not answer; its check fires, and the list of lost tools grows by it."""

    service: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Misses:
    """It is not reachable for one more person."""

    service: str


@dataclass(frozen=True, slots=True)
class ToolBack:
    """A response tool answers again."""

    service: str


@dataclass(frozen=True, slots=True)
class WriteTask:
    """Something to do is written down; `name` is how a later beat finds it."""

    text: str
    name: str


@dataclass(frozen=True, slots=True)
class TakeTask:
    """Somebody takes it."""

    of: str


@dataclass(frozen=True, slots=True)
class TaskDone:
    """It is done."""

    of: str
    words: str


@dataclass(frozen=True, slots=True)
class TellFigures:
    """The figures of the whole, as the change watch's last entry."""


@dataclass(frozen=True, slots=True)
class StandDown:
    """End the coordination; a review is drafted."""

    summary: str


@dataclass(frozen=True, slots=True)
class Remember:
    """One person's answer to a question of the review."""

    question: str
    text: str


Action = (
    Tell
    | Propose
    | Begins
    | Ends
    | RaiseHold
    | GiveHeadsUp
    | Declare
    | Say
    | Happened
    | MarkHelped
    | MarkRisky
    | CanCome
    | Take
    | Reply
    | Close
    | Here
    | Lead
    | Stand
    | HoldOutside
    | TellOutside
    | AskOutside
    | AnswerOutside
    | Acknowledge
    | JoinAlerts
    | LoseTool
    | Misses
    | ToolBack
    | WriteTask
    | TakeTask
    | TaskDone
    | TellFigures
    | StandDown
    | Remember
)


@dataclass(frozen=True, slots=True)
class Beat:
    """One moment of the story: seconds after T, the person's key (empty for what nobody does), and what is done."""

    at: int
    who: str
    action: Action


Chapter = Sequence[Beat]

"""One reader of a live stream, and what many of them have in common."""

import asyncio
import random
import time

from raglan.core import logs
from raglan.edge.answers import Scope, Send
from raglan.edge.choir import Write
from raglan.edge.lean import WIRE
from raglan.edge.rounds import Seen, Sight

STUCK_S = 10.0
BEHIND = 64 * 1024  # bytes
LIFE_S = 15 * 60.0
log = logs.get("raglan.live")


class Eyes:
    """What many readers have in common: the topics that they hear, and how they see what everybody may read.

    `level` are those of them who have heard all so far, each with how it is written to.
    """

    __slots__ = ("__weakref__", "level", "seen_as", "sight", "topics")

    def __init__(self, topics: tuple[str, ...], sight: Sight | None) -> None:
        self.topics = topics
        self.sight = sight
        self.seen_as: tuple[Seen, ...] = tuple((topic, sight) for topic in topics) if sight else ()
        self.level: dict[Stream, Write] = {}


class Stream:
    """One reader. What it has `seen` is the number of a round, as long as it is not level with all."""

    __slots__ = ("abort", "eyes", "looked", "person", "seen", "send", "size", "stuck", "until", "write")

    def __init__(self, scope: Scope, send: Send, person: int, eyes: Eyes) -> None:
        transport: asyncio.Transport = scope["extensions"][WIRE]["transport"]
        self.write = transport.write
        self.size = transport.get_write_buffer_size
        self.abort = transport.abort
        self.send = send
        self.person = person
        self.eyes = eyes
        self.seen = 0
        self.looked = 0
        self.stuck = 0.0
        # The reader comes back with its last id and is looked at anew: whoever lost the right to listen is out by then.
        self.until = time.monotonic() + LIFE_S * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads load, hides nothing

    def is_behind(self) -> bool:
        """Whether it does not take what was written; who does not for long is cut off."""
        if self.size() <= BEHIND:
            self.stuck = 0.0
            return False
        if not self.stuck:
            self.stuck = time.monotonic()
        elif time.monotonic() - self.stuck > STUCK_S:
            log.info("a stream was dropped because its client does not read")
            self.abort()
        return True

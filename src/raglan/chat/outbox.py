"""What goes to chat: written in the transaction that decides on it, sent later, in order."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from raglan.chat import ports
from raglan.chat.models import Post, Room
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents.models import Entry

MOST_TEXT = 12_000
_wakers: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be said. The same key goes to a room once. What `is_claimed` gets its words when it goes out."""

    key: str
    text: str
    who: str = ""
    entry: Entry | None = None
    kind: Post.Kind = Post.Kind.LINE
    is_claimed: bool = False


@atomic
def say(room: Room, words: Words) -> Post:
    """Let something go to a room, after all that waits for it. Safe to call twice."""
    post, made = Post.objects.get_or_create(
        room=room,
        key=words.key[:64],
        defaults={
            "kind": words.kind,
            "state": Post.State.BY_CLAIM if words.is_claimed else Post.State.WAITING,
            "token": secrets.token_hex(12),
            "who": ports.tidy(words.who)[:200],
            "text": ports.cut(ports.tidy(words.text), MOST_TEXT),
            "entry": words.entry,
            "created_at": now(),
        },
    )
    if made:
        transaction.on_commit(wake)
    return post


@atomic
def show_topic(room: Room, topic: str, *, key: str) -> None:
    """Let the words above a room say where things stand, if that is news."""
    topic = topic[:500]
    if Room.objects.filter(pk=room.pk).exclude(topic=topic).update(topic=topic):
        say(room, Words(key=f"topic-{key}", text=topic, kind=Post.Kind.TOPIC))


def on_wake(waker: Callable[[], None]) -> Callable[[], None]:
    """Call `waker()` when something was written that can go out; return a function that ends it."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker) if waker in _wakers else None


def wake() -> None:
    """Tell whoever sends from this process to look now."""
    for waker in list(_wakers):
        waker()

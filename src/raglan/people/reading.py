"""For whom things are read: what a reader may not see is left out of what is read for them.

A request reads for whoever is signed in, or for the person behind a token. The engine reads for nobody in particular
and sees everything: what it tells to many people, it reads with the eyes of somebody who knows only what all may know.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from raglan.people.models import Person


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something is read; without a person, for anybody."""

    person_id: int | None


_reader: ContextVar[Reader | None] = ContextVar("reader", default=None)


def current() -> Reader | None:
    """Return for whom is read now; None in the engine, which sees everything."""
    return _reader.get()


@contextmanager
def read_for(person: Person | None) -> Iterator[None]:
    """Read for a person, or for anybody, as long as this lasts."""
    token = _reader.set(Reader(person.pk if person else None))
    try:
        yield
    finally:
        _reader.reset(token)


@contextmanager
def told_to_many() -> Iterator[None]:
    """Read what goes to people of whom nothing is known: with the reader's eyes if there is one, else anybody's."""
    if current() is not None:
        yield
        return
    with read_for(None):
        yield

"""Rooms of higher contexts that follow pages by hand: paging knows a number, a link and a name, and nothing more."""

from collections.abc import Callable
from dataclasses import dataclass

from raglan.core.db import atomic
from raglan.core.errors import NotFound
from raglan.paging.actions import Reason
from raglan.paging.models import Page
from raglan.people.models import Person


@dataclass(frozen=True, slots=True)
class Room:
    """A room for which somebody is paged by hand: why, what it is called on the screen, and how it follows the page.

    From a private one a page goes to nobody but whom it names.
    """

    number: int
    name: str
    reason: Reason
    follow: Callable[[Page, Person | None], object]
    is_private: bool


_finders: list[Callable[[int], Room]] = []


def register_rooms(find: Callable[[int], Room]) -> None:
    """Let a higher context find its rooms. It raises NotFound or Conflict for one for which nobody can be paged."""
    _finders.append(find)


def room(number: int) -> Room:
    """Return a room that is open to whoever reads now. Raises NotFound, Conflict."""
    for find in _finders:
        return find(number)
    raise NotFound("There is no such incident.")


@atomic
def page_for(room: Room | None, make: Callable[[Reason], Page], *, by: Person | None) -> Page:
    """Page by hand; the room for which somebody is paged, if there is one, follows the page from its start."""
    page = make(room.reason if room else Reason())
    if room is not None:
        room.follow(page, by)
    return page

"""Which door takes a request, and what is done about a door that fails: it must never end the edge."""

from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeGuard, TypeVar

from django.db import InterfaceError, OperationalError
from prometheus_client import Counter

from raglan.alerts import ports
from raglan.alerts.ports import Answer, Decoded, Door, Glimpses, Outcome, Replies
from raglan.core import logs, metrics
from raglan.core.errors import BadInput, NotFound, Overloaded, RaglanError
from raglan.edge.answers import WrongMethod

log = logs.get("raglan.intake")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
T = TypeVar("T")

decoder_bugs = Counter("raglan_decoder_bugs", "Bodies that a decoder raised on unexpectedly", registry=metrics.REGISTRY)


class QuickDoor(Door, Glimpses, Protocol):
    """A door that can tell repeats."""


class ReplyingDoor(Door, Replies, Protocol):
    """A door that answers some requests by itself."""


@cache
def _is_a(kind: type[Door], what: type) -> bool:
    """Tell whether doors of a class can do something: Python asks for each method of a protocol every time."""
    return issubclass(kind, what)


def glimpses(door: Door) -> TypeGuard[QuickDoor]:
    """Tell whether a door can tell repeats."""
    return _is_a(type(door), Glimpses)


def replies(door: Door) -> TypeGuard[ReplyingDoor]:
    """Tell whether a door answers some requests by itself."""
    return _is_a(type(door), Replies)


def door_for(method: str, path: str) -> Door:
    """Return the door for a request. Raises NotFound, WrongMethod."""
    door = ports.door_for(method, path)
    if door is not None:
        return door
    taken = [one for one in METHODS if ports.door_for(one, path) or ports.desk_for(one, path)]
    if not taken:
        raise NotFound("No door takes this. Copy the line from Setup, Sources, once more.")
    raise WrongMethod(f"Send this with {'POST' if 'POST' in taken else taken[0]}.", allow=", ".join(taken))


def guarded(read_body: Callable[[], T]) -> T:
    """Run a decoder. Whatever it raises unexpectedly is a bad body for its sender and a counted bug for us."""
    try:
        return read_body()
    except RaglanError:
        raise
    except (OperationalError, InterfaceError):
        raise Overloaded("The database does not answer. Send this again.") from None
    except Exception as error:  # the last resort at the border: a body must never end the door
        decoder_bugs.inc()
        log.exception("a decoder raised on a body")
        raise BadInput("", f"this could not be read ({type(error).__name__})") from None


def refused(door: Door, error: BadInput) -> Answer:
    """Let the door say in its own format what it could not understand."""
    try:
        return door.refuse(error)
    except Exception:  # as above; the refusal must reach its sender
        decoder_bugs.inc()
        log.exception("a door could not say what it refuses")
        return Answer(error.status, error.as_json())


def accepted(door: Door, decoded: Decoded, outcome: Outcome) -> Answer:
    """Let the door say what became of it; all is on disk, so that nothing may turn this into a failure."""
    try:
        return door.answer(decoded, outcome)
    except Exception:  # as above
        decoder_bugs.inc()
        log.exception("a door could not say what it accepted")
        return Answer(202, {"status": "accepted"})

"""Signs of life: the newest of each kind, kept where every node and the screens can read them.

A sign with the name of one thing, such as a message, also says that this was seen: once, by whichever node.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.models import Sign


@dataclass(frozen=True, slots=True)
class Seen:
    """When something was last seen, and what was said."""

    at: datetime
    data: dict[str, object]

    @property
    def age(self) -> timedelta:
        """How long ago that was."""
        return now() - self.at


@atomic
def note(name: str, **data: object) -> None:
    """Keep this as the newest sign of its name."""
    Sign.objects.update_or_create(name=name, defaults={"at": now(), "data": data})


def last(name: str) -> Seen | None:
    """Return the newest sign of a name, None when there was none."""
    found = Sign.objects.filter(name=name).first()
    return Seen(found.at, found.data) if found else None


@atomic
def is_first(name: str) -> bool:
    """Keep a sign of this name unless there is one; tell whether it is the first.

    Whoever asks the same meanwhile waits for the end of the transaction around the first.
    """
    return Sign.objects.get_or_create(name=name, defaults={"at": now(), "data": {}})[1]


@atomic
def forget(begins: str, before: datetime) -> None:
    """Forget the signs whose names begin so and that are older."""
    Sign.objects.filter(name__startswith=begins, at__lt=before).delete()

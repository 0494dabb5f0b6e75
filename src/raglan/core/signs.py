"""Signs of life: the newest of each kind, kept where every node and the screens can read them."""

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

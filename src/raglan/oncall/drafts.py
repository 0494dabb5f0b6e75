"""What somebody wrote and wants to become true: checked, and turned into what the arithmetic reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from raglan.core.clock import now
from raglan.core.decode import YEARS
from raglan.core.errors import BadInput
from raglan.oncall import resolve
from raglan.people.actions import check_zone
from raglan.people.models import Person

MAX_OVERRIDE = timedelta(days=370)
MAX_PARTICIPANTS = 60
MAX_WEEKS = 52
START_YEARS = range(1970, 2150)
MAX_REASON = 200
DRAFT_ID = 2**63 - 1
RESERVED: Final = frozenset({"new", "cover", "part"})  # words that are addresses of screens


@dataclass(frozen=True, slots=True)
class RotationDraft:
    """A turn order as somebody wrote it. Monday is 0; without a zone it has that of its schedule."""

    participants: Sequence[int]
    starts_on: date
    handoff_weekday: int
    handoff_time: time
    weeks: int = 1
    time_zone: str = ""

    def as_rotation(self, time_zone: str, effective_from: datetime | None) -> resolve.Rotation:
        """Return it as the arithmetic reads it; it outranks what is stored."""
        return resolve.Rotation(
            participants=tuple(self.participants),
            starts_on=self.starts_on,
            handoff_time=self.handoff_time.replace(tzinfo=None, microsecond=0),
            time_zone=self.time_zone or time_zone,
            handoff_weekday=self.handoff_weekday,
            length=timedelta(weeks=self.weeks),
            effective_from=effective_from,
            id=DRAFT_ID,
        )


@dataclass(frozen=True, slots=True)
class OverrideDraft:
    """A time that a person takes."""

    person: Person
    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    def as_override(self, at: datetime) -> resolve.Override:
        """Return it as the arithmetic reads it; it was made last."""
        starts_at = max(self.starts_at, at)
        return resolve.Override(DRAFT_ID, self.person.pk, starts_at, self.ends_at, self.reason, at)


def check_time_zone(time_zone: str) -> None:
    """Raise BadInput unless this names a time zone everywhere alike; `localtime` means another one on each machine."""
    if time_zone in ("localtime", "Factory"):
        raise BadInput("time_zone", "choose a zone by its name, such as Europe/Berlin")
    check_zone(time_zone)


def check_rotation(draft: RotationDraft) -> list[Person]:
    """Return the people of a turn order. Raises BadInput naming the field."""
    if not draft.participants:
        raise BadInput("participants", "name at least one person")
    if len(draft.participants) > MAX_PARTICIPANTS:
        raise BadInput("participants", f"has more than {MAX_PARTICIPANTS} places")
    if draft.handoff_weekday not in range(7):
        raise BadInput("handoff_weekday", "must be from 0 (Monday) to 6 (Sunday)")
    if draft.weeks not in range(1, MAX_WEEKS + 1):
        raise BadInput("weeks", f"must be from 1 to {MAX_WEEKS}")
    if draft.starts_on.year not in START_YEARS:
        raise BadInput("starts_on", f"the year must be from {START_YEARS.start} to {START_YEARS.stop - 1}")
    if draft.time_zone:
        check_time_zone(draft.time_zone)
    return _participants(draft)


def _participants(draft: RotationDraft) -> list[Person]:
    found = {person.pk: person for person in Person.objects.filter(pk__in=draft.participants, is_active=True)}
    for number, pk in enumerate(draft.participants):
        if pk not in found:
            raise BadInput(f"participants[{number}]", "there is no such person")
    return [found[pk] for pk in draft.participants]


def check_override(draft: OverrideDraft) -> None:
    """Raise BadInput unless a time can be taken."""
    if not draft.person.is_active:
        raise BadInput("person_id", "this person is not active")
    if draft.ends_at <= draft.starts_at:
        raise BadInput("ends_at", "must be after the start")
    if draft.ends_at <= now():
        raise BadInput("ends_at", "is over already; the past does not change")
    if draft.starts_at.year not in YEARS or draft.ends_at.year not in YEARS:
        raise BadInput("starts_at", f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
    if draft.ends_at - max(draft.starts_at, now()) > MAX_OVERRIDE:
        raise BadInput("ends_at", "is more than a year after the start")

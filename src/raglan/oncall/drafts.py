"""What somebody wrote and wants to become true: checked, and turned into what the arithmetic reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from raglan.core.clock import now
from raglan.core.decode import YEARS
from raglan.core.errors import BadInput
from raglan.oncall import resolve
from raglan.oncall.models import Override, Rotation
from raglan.oncall.turns import MOST, Participant, Window
from raglan.people.actions import check_zone
from raglan.people.models import Person

MAX_OVERRIDE = timedelta(days=370)
MAX_PARTICIPANTS = 60
MAX_GROUP = 12
MAX_LAYERS = 12
MAX_WINDOWS = 14
RANKS = range(-100, 101)
START_YEARS = range(1970, 2150)
MAX_REASON = 200
MAX_NAME = 60
DRAFT_ID = 2**63 - 1
DRAFT_LAYER = -1
RESERVED: Final = frozenset({"new", "cover", "part", "calendars"})  # words that are addresses of screens
LENGTHS = {Rotation.Unit.HOURS: timedelta(hours=1), Rotation.Unit.DAYS: timedelta(days=1)}
MAX_WEEKS = MOST["weeks"]


@dataclass(frozen=True, slots=True)
class RotationDraft:
    """A turn order as somebody wrote it. Monday is 0; without a zone it has that of its schedule.

    A participant may be a group. `layer` names the layer; the first one of a schedule has no name.
    """

    participants: Sequence[Participant]
    starts_on: date
    handoff_weekday: int | None
    handoff_time: time
    every: int = 1
    time_zone: str = ""
    unit: str = Rotation.Unit.WEEKS
    weekdays: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ()
    active_days: bool = False
    layer: str = ""
    rank: int = 0
    effective_from: datetime | None = None
    ends_at: datetime | None = None

    def as_rotation(self, time_zone: str, effective_from: datetime | None, layer: int = 0) -> resolve.Rotation:
        """Return it as the arithmetic reads it; it outranks what is stored."""
        return resolve.Rotation(
            participants=tuple(self.participants),
            starts_on=self.starts_on,
            handoff_time=self.handoff_time.replace(tzinfo=None, microsecond=0),
            time_zone=self.time_zone or time_zone,
            handoff_weekday=self.handoff_weekday if self.unit == Rotation.Unit.WEEKS else None,
            length=length_of(self.unit, self.every),
            effective_from=effective_from,
            id=DRAFT_ID,
            months=self.every if self.unit == Rotation.Unit.MONTHS else 0,
            weekdays=self.weekdays if self.unit == Rotation.Unit.WEEKDAYS else (),
            windows=self.windows,
            active_days=self.active_days,
            ends_at=self.ends_at,
            layer=layer,
            rank=self.rank,
        )

    def everybody(self) -> list[int]:
        """Return each person that it names, once."""
        groups = ((one,) if isinstance(one, int) else one for one in self.participants)
        return list(dict.fromkeys(person for group in groups for person in group))


def length_of(unit: str, every: int) -> timedelta:
    """Return how long a turn is; a week where it does not count in time."""
    return every * LENGTHS.get(Rotation.Unit(unit), timedelta(weeks=1))


@dataclass(frozen=True, slots=True)
class OverrideDraft:
    """A time that does not go by the layers."""

    person: Person
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    kind: str = Override.Kind.REPLACE_EVERYBODY
    instead_of: Person | None = None
    rank: int = 0

    def as_override(self, at: datetime) -> resolve.Override:
        """Return it as the arithmetic reads it; it was made last."""
        return resolve.Override(
            DRAFT_ID,
            self.person.pk,
            max(self.starts_at, at),
            self.ends_at,
            self.reason,
            at,
            resolve.Kind(self.kind),
            self.instead_of.pk if self.instead_of else None,
            self.rank,
        )


def check_time_zone(time_zone: str) -> None:
    """Raise BadInput unless this names a time zone everywhere alike; `localtime` means another one on each machine."""
    if time_zone in ("localtime", "Factory"):
        raise BadInput("time_zone", "choose a zone by its name, such as Europe/Berlin")
    check_zone(time_zone)


def check_rotation(draft: RotationDraft) -> list[list[Person]]:
    """Return the people of a turn order, group by group. Raises BadInput naming the field."""
    if not draft.participants:
        raise BadInput("participants", "name at least one person")
    if len(draft.participants) > MAX_PARTICIPANTS:
        raise BadInput("participants", f"has more than {MAX_PARTICIPANTS} places")
    _check_turns(draft)
    _check_windows(draft)
    if draft.starts_on.year not in START_YEARS:
        raise BadInput("starts_on", f"the year must be from {START_YEARS.start} to {START_YEARS.stop - 1}")
    if draft.time_zone:
        check_time_zone(draft.time_zone)
    if draft.rank not in RANKS:
        raise BadInput("rank", f"must be from {RANKS.start} to {RANKS.stop - 1}")
    if len(draft.layer) > MAX_NAME:
        raise BadInput("layer", f"has more than {MAX_NAME} characters")
    _check_ends(draft)
    return _participants(draft)


def _check_turns(draft: RotationDraft) -> None:
    if draft.unit not in Rotation.Unit.values:
        raise BadInput("unit", f"must be one of {', '.join(Rotation.Unit.values)}")
    unit = Rotation.Unit(draft.unit)
    if unit is Rotation.Unit.WEEKS and draft.handoff_weekday not in range(7):
        raise BadInput("handoff_weekday", "must be from 0 (Monday) to 6 (Sunday)")
    if draft.every not in range(1, MOST[unit] + 1):
        raise BadInput("every", f"must be from 1 to {MOST[unit]}")
    if (unit is Rotation.Unit.WEEKDAYS) != bool(draft.weekdays):
        raise BadInput("weekdays", "name the days on which turns change; only turns by weekdays have them")
    if any(day not in range(7) for day in draft.weekdays):
        raise BadInput("weekdays", "must be from 0 (Monday) to 6 (Sunday)")


def _check_windows(draft: RotationDraft) -> None:
    if len(draft.windows) > MAX_WINDOWS:
        raise BadInput("windows", f"has more than {MAX_WINDOWS} windows")
    for number, window in enumerate(draft.windows):
        if not window.weekdays or any(day not in range(7) for day in window.weekdays):
            raise BadInput(f"windows[{number}]", "name its weekdays, from 0 (Monday) to 6 (Sunday)")
    if draft.active_days and not (draft.windows and draft.unit == Rotation.Unit.DAYS):
        raise BadInput("active_days", "only turns of days in a layer with windows can pass on worked days alone")


def _check_ends(draft: RotationDraft) -> None:
    if draft.ends_at is None:
        return
    if draft.ends_at <= now():
        raise BadInput("ends_at", "is over already; the past does not change")
    if draft.ends_at.year not in YEARS:
        raise BadInput("ends_at", f"the year must be from {YEARS.start} to {YEARS.stop - 1}")


def _participants(draft: RotationDraft) -> list[list[Person]]:
    found = {person.pk: person for person in Person.objects.filter(pk__in=draft.everybody(), is_active=True)}
    groups: list[list[Person]] = []
    for number, one in enumerate(draft.participants):
        group = dict.fromkeys((one,) if isinstance(one, int) else one)
        if not group or len(group) > MAX_GROUP:
            raise BadInput(f"participants[{number}]", f"a group has 1 to {MAX_GROUP} people")
        if not found.keys() >= group.keys():
            raise BadInput(f"participants[{number}]", "there is no such person")
        groups.append([found[pk] for pk in group])
    return groups


def check_override(draft: OverrideDraft, at: datetime | None = None) -> None:
    """Raise BadInput unless a time can be taken at an instant, now unless said otherwise."""
    at = at or now()
    if not draft.person.is_active and draft.kind != Override.Kind.REMOVE:
        raise BadInput("person_id", "this person is not active")
    if draft.ends_at <= draft.starts_at:
        raise BadInput("ends_at", "must be after the start")
    if draft.ends_at <= at:
        raise BadInput("ends_at", "is over already; the past does not change")
    if draft.starts_at.year not in YEARS or draft.ends_at.year not in YEARS:
        raise BadInput("starts_at", f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
    if draft.ends_at - max(draft.starts_at, at) > MAX_OVERRIDE:
        raise BadInput("ends_at", "is more than a year after the start")
    _check_kind(draft)


def _check_kind(draft: OverrideDraft) -> None:
    if draft.kind not in Override.Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(Override.Kind.values)}")
    if (draft.kind == Override.Kind.REPLACE_ONE) != (draft.instead_of is not None):
        raise BadInput("instead_of_id", "name whom the person stands in for; only replace_one has it")
    if draft.instead_of == draft.person:
        raise BadInput("instead_of_id", "is the same person")
    if draft.rank not in RANKS:
        raise BadInput("rank", f"must be from {RANKS.start} to {RANKS.stop - 1}")

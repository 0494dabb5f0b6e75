"""Nobody takes turns whom no page would reach, unless somebody says why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.core import timeline
from raglan.core.errors import Conflict
from raglan.core.models import Event, EventSubject
from raglan.oncall import events, ports
from raglan.oncall.models import Schedule
from raglan.people.models import Person

MAX_REASON = 300


class NotReady(Conflict):
    """Somebody who would take turns can not be reached; a reason overrules it."""

    code = "not_ready"

    def __init__(self, found: Sequence[ports.Unready]) -> None:
        names = "; ".join(item.words for item in found)
        people = [{"person_id": item.person.pk, "problems": list(item.problems)} for item in found]
        super().__init__(
            f"Not everybody here can be reached. {names}. Save it with a reason to overrule.", people=people
        )
        self.found = found


@dataclass(frozen=True, slots=True)
class Overruled:
    """Why a rota was saved although somebody in it could not be reached."""

    by: str
    reason: str
    at: datetime


def check(schedule: Schedule, people: Iterable[Person], *, overrule: str, actor: timeline.Subject) -> None:
    """Raise NotReady, in the transaction that saves, when somebody can not be reached; a reason is kept instead."""
    found = ports.unready(people)
    if not found:
        return
    if not overrule.strip():
        raise NotReady(found)
    payload = events.RotaOverruled(
        schedule=schedule.pk, people=[item.person.pk for item in found], reason=overrule.strip()[:MAX_REASON]
    )
    timeline.append(payload, actor=actor, about=[schedule, *(item.person for item in found), "oncall"])


def last_overruled(schedule: Schedule) -> Overruled | None:
    """Return why a rota was last saved although somebody in it could not be reached."""
    rows = EventSubject.objects.filter(subject=timeline.ref(schedule), event__kind=events.RotaOverruled.kind)
    row = rows.select_related("event").order_by("-event_id").first()
    return _overruled(row.event) if row else None


def _overruled(event: Event) -> Overruled:
    kind, _, number = event.actor.partition(":")
    person = Person.objects.filter(pk=int(number)).first() if kind == "person" and number.isdecimal() else None
    return Overruled(person.name if person else "a program", str(event.data["reason"]), event.at)

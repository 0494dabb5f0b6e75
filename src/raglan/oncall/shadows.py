"""Shadowing: somebody learns beside those on call. A shadow is told of pages, and is never on call by it."""

from datetime import datetime

from django.db.models import QuerySet

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.db.prepared import Prepared
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.oncall import events, leaves
from raglan.oncall.models import Schedule, Shadow
from raglan.people.models import Person

MOST = 12  # beside one rota at a time


@atomic
def add_shadow(schedule: Schedule, person: Person, starts_at: datetime, ends_at: datetime, *, by: Person) -> Shadow:
    """Let somebody shadow a schedule: oneself, or by who may configure. Safe to call twice. Raises BadInput."""
    if by != person and not by.may_configure:
        raise NotAllowed("You can shadow yourself; for others a manager does this.")
    if not person.is_active:
        raise BadInput("person_id", "this person is not active")
    leaves.check_times(starts_at, ends_at)
    same = live(schedule).filter(person=person, starts_at=starts_at, ends_at=ends_at).first()
    if same is not None:
        return same
    if live(schedule).count() >= MOST:
        raise BadInput("person_id", f"{MOST} shadows are enough for one rota")
    at = now()
    times = {"starts_at": starts_at, "ends_at": ends_at, "created_at": at}
    shadow = Shadow.objects.create(schedule=schedule, person=person, **times)
    payload = events.ShadowAdded(shadow=shadow.pk, schedule=schedule.pk, person=person.pk, **times)
    timeline.append(payload, actor=by, about=[schedule, shadow, person, "oncall"])
    return shadow


@atomic
def end_shadow(shadow: Shadow, *, by: Person) -> None:
    """Let somebody shadow no more from now on. Safe to call twice. Raises NotAllowed."""
    if by != shadow.person and not by.may_configure:
        raise NotAllowed("Only the shadow or a manager ends this.")
    at = now()
    if not Shadow.objects.filter(pk=shadow.pk, ended_at__isnull=True).update(ended_at=at):
        return
    payload = events.ShadowEnded(shadow=shadow.pk, ended_at=at)
    timeline.append(payload, actor=by, about=[shadow.schedule, shadow, shadow.person, "oncall"])


def live(schedule: Schedule) -> QuerySet[Shadow]:
    """Return who shadows a schedule now or later."""
    rows = Shadow.objects.filter(schedule=schedule, ended_at__isnull=True, ends_at__gt=now(), person__is_active=True)
    return rows.select_related("person", "schedule").order_by("starts_at", "pk")


_going_on = Prepared(lambda at: Shadow.objects.filter(ended_at__isnull=True, ends_at__gt=at).values_list("pk")[:1])


def is_anybody(at: datetime) -> bool:
    """Say whether anybody shadows anything at an instant or later, which in most places nobody does."""
    return bool(_going_on(at))


def beside(schedule_ids: list[int], at: datetime) -> list[Shadow]:
    """Return who shadows some schedules at an instant."""
    rows = Shadow.objects.filter(schedule__in=schedule_ids, ended_at__isnull=True, person__is_active=True)
    return list(rows.filter(starts_at__lte=at, ends_at__gt=at).select_related("person", "schedule").order_by("pk"))


def of(person: Person) -> list[Shadow]:
    """Return what somebody shadows now or later."""
    rows = Shadow.objects.filter(person=person, ended_at__isnull=True, ends_at__gt=now())
    return list(rows.select_related("schedule", "person").order_by("starts_at", "pk"))


def find(slug: str, pk: int) -> Shadow:
    """Return a shadow of a schedule. Raises NotFound."""
    found = Shadow.objects.select_related("schedule", "person").filter(pk=pk, schedule__slug=slug).first()
    if found is None:
        raise NotFound("There is no such shadow.")
    return found

"""Tests by appointment: each of a person's ways is tried through the whole path, at a time that they chose."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.oncall import queries as oncall
from raglan.oncall.wall import first_instant
from raglan.paging import events, hooks, readiness
from raglan.paging.models import Appointment, Page, Reached
from raglan.people.models import Person

TEST = "paging.appointment"
JUDGE = "paging.appointment_over"
ANSWER_WITHIN = timedelta(hours=2)
LOOK_AGAIN = timedelta(days=1)
WEEK = 7


@atomic
def agree(person: Person, *, kind: str, weekday: int, at: time, hours_before: int, by: Person | None) -> Appointment:
    """Set when somebody is tested: weekly, or some hours before each of their shifts. Raises BadInput."""
    if weekday not in range(WEEK):
        raise BadInput("weekday", "must be from 0, Monday, to 6", status=422)
    if not 1 <= hours_before <= WEEK * 24:
        raise BadInput("hours_before", "must be from 1 to 168", status=422)
    found, _ = Appointment.objects.update_or_create(
        person=person, defaults={"kind": kind, "weekday": weekday, "at": at, "hours_before": hours_before}
    )
    _tell_of(found, actor=by or timeline.SYSTEM)
    _plan(found)
    return found


@atomic
def call_off(person: Person, *, by: Person | None) -> None:
    """End somebody's tests by appointment. Safe to call twice."""
    found = Appointment.objects.filter(person=person).first()
    if found is not None:
        timers.cancel(TEST, JUDGE, subject=timeline.ref(found))
        told = events.AppointmentCalledOff(appointment=found.pk, person=person.pk)
        timeline.append(told, actor=by or timeline.SYSTEM, about=[person])
        found.delete()


def _tell_of(found: Appointment, *, actor: timeline.Subject) -> None:
    told = events.AppointmentMade(
        appointment=found.pk,
        person=found.person_id,
        appointment_kind=found.kind,
        weekday=found.weekday,
        at=f"{found.at:%H:%M}",
        hours_before=found.hours_before,
    )
    timeline.append(told, actor=actor, about=[found.person])


def next_time(found: Appointment, after: datetime) -> datetime | None:
    """Return when somebody is tested next; None while no shift of theirs is known. Weekly tests keep the wall clock."""
    if found.kind == Appointment.Kind.SHIFT:
        before = timedelta(hours=found.hours_before)
        shifts = oncall.shifts_of(found.person, after)
        return min((s.starts_at - before for _, s in shifts if s.starts_at - before > after), default=None)
    zone = ZoneInfo(found.person.time_zone)
    today = after.astimezone(zone).date()
    for number in range(WEEK + 1):
        day = today + timedelta(days=number)
        due = first_instant(datetime.combine(day, found.at), zone)
        if day.weekday() == found.weekday and due > after:
            return due
    return None


def _plan(found: Appointment) -> None:
    timers.cancel(TEST, subject=timeline.ref(found))
    at = now()
    due = next_time(found, at)
    again = min(due or at + LOOK_AGAIN, at + LOOK_AGAIN) if found.kind == Appointment.Kind.SHIFT else due
    timers.schedule(TEST, subject=timeline.ref(found), due_at=again or at + LOOK_AGAIN, payload={"tests": due == again})


@atomic
def keep(appointment_id: int, *, tests: bool) -> None:
    """Send the test that is due, and plan the next one. Rotas move, so shifts are looked at each day."""
    rows = Appointment.objects.select_for_update(of=("self",)).select_related("person")
    found = rows.filter(pk=appointment_id, person__is_active=True).first()
    if found is None:
        return
    if tests and (contacts := readiness.contacts_of(found.person)):
        before = set(Page.objects.filter(is_test=True, reached__person=found.person).values_list("pk", flat=True))
        for contact in contacts:
            hooks.send_test(contact, found.person)
        sent = Page.objects.filter(is_test=True, reached__person=found.person).exclude(pk__in=before)
        found.pages, found.tested_at, found.passed = list(sent.order_by("pk").values_list("pk", flat=True)), now(), None
        found.save(update_fields=["pages", "tested_at", "passed"])
        timers.schedule(JUDGE, subject=timeline.ref(found), due_at=now() + ANSWER_WITHIN)
        told = events.AppointmentKept(
            appointment=found.pk, person=found.person_id, pages=found.pages, at=found.tested_at
        )
        timeline.append(told, about=[found.person])
    _plan(found)


@atomic
def judge(appointment_id: int) -> None:
    """Note whether each way was answered in time; where none was, tell those who can put it right."""
    found = Appointment.objects.select_related("person").filter(pk=appointment_id).first()
    if found is None or not found.pages:
        return
    answered = set(
        Reached.objects.filter(page_id__in=found.pages)
        .exclude(answer__in=(Reached.Answer.NONE, Reached.Answer.UNREACHABLE))
        .values_list("page_id", flat=True)
    )
    found.passed = answered == set(found.pages)
    found.save(update_fields=["passed"])
    missing = [pk for pk in found.pages if pk not in answered]
    told = events.AppointmentJudged(
        appointment=found.pk, person=found.person_id, passed=found.passed, unanswered=missing
    )
    timeline.append(told, about=[found.person, "people"])
    if not answered:
        problem = readiness.Problem("test_unanswered", "did not answer the test by appointment on any way", blocks=True)
        readiness.tell(readiness.Readiness(found.person, (problem,)))


@timers.handler(TEST)
def test_due(due: timers.Due) -> None:
    """An appointment is due."""
    keep(due.subject_id, tests=bool(due.payload.get("tests")))


@timers.handler(JUDGE)
def test_over(due: timers.Due) -> None:
    """The time to answer a test is over."""
    judge(due.subject_id)

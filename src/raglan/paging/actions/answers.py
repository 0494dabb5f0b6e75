"""Answers of people: taking a page, joining, passing it on."""

from datetime import datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import Conflict
from raglan.paging import events, queries
from raglan.paging.actions.ending import cancel_notifications, stop
from raglan.paging.actions.names import BACK, OPEN, Via, about
from raglan.paging.actions.steps import hurry
from raglan.paging.hours import Hours
from raglan.paging.models import Notification, Page, Reached
from raglan.paging.plan import Plan
from raglan.people.actions import confirm_contact
from raglan.people.models import Person

UNSENT = (Notification.State.WAITING, Notification.State.SENDING)


class AlreadyTaken(Conflict):
    """Somebody else has the page."""

    code = "already_taken"

    def __init__(self, page: Page) -> None:
        who = page.acknowledged_by.name if page.acknowledged_by else "Somebody else"
        super().__init__(f"{who} has it already. You can join them.")
        self.page = page


@atomic
def acknowledge(page: Page, *, by: Person | None, via: Via, actor: timeline.Subject | None = None) -> Page:
    """Take the page: stop its escalation and its waiting messages. Safe to call twice. Raises AlreadyTaken.

    Where a step wants each of its people, the page is taken when the last of them says so.
    """
    at = now()
    if by is not None and _waits_for_others(page, by):
        return _confirm(page, by, via, at)
    taken = Page.objects.filter(pk=page.pk, state__in=OPEN).update(
        state=Page.State.ACKNOWLEDGED,
        acknowledged_at=at,
        acknowledged_by=by,
        next_step_at=None,
        held_since=None,
        snoozed_until=None,
    )
    page.refresh_from_db()
    if not taken:
        if page.state == Page.State.ACKNOWLEDGED and page.acknowledged_by_id != (by.pk if by else None):
            raise AlreadyTaken(page)
        return page
    stop(page)
    reached = note_answer(page, by, Reached.Answer.HAS_IT, at, via=via) if by else None
    timeline.append(
        events.PageAcknowledged(person=by.pk if by else None, via=via, reached=reached, at=at),
        actor=actor or by or timeline.SYSTEM,
        about=about(page),
    )
    plan_return(page)
    return page


def plan_return(page: Page) -> None:
    """Let a forgotten acknowledgement be asked about, in daylight."""
    plan = Plan.from_json(page.plan)
    if plan.forgotten_after_s and page.acknowledged_at and not page.is_test:
        due_at = daylight_of(page, plan).opens(page.acknowledged_at + timedelta(seconds=plan.forgotten_after_s))
        timers.schedule(BACK, subject=timeline.ref(page), due_at=due_at)


def daylight_of(page: Page, plan: Plan) -> Hours:
    """Return in which hours a page that somebody has may come back: the policy's, else nine to five where they are."""
    every_day = tuple(range(7))
    return plan.hours or Hours(page.acknowledged_by.time_zone if page.acknowledged_by else "UTC", days=every_day)


def _waits_for_others(page: Page, by: Person) -> bool:
    """Say whether a step that wants each of its people still lacks somebody else."""
    row = Page.objects.select_for_update(no_key=True).filter(pk=page.pk, state__in=OPEN).first()
    return row is not None and any(pk != by.pk for pk in queries.missing(row))


def _confirm(page: Page, by: Person, via: Via, at: datetime) -> Page:
    if not _answered(page, by, Reached.Answer.HAS_IT):
        reached = note_answer(page, by, Reached.Answer.HAS_IT, at, via=via)
        cancel_notifications(page, person=by)
        confirmed = events.PageConfirmed(person=by.pk, via=via, reached=reached, at=at, missing=queries.missing(page))
        timeline.append(confirmed, actor=by, about=about(page))
    page.refresh_from_db()
    return page


def join(page: Page, *, by: Person, via: Via) -> Page:
    """Join whoever has it. On a page that nobody has taken, a person who is awake and joins also takes it."""
    if page.state in OPEN:
        try:
            return acknowledge(page, by=by, via=via)
        except AlreadyTaken:
            page.refresh_from_db()
    return _join(page, by, via)


@atomic
def _join(page: Page, by: Person, via: Via) -> Page:
    if not _answered(page, by, Reached.Answer.JOINS):
        at = now()
        joined = events.PageJoined(
            person=by.pk, via=via, reached=note_answer(page, by, Reached.Answer.JOINS, at, via=via), at=at
        )
        timeline.append(joined, actor=by, about=about(page))
        cancel_notifications(page, person=by)
    return page


@atomic
def pass_on(page: Page, *, by: Person, via: Via) -> Page:
    """Say that one can not take it now: the next step follows at once."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    if _answered(page, by, Reached.Answer.PASSED_ON) or not (page.state in OPEN or queries.is_added(page, by)):
        return page
    at = now()
    reached = note_answer(page, by, Reached.Answer.PASSED_ON, at, via=via)
    cancel_notifications(page, person=by)
    passed = events.PagePassedOn(person=by.pk, via=via, reached=reached, at=at)
    timeline.append(passed, actor=by, about=about(page))
    if not somebody_left(page):
        hurry(page)
    return page


def somebody_left(page: Page) -> bool:
    """Say whether somebody of the present step may still answer, or a program has yet to be told."""
    here = {"round": page.round, "step": page.step}
    return (
        page.reached.filter(**here, answer=Reached.Answer.NONE).exists()
        or page.calls.filter(**here, state__in=UNSENT).exists()
    )


def go_on_untold(page: Page, *, round_: int, step: int) -> None:
    """Take the next step now, where a step that failed to tell something has nobody left, and tells nothing else.

    A program or a room that was told, or may be yet, keeps a step at its wait only where it asks no people: those
    who have passed it on wait for nobody.
    """
    if (page.round, page.step) != (round_, step) or somebody_left(page):
        return
    here = {"round": round_, "step": step}
    told = (*UNSENT, Notification.State.HANDED_OVER)
    others = any(calls.filter(**here, state__in=told).exists() for calls in (page.calls, page.chat_calls))
    asked = page.reached.filter(**here).exclude(answer=Reached.Answer.UNREACHABLE)
    if not others or asked.exists():
        hurry(page)


def _answered(page: Page, person: Person, answer: Reached.Answer) -> bool:
    latest = queries.last_reached(page, person)
    return latest is not None and latest.answer == answer


def note_answer(page: Page, person: Person, answer: Reached.Answer, at: datetime, *, via: Via) -> int:
    """Note an answer; return the id of the row that holds it."""
    latest = queries.last_reached(page, person) or Reached.objects.create(
        page=page, person=person, round=page.round, step=max(0, page.step), why="came by themselves", at=at
    )
    Reached.objects.filter(pk=latest.pk).update(answer=answer, answered_at=at)
    Notification.objects.filter(
        page=page, person=person, handed_over_at__isnull=False, confirmed_at__isnull=True
    ).update(confirmed_at=at)
    if via == Via.LINK:
        _confirm_way(page, person)
    return latest.pk


def _confirm_way(page: Page, person: Person) -> None:
    """An answer by the link in a message proves the way it came by, where only one way had been used."""
    sent = Notification.objects.filter(page=page, person=person, handed_over_at__isnull=False, contact__isnull=False)
    contacts = {item.contact for item in sent.select_related("contact") if item.contact}
    for contact in contacts if len(contacts) == 1 else ():
        if contact.confirmed_at is None:
            confirm_contact(contact, actor=person)

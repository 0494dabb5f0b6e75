"""What happens later in paging."""

from collections.abc import Sequence
from datetime import timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.paging import (
    actions,
    audit,
    backlog,
    calls,
    chat_calls,
    chat_ready,
    delivery,
    events,
    handing,
    last_resort,
    promises,
    queries,
    readiness,
    returning,
)
from raglan.paging.models import Page
from raglan.paging.plan import Plan

AUDIT = "paging.audit"
AUDIT_EVERY = timedelta(minutes=1)
READINESS = "paging.readiness"
AN_HOUR = timedelta(hours=1)
DAILY_AT_HOUR = 8  # UTC
PUBLISH_EVERY = 5  # minutes
FOR_ALERTS = ("group", "storm")

timers.handler(
    actions.DELIVER, network=True, first=True, several=handing.deliver_several, on_parked=delivery.on_parked
)(delivery.deliver)
timers.gives_back(handing.give_back_unbegun)
timers.handler(actions.CALL, network=True, first=True, on_parked=calls.on_parked)(calls.call)
timers.handler(actions.TELL, on_parked=chat_calls.on_parked)(chat_calls.tell)
timers.handler(actions.GIVE_UP, on_parked=chat_calls.on_parked)(chat_calls.give_up)


def escalate_anyway(due: timers.Due, error: str) -> None:
    """A step whose code raised is set aside; the page goes on with the next step at once."""
    page = Page.objects.filter(queries.GOES_ON, pk=due.subject_id).first()
    if page is not None:
        page.round, page.step = Plan.from_json(page.plan).after(page.round, page.step) or (page.round, page.step)
        failed = events.StepFoundNobody(step=max(0, page.step), why=f"raglan itself failed: {error[:300]}")
        timeline.append(failed, about=[page, "now"])
        actions.plan_next_step(page, timedelta(seconds=1))
        audit.tell(f"A step of page {page.pk} failed inside raglan and was passed over", error[:2000])


def escalate_many(dues: Sequence[timers.Due], take: timers.Take) -> None:
    """Take the plain steps of many pages; those that a node may have paged for without the database come alone."""
    may_be_told = last_resort.is_told()
    actions.escalate_many(dues, take, leave=lambda page: may_be_told and _is_fresh(page))


def _is_fresh(page: Page) -> bool:
    return page.step == -1 and page.round == 0 and page.reason_type in FOR_ALERTS


@timers.handler(actions.ESCALATE, on_parked=escalate_anyway, together=escalate_many)
def escalate(due: timers.Due) -> None:
    """Take the next step of a page; before its first one, see whether it was paged for without the database."""
    fresh = Page.objects.filter(queries.GOES_ON, pk=due.subject_id, step=-1, round=0)
    page = fresh.filter(reason_type__in=FOR_ALERTS).first()
    may_repeat = page is not None and last_resort.before_first_step(page)
    actions.escalate(due.subject_id)
    if page is not None and may_repeat:
        last_resort.mark(page)


@timers.handler(READINESS)
def look_at_readiness(due: timers.Due) -> None:
    """Look each hour at those whose shift comes, and once a day at everybody."""
    at = now()
    readiness.look(all_members=at.hour == DAILY_AT_HOUR)
    if at.hour == DAILY_AT_HOUR:
        chat_ready.look()
    timers.schedule(READINESS, subject="paging", due_at=at.replace(minute=0, second=0, microsecond=0) + AN_HOUR)


@timers.handler(actions.BACK, on_parked=timers.goes_on(AUDIT_EVERY))
def come_back(due: timers.Due) -> None:
    """Let a snoozed or forgotten page return."""
    returning.come_back(due.subject_id)


@timers.handler(AUDIT, on_parked=timers.goes_on(AUDIT_EVERY))
def look_after_itself(due: timers.Due) -> None:
    """Repair what lost its timer; after an outage bring the backlog in order and tell what came and went."""
    at = now()
    if since := audit.was_down(due.due_at, at):
        backlog.put_in_order()
        backlog.digest(since)
    audit.repair()
    if at.minute % PUBLISH_EVERY == 0:
        promises.publish()
    timers.schedule(AUDIT, subject="paging", due_at=at + AUDIT_EVERY)

"""The first step of new pages, taken in the very transaction that starts them, and their messages claimed there.

A page that waits for nobody needs no timer to be told that its first step is due, and a message that this process is
going to hand over at once needs no claim of its own. So the commit that takes an alert is the only one before its
message goes out. What is not plain is left to the timers, and all is where no engine runs; a test compares what is left
behind.
"""

from collections.abc import Mapping, Sequence

from django.db import DatabaseError, InterfaceError
from django.db.models import Model

from raglan.core import logs, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, bulk
from raglan.core.models import Timer
from raglan.paging import actions, last_resort
from raglan.paging.actions import many
from raglan.paging.actions.known import known_now
from raglan.paging.actions.names import why_and_page
from raglan.paging.models import Notification, Page, Reached

FOR_ALERTS = ("group", "storm")
log = logs.get("raglan.paging")


def keys_for(pages: int) -> Mapping[type[Model], int]:
    """Return how many keys of which tables so many new pages take with their first steps, mostly."""
    if timers.taker() is None:
        return {Page: pages, Timer: pages}
    return {Page: pages, Timer: 2 * pages, Reached: pages, Notification: pages}


@atomic(savepoint=False)
def start_many(pages: Sequence[Page]) -> list[timeline.Record]:
    """Write drafted pages as `actions.start_many` does, and take the first step of those for which that is plain.

    Return what is to be told of them: whoever calls this appends it, with more of the same moment. That a page started
    says where it then stands, so that nothing more is told of a step that it has taken.
    """
    if timers.taker() is None:
        actions.store(pages)
        return [timeline.record(actions.started(page), why_and_page(page)) for page in pages]
    at = now()
    steps = _first_steps(pages)
    for step in steps:
        step.move_on()
    told = {page.id: [timeline.record(actions.started(page), why_and_page(page))] for page in pages}
    bulk.insert(pages)
    timers.schedule_many([timers.Plan(actions.ESCALATE, timeline.ref(page), page.next_step_at or at) for page in pages])
    reached = many.reach_out(steps, at)
    for step in steps:
        told[step.page.id] += [timeline.record(*fact) for fact in many.told_of_people(step, reached[step.page.id])]
    return [record for records in told.values() for record in records]


def _first_steps(pages: Sequence[Page]) -> list[many.Step]:
    """Return the plain first steps of pages that wait for nothing; none when they can not be told.

    No mistake in whom to page may keep an alert from the disk: what raises here is left to the timers, which try again.
    """
    try:
        known = known_now()
        may_be_told = last_resort.is_told()
        fresh = (page for page in pages if not (may_be_told and page.reason_type in FOR_ALERTS))
        due = [page for page in fresh if page.next_step_at is not None and page.next_step_at <= known.at]
        steps = (many.step_of(page, known) for page in due)
        return [step for step in steps if step is not None]
    except (DatabaseError, InterfaceError):
        raise  # the transaction is broken: all of it is tried again
    except Exception:
        log.exception("the first steps of new pages could not be told at once; their timers take them")
        return []

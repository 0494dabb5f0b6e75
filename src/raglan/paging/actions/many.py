"""Take the steps of many pages at once, as a storm wants it: with few statements, where nothing is special about them.

A step is plain when it asks people who all have a way and have not answered. Anything else is left to `escalate`, which
does the same for one page; a test compares what the two leave behind.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.paging import claimed, events, queries
from raglan.paging.actions.known import Known, Ways
from raglan.paging.actions.names import ESCALATE, about
from raglan.paging.actions.reaching import key_of, reached_out
from raglan.paging.actions.steps import LATE, escalate
from raglan.paging.models import Notification, Page, Reached
from raglan.paging.plan import EarlierSteps, Plan
from raglan.people.models import ContactMethod

Take = Callable[[Sequence[timers.Due]], Sequence[timers.Due]]


@dataclass(frozen=True, slots=True)
class Step:
    """A plain step of one page: whom it asks, by which ways, and what follows when."""

    page: Page
    round: int
    step: int
    asked: list[tuple[queries.Whom, Ways]]
    next_at: datetime

    def move_on(self) -> None:
        """Put the page where it stands after the step; whoever calls this stores it."""
        page = self.page
        page.round, page.step, page.next_step_at, page.held_since = self.round, self.step, self.next_at, None


def escalate_many(dues: Sequence[timers.Due], take: Take, *, leave: Callable[[Page], bool]) -> None:
    """Take the plain steps among those that are due; `leave` says of which pages somebody else has to think first.

    Timers come before pages, as they do for one page, so that no two workers wait for each other.
    """
    known = Known(now())
    wanted = Page.objects.filter(queries.GOES_ON, pk__in=[due.subject_id for due in dues])
    plain = _plain([page for page in wanted if not leave(page)], known)
    taken = take([due for due in dues if due.subject_id in plain])
    locked = Page.objects.select_for_update(no_key=True).filter(queries.GOES_ON)
    pages = locked.filter(pk__in=[due.subject_id for due in taken]).order_by("pk")
    coming = [page for page in pages if page.next_step_at is None or page.next_step_at <= known.at]
    plain = _plain(coming, known)
    for page in coming:
        if page.id not in plain:  # it has changed meanwhile
            escalate(page.id)
    if plain:
        _take_steps(list(plain.values()), known.at)


def _plain(pages: Sequence[Page], known: Known) -> dict[int, Step]:
    ids = [page.id for page in pages]
    answered = set(Reached.objects.filter(page_id__in=ids, answer__in=queries.SPARED).values_list("page_id", flat=True))
    steps = (step_of(page, known) for page in pages if page.id not in answered)
    return {step.page.id: step for step in steps if step is not None}


def step_of(page: Page, known: Known) -> Step | None:
    """Return the coming step of a page where it is plain; that somebody has answered already is not looked at."""
    plan = Plan.from_json(page.plan)
    coming = plan.after(page.round, page.step)
    if coming is None:
        return None
    step = plan.steps[coming[1]]
    is_first = (page.round, page.step) == (0, -1)
    if plan.earlier_steps == EarlierSteps.STOP and not is_first:
        return None
    if any(target.is_nobody for target in step.targets):
        return None
    asked = [(item, known.ways(item.person, page.urgency)) for item in known.whom(step.targets)]
    if not asked or not all(ways for _, ways in asked):
        return None
    return Step(page, *coming, asked, plan.at_daylight(known.at + plan.wait_of(coming[1]), page.urgency))


def _take_steps(steps: Sequence[Step], at: datetime) -> None:
    late = {step.page.id: at - step.page.next_step_at for step in steps if step.page.next_step_at is not None}
    for step in steps:
        step.move_on()
    pages = [step.page for step in steps]
    bulk.update(pages, "round", "step", "next_step_at", "held_since")
    timers.cancel_all([ESCALATE], [timeline.ref(page) for page in pages])
    timers.schedule_many([timers.Plan(ESCALATE, timeline.ref(page), page.next_step_at or at) for page in pages])
    reached = reach_out(steps, at)
    facts: list[Fact] = []
    for step in steps:
        facts += told(step, reached[step.page.id], late.get(step.page.id, timedelta(0)))
    timeline.append_many(facts)


Reaching = tuple[Reached, list[Notification]]
Fact = tuple[timeline.EventPayload, Sequence[timeline.Subject]]


def reach_out(steps: Sequence[Step], at: datetime) -> dict[int, list[Reaching]]:
    """Store whom each page reaches out to, by page, and their messages; those that can go at once are claimed."""
    keys = iter(bulk.take_keys(Reached, sum(len(step.asked) for step in steps)))
    rows = [(step, _row(step, item, at, next(keys)), ways) for step in steps for item, ways in step.asked]
    bulk.insert([row for _, row, _ in rows])
    keys = iter(bulk.take_keys(Notification, sum(len(ways) for _, _, ways in rows)))
    found: dict[int, list[Reaching]] = {step.page.id: [] for step in steps}
    for step, row, ways in rows:
        messages = [
            _message(row, contact, delay_s, number, next(keys)) for number, (contact, delay_s) in enumerate(ways)
        ]
        found[step.page.id].append((row, messages))
    claimed.store([message for reaching in found.values() for _, messages in reaching for message in messages])
    return found


def _row(step: Step, item: queries.Whom, at: datetime, key: int) -> Reached:
    return bulk.fresh(
        Reached,
        {"page": step.page, "person": item.person},
        id=key,
        page_id=step.page.id,
        person_id=item.person.id,
        round=step.round,
        step=step.step,
        why=item.why[:200],
        at=at,
        is_added=False,
    )


def _message(row: Reached, contact: ContactMethod, delay_s: int, number: int, key: int) -> Notification:
    return bulk.fresh(
        Notification,
        {"page": row.page, "person": row.person, "contact": contact, "reached": row},
        id=key,
        page_id=row.page_id,
        person_id=row.person_id,
        contact_id=contact.id,
        reached_id=row.id,
        channel=contact.kind,
        address=contact.address[:500],
        key=key_of(row, contact, number),
        due_at=row.at + timedelta(seconds=delay_s),
    )


def told(step: Step, reached: Sequence[Reaching], late: timedelta = timedelta(0)) -> Iterable[Fact]:
    """Return what is told of a step."""
    page = step.page
    if late > LATE:
        yield events.StepLate(round=step.round, step=step.step, delay_s=round(late.total_seconds())), about(page)
    yield from told_of_people(step, reached)
    planned = events.NextStepPlanned(round=step.round, step=step.step, next_step_at=step.next_at, held_since=None)
    yield planned, [page]


def told_of_people(step: Step, reached: Sequence[Reaching]) -> Iterable[Fact]:
    """Return what is told of whom a step asks."""
    subjects = about(step.page)
    for row, messages in reached:
        yield reached_out(row, messages), [*subjects, row.person]

"""Take the steps of many pages at once, as a storm wants it: with few statements, where nothing is special about them.

A step is plain when it asks people who all have a way and have not answered. Anything else is left to `escalate`, which
does the same for one page; a test compares what the two leave behind.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.paging import events, queries
from raglan.paging.actions.names import DELIVER, ESCALATE, about
from raglan.paging.actions.reaching import key_of, reached_out, ways_to
from raglan.paging.actions.steps import LATE, SPARED, escalate
from raglan.paging.models import Notification, Page, Reached
from raglan.paging.plan import EarlierSteps, Plan, Target
from raglan.people.models import ContactMethod, Person

Take = Callable[[Sequence[timers.Due]], Sequence[timers.Due]]
Ways = list[tuple[ContactMethod, int]]


@dataclass(frozen=True, slots=True)
class _Step:
    """A plain step of one page: whom it asks, by which ways, and what follows when."""

    page: Page
    round: int
    step: int
    asked: list[tuple[queries.Whom, Ways]]
    next_at: datetime


@dataclass(slots=True)
class _Known:
    """What is read once for all pages of a batch."""

    at: datetime
    _whom: dict[tuple[Target, ...], list[queries.Whom]] = field(default_factory=dict)
    _ways: dict[tuple[int, str], Ways] = field(default_factory=dict)

    def whom(self, targets: tuple[Target, ...]) -> list[queries.Whom]:
        if targets not in self._whom:
            self._whom[targets] = queries.whom(targets, self.at)
        return self._whom[targets]

    def ways(self, person: Person, urgency: str) -> Ways:
        if (person.pk, urgency) not in self._ways:
            self._ways[person.pk, urgency] = ways_to(person, urgency)
        return self._ways[person.pk, urgency]


def escalate_many(dues: Sequence[timers.Due], take: Take, *, leave: Callable[[Page], bool]) -> None:
    """Take the plain steps among those that are due; `leave` says of which pages somebody else has to think first.

    Timers come before pages, as they do for one page, so that no two workers wait for each other.
    """
    known = _Known(now())
    wanted = Page.objects.filter(queries.GOES_ON, pk__in=[due.subject_id for due in dues])
    plain = _plain([page for page in wanted if not leave(page)], known)
    taken = take([due for due in dues if due.subject_id in plain])
    locked = Page.objects.select_for_update(no_key=True).filter(queries.GOES_ON)
    pages = locked.filter(pk__in=[due.subject_id for due in taken]).order_by("pk")
    coming = [page for page in pages if page.next_step_at is None or page.next_step_at <= known.at]
    plain = _plain(coming, known)
    for page in coming:
        if page.pk not in plain:  # it has changed meanwhile
            escalate(page.pk)
    if plain:
        _take_steps(list(plain.values()), known.at)


def _plain(pages: Sequence[Page], known: _Known) -> dict[int, _Step]:
    ids = [page.pk for page in pages]
    answered = set(Reached.objects.filter(page_id__in=ids, answer__in=SPARED).values_list("page_id", flat=True))
    steps = (_step_of(page, known) for page in pages if page.pk not in answered)
    return {step.page.pk: step for step in steps if step is not None}


def _step_of(page: Page, known: _Known) -> _Step | None:
    plan = Plan.from_json(page.plan)
    coming = plan.after(page.round, page.step)
    if coming is None:
        return None
    step = plan.steps[coming[1]]
    is_first = (page.round, page.step) == (0, -1)
    if plan.earlier_steps == EarlierSteps.STOP and not is_first:
        return None
    if any(target.type == "webhook" for target in step.targets):
        return None
    asked = [(item, known.ways(item.person, page.urgency)) for item in known.whom(step.targets)]
    if not asked or not all(ways for _, ways in asked):
        return None
    return _Step(page, *coming, asked, plan.at_daylight(known.at + timedelta(seconds=step.wait_s), page.urgency))


def _take_steps(steps: Sequence[_Step], at: datetime) -> None:
    late = {step.page.pk: at - step.page.next_step_at for step in steps if step.page.next_step_at is not None}
    reached = _reached(steps, at)
    messages = _messages(reached)
    facts: list[tuple[timeline.EventPayload, Sequence[timeline.Subject]]] = []
    for step in steps:
        page = step.page
        page.round, page.step, page.next_step_at, page.held_since = step.round, step.step, step.next_at, None
        facts += _told(step, late.get(page.pk, timedelta(0)), reached, messages)
    pages = [step.page for step in steps]
    bulk.update(pages, "round", "step", "next_step_at", "held_since")
    timers.cancel_all([ESCALATE], [timeline.ref(page) for page in pages])
    timers.schedule_many([*_next_steps(pages), *_deliveries(messages)])
    timeline.append_many(facts)


Reaching = tuple[Reached, Ways]


def _reached(steps: Sequence[_Step], at: datetime) -> dict[int, list[Reaching]]:
    """Store whom each page reaches out to, by page."""
    keys = iter(bulk.take_keys(Reached, sum(len(step.asked) for step in steps)))
    found = {step.page.pk: [(_row(step, item, at, next(keys)), ways) for item, ways in step.asked] for step in steps}
    bulk.insert([row for rows in found.values() for row, _ in rows])
    return found


def _row(step: _Step, item: queries.Whom, at: datetime, key: int) -> Reached:
    return bulk.fresh(
        Reached,
        {"page": step.page, "person": item.person},
        id=key,
        page_id=step.page.pk,
        person_id=item.person.pk,
        round=step.round,
        step=step.step,
        why=item.why[:200],
        at=at,
        is_added=False,
    )


def _messages(reached: dict[int, list[Reaching]]) -> dict[int, list[Notification]]:
    """Store what is to be sent, by the person that is reached."""
    rows = [pair for pairs in reached.values() for pair in pairs]
    keys = iter(bulk.take_keys(Notification, sum(len(ways) for _, ways in rows)))
    found = {
        row.pk: [_message(row, contact, delay_s, number, next(keys)) for number, (contact, delay_s) in enumerate(ways)]
        for row, ways in rows
    }
    bulk.insert([message for messages in found.values() for message in messages])
    return found


def _message(row: Reached, contact: ContactMethod, delay_s: int, number: int, key: int) -> Notification:
    return bulk.fresh(
        Notification,
        id=key,
        page_id=row.page_id,
        person_id=row.person_id,
        contact_id=contact.pk,
        reached_id=row.pk,
        channel=contact.kind,
        address=contact.address[:500],
        key=key_of(row, contact, number),
        due_at=row.at + timedelta(seconds=delay_s),
    )


def _told(
    step: _Step, late: timedelta, reached: dict[int, list[Reaching]], messages: dict[int, list[Notification]]
) -> Iterable[tuple[timeline.EventPayload, Sequence[timeline.Subject]]]:
    page = step.page
    if late > LATE:
        yield events.StepLate(round=step.round, step=step.step, delay_s=round(late.total_seconds())), about(page)
    for row, _ in reached[page.pk]:
        yield reached_out(row, messages[row.pk]), [*about(page), row.person]
    planned = events.NextStepPlanned(round=step.round, step=step.step, next_step_at=step.next_at, held_since=None)
    yield planned, [page]


def _next_steps(pages: Sequence[Page]) -> Iterable[timers.Plan]:
    return (timers.Plan(ESCALATE, timeline.ref(page), page.next_step_at or now()) for page in pages)


def _deliveries(messages: dict[int, list[Notification]]) -> Iterable[timers.Plan]:
    listed = (message for several in messages.values() for message in several)
    return (timers.Plan(DELIVER, f"notification:{message.pk}", message.due_at) for message in listed)

"""Verbs for what follows an answer: snoozed, given back, handed on or forgotten pages, and people added later.

A page that comes back begins its plan again in a new round; where somebody is named, they are asked first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Event
from raglan.paging import actions, events, queries
from raglan.paging.models import Page, Reached
from raglan.paging.plan import Plan, Urgency
from raglan.people.models import Person

MAX_SNOOZE = timedelta(days=7)
ADDED_STEP = 1000  # people added by hand belong to no step of the plan


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that is no person and acts on a page, such as the source of its alert."""

    name: str
    ref: str


By = Person | Outside


def _actor(by: By) -> timeline.Subject:
    return by.ref if isinstance(by, Outside) else by


@atomic
def snooze(page: Page, *, until: datetime, by: Person, via: actions.Via) -> Page:
    """Take a page, and let it come back at a time: to whoever snoozed it first. Safe to call twice.

    Raises BadInput, AlreadyTaken, and Conflict where the step wants each of its people and others have yet to say so.
    """
    at = now()
    _check(until, at)
    page = _live(page)
    if page.state in actions.OPEN and (others := [pk for pk in queries.missing(page) if pk != by.pk]):
        names = " and ".join(Person.objects.filter(pk__in=others).order_by("name").values_list("name", flat=True))
        raise Conflict(f"Each of this step must have it, and {names} has not said so yet. Take it now, snooze it then.")
    if page.state == Page.State.ACKNOWLEDGED and page.acknowledged_by_id not in (None, by.pk):
        raise actions.AlreadyTaken(page)
    if page.snoozed_until == until:
        return page
    page.state, page.acknowledged_at, page.acknowledged_by = Page.State.ACKNOWLEDGED, at, by
    page.next_step_at, page.held_since, page.snoozed_until = None, None, until
    page.save()
    actions.stop(page)
    reached = actions.note_answer(page, by, Reached.Answer.HAS_IT, at, via=via)
    timers.schedule(actions.BACK, subject=timeline.ref(page), due_at=until)
    snoozed = events.PageSnoozed(person=by.pk, via=via, reached=reached, until=until, at=at)
    timeline.append(snoozed, actor=by, about=actions.about(page))
    return page


@atomic
def snooze_outside(page: Page, *, until: datetime, by: Outside) -> Page:
    """Let a page come back at a time, to whoever has it, or else to its plan. Safe to call twice."""
    at = now()
    _check(until, at)
    page = _live(page)
    if page.snoozed_until == until:
        return page
    has_it = page.state == Page.State.ACKNOWLEDGED
    page.acknowledged_at = page.acknowledged_at if has_it else at
    page.state, page.next_step_at, page.held_since, page.snoozed_until = Page.State.ACKNOWLEDGED, None, None, until
    page.save()
    actions.stop(page)
    timers.schedule(actions.BACK, subject=timeline.ref(page), due_at=until)
    snoozed = events.PageSnoozed(
        person=page.acknowledged_by_id,
        via=actions.Via.SOURCE,
        reached=None,
        until=until,
        at=page.acknowledged_at or at,
    )
    timeline.append(snoozed, actor=by.ref, about=actions.about(page))
    return page


@atomic
def next_step(page: Page, *, by: Outside) -> Page:
    """Take the next step of a page that nobody has now, instead of after its wait. Raises Conflict."""
    page = _live(page)
    if page.state == Page.State.ACKNOWLEDGED:
        who = page.acknowledged_by.name if page.acknowledged_by else "Its source"
        raise Conflict(f"{who} has this page. Give it back first, or hand it on.")
    if page.next_step_at is None or page.next_step_at > now():
        hurried = events.PageHurried(why=f"{by.name} asked for the next step")
        timeline.append(hurried, actor=by.ref, about=actions.about(page))
        actions.hurry(page)
    page.refresh_from_db()
    return page


@atomic
def give_back(page: Page, *, by: By) -> Page:
    """Take an acknowledgement back: the page begins again at once. Safe to call twice."""
    page = _live(page)
    if page.state == Page.State.ACKNOWLEDGED:
        _begin(page, actor=_actor(by), why=f"{by.name} gave it back")
    return page


@atomic
def give_back_of(person: Person) -> list[Page]:
    """Begin anew what somebody has who left, but not what comes back anyway, nor what is old; see `come_back`."""
    if Person.objects.filter(pk=person.pk, is_active=True).exists():
        return []
    theirs = Page.objects.select_for_update(no_key=True, of=("self",)).filter(
        state=Page.State.ACKNOWLEDGED, acknowledged_by=person, snoozed_until=None, is_test=False
    )
    pages = list(theirs.filter(created_at__gte=now() - queries.OLD).order_by("pk"))
    for page in pages:
        _begin(page, actor=timeline.SYSTEM, why=f"{person.name}, who had it, has left")
    return pages


@atomic
def take_without(person: Person) -> list[Page]:
    """Take the pages that waited only for a person who left, where each must acknowledge: for who said so last."""
    if Person.objects.filter(pk=person.pk, is_active=True).exists():
        return []
    asked = Reached.objects.filter(person=person, is_added=False).exclude(answer=Reached.Answer.HAS_IT)
    rows = Page.objects.select_for_update(no_key=True, of=("self",)).filter(
        state__in=actions.OPEN, is_test=False, pk__in=asked.values("page")
    )
    taken = []
    for page in rows.order_by("pk"):
        if (last := queries.confirmed_last(page)) and not queries.missing(page):
            told = Event.objects.filter(
                kind=events.PageConfirmed.kind, subjects__subject=timeline.ref(page), actor=timeline.ref(last)
            ).order_by("-pk")
            if (event := told.first()) is not None:
                via = actions.Via(event.data["via"])
                taken.append(actions.acknowledge(page, by=last, via=via, actor=timeline.SYSTEM))
    return taken


def given_back_at(page: Page) -> datetime | None:
    """Return when a page came back last; None for never. Not that a source took its own word back: that is one alert's.

    What a source hands on to somebody counts, as what people and the time do.
    """
    told = Event.objects.filter(kind=events.PageReturned.kind, subjects__subject=timeline.ref(page)).order_by("-pk")
    for event in told[:100]:
        if event.data.get("person") is not None or not event.actor.startswith("source:"):
            return event.at
    return None


@atomic
def hand_on(page: Page, *, to: Person, by: By) -> Page:
    """Hand a page on to a named person: they are asked at once, and the plan goes on from its start after them."""
    if not to.is_active:
        raise BadInput("person_id", "this person has left", status=422)
    page = _live(page)
    plan = Plan.from_json(page.plan)
    waits_for = plan.steps[0].targets[0].id if plan.head else None
    if page.state != Page.State.TRIGGERED or waits_for != to.pk:
        _begin(page, actor=_actor(by), why=f"{by.name} handed it on to {to.name}", first=to.pk)
    return page


@atomic
def add_people(page: Page, people: Sequence[Person], *, by: By) -> list[Reached]:
    """Ask more people to a page, whoever has it already. Each is asked until they answer themselves."""
    page = _live(page)
    added = []
    for person in people:
        waiting = page.reached.filter(person=person, answer=Reached.Answer.NONE)
        if waiting.exists() or not person.is_active:
            continue
        step = ADDED_STEP + page.reached.filter(is_added=True).count()
        item = queries.Whom(person, f"{by.name} asks you to join")
        if reached := actions.reach(page, item, step=step, is_added=True):
            added.append(reached)
    return added


@atomic
def come_back(page_id: int) -> None:
    """Let a page return whose snooze is over, or whose acknowledgement seems forgotten; never at night, never old.

    A page that is older than a week does not return: it stands in the list of pages acknowledged long ago.
    """
    rows = Page.objects.select_for_update(no_key=True, of=("self",)).select_related("acknowledged_by")
    found = rows.filter(pk=page_id, state=Page.State.ACKNOWLEDGED).first()
    if found is None:
        return
    at = now()
    if found.snoozed_until is not None:
        if found.snoozed_until <= at:
            _begin(found, actor=timeline.SYSTEM, why="the snooze is over", first=found.acknowledged_by_id)
        return
    _ask_again(found, at)


def _ask_again(page: Page, at: datetime) -> None:
    plan = Plan.from_json(page.plan)
    due = (page.acknowledged_at or at) + timedelta(seconds=plan.forgotten_after_s)
    if due > at or not plan.forgotten_after_s or page.created_at < at - queries.OLD:
        return
    hours = actions.daylight_of(page, plan)
    if not hours.is_open(at):
        timers.schedule(actions.BACK, subject=timeline.ref(page), due_at=hours.opens(at))
        return
    page.urgency = Urgency.LOW
    page.plan = replace(plan, hours=hours).as_json()
    _begin(page, actor=timeline.SYSTEM, why="nobody has said anything for long", first=page.acknowledged_by_id)


def _check(until: datetime, at: datetime) -> None:
    if not at < until <= at + MAX_SNOOZE:
        raise BadInput("until", "must be later than now, and within a week", status=422)


def _live(page: Page) -> Page:
    found = Page.objects.select_for_update(no_key=True, of=("self",)).select_related("acknowledged_by").get(pk=page.pk)
    if found.state == Page.State.RESOLVED:
        raise Conflict("This page is over.")
    if found.is_test:
        raise Conflict("This page is only a test.")
    return found


def _begin(page: Page, *, actor: timeline.Subject, why: str, first: int | None = None) -> None:
    actions.stop(page)
    page.state, page.snoozed_until = Page.State.TRIGGERED, None
    page.acknowledged_at, page.acknowledged_by = None, None
    page.save()
    again = Plan.from_json(page.plan).again(actions.newest_round(page) + 1, first=first)
    actions.begin_again(page, again)
    returned = events.PageReturned(why=why, person=first, plan=page.plan, round=page.round, urgency=page.urgency)
    timeline.append(returned, actor=actor, about=actions.about(page))
    actions.plan_next_step(page, timedelta(0))

"""What comes next for a page when nobody answers: whom its next step asks, and what stands behind its last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.core.clock import now
from raglan.paging import foresight, ports, queries
from raglan.paging.models import ChatCall, Page, Policy, WebhookCall
from raglan.paging.plan import Plan, Urgency
from raglan.people.models import Person
from raglan.ui.wording import listed


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a page without a policy: from when the fallback asks whom. Nobody where there is none.

    Nobody either behind one that stays in a private room, `is_inside`: from then on it counts as unanswered.
    """

    at: datetime
    people: tuple[Person, ...]
    is_inside: bool = False

    @property
    def names(self) -> str:
        """Who that is, in words."""
        return listed([person.name for person in self.people])


def behind(page: Page) -> Behind | None:
    """Return what stands behind a page that has no policy and that nobody has answered yet."""
    at = _is_through_at(page)
    return _behind(at, is_inside=ports.stays_inside(page)) if at is not None else None


def policy_of(call: WebhookCall | ChatCall) -> str:
    """Return the policy whose step tells a program or a room: also after a fallback the one that told it."""
    return Plan.from_json(call.page.plan).of(call.round).policy


def falls_back_at(page: Page) -> datetime | None:
    """Return when a page that has no policy goes on to the fallback, if nobody answers; None for all others."""
    at = _is_through_at(page)
    return None if at is None or ports.stays_inside(page) else at


def _is_through_at(page: Page) -> datetime | None:
    """Return when a page that may fall back has nobody more to ask by its own plan."""
    plan = Plan.from_json(page.plan)
    if not plan.falls_back or not queries.goes_on(page) or page.next_step_at is None:
        return None
    return _through(plan, (page.round, page.step), page.next_step_at, page.urgency)


def behind_plan(plan: Plan, urgency: Urgency, *, is_inside: bool) -> Behind:
    """Return what would stand behind a page by a plan that would begin now."""
    return _behind(_through(plan, (0, -1), plan.at_daylight(now(), urgency), urgency), is_inside=is_inside)


def _behind(at: datetime, *, is_inside: bool) -> Behind:
    return Behind(at, () if is_inside else tuple(item.person for item in whom_at_last(at)), is_inside)


def _through(plan: Plan, stands: tuple[int, int], at: datetime, urgency: str) -> datetime:
    """Return when all steps of a plan are through that come after a round and step; the next one comes `at`."""
    while (coming := plan.after(*stands)) is not None:
        stands = coming
        at = plan.at_daylight(at + plan.wait_of(stands[1]), urgency)
    return at


def whom_at_last(at: datetime) -> list[queries.Whom]:
    """Return whom the fallback would ask first: the administrators as long as nobody has needed it."""
    policy = Policy.objects.filter(is_fallback=True).first()
    if policy is None:
        return [queries.Whom(person, "named in the policy") for person in queries.administrators()]
    steps = queries.plan_of(policy).steps
    return next((found for step in steps if (found := queries.whom(step.targets, at))), [])


def next_people(page: Page, at: datetime) -> list[queries.Whom]:
    """Return whom the next step would page: nobody who has answered already."""
    return _next_people(page, Plan.from_json(page.plan), at, None)


def _next_people(page: Page, plan: Plan, at: datetime, without: frozenset[int] | None) -> list[queries.Whom]:
    coming = plan.after(page.round, page.step)
    found = queries.whom(plan.steps[coming[1]].targets, at) if coming else []
    gone = queries.spared(page) if without is None and found else without or frozenset()
    left = [item for item in found if item.person.pk not in gone]
    is_last = coming is None or coming[1] + 1 == len(plan.steps)
    falls_back = plan.falls_back and is_last and not left and not ports.stays_inside(page)
    return whom_at_last(at) if falls_back else left


def next_words(page: Page, zone_time: str = "", *, without: frozenset[int] | None = None) -> str:
    """Say in one sentence what happens if nobody answers; `without` is who is spared, where that is known."""
    if not queries.goes_on(page) or page.next_step_at is None:
        return ""
    minutes = max(0, round((page.next_step_at - now()).total_seconds() / 60))
    when = zone_time or (f"in {minutes} min" if minutes else "in less than a minute")
    plan = Plan.from_json(page.plan)
    if found := _next_people(page, plan, page.next_step_at, without):
        return f"If nobody answers, {_are([item.person.name for item in found])} paged {when}."
    following = plan.after(page.round, page.step)
    if following is None:
        seen = ". It stays in its private room." if ports.stays_inside(page) else ", and everyone sees that on Now."
        return f"If nobody answers, this page counts as unanswered {when}{seen}"
    if page.held_since is not None:
        return f"Nobody is on call for its next step. It waits until somebody is, and looks again {when}."
    told = [foresight.name_of(target) for target in plan.steps[following[1]].targets if target.is_nobody]
    if told and len(told) == len(plan.steps[following[1]].targets):
        return f"If nobody answers, {_are(told)} told {when}."
    return f"If nobody answers, its next step follows {when}."


def _are(names: Sequence[str]) -> str:
    return f"{listed(list(names))} {'are' if len(names) > 1 else 'is'}"

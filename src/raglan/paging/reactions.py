"""What paging does when rotas, teams and people change.

Held pages look for somebody, members of rotas are looked at for readiness, and pages of who left begin anew.
"""

from raglan.core import timeline
from raglan.core.clock import now
from raglan.oncall import events as oncall
from raglan.paging import actions, foresight, queries, readiness, returning
from raglan.paging.models import Page
from raglan.paging.plan import Plan, Target
from raglan.people import events as people
from raglan.people.models import Person

CHANGES = [kind for kind, payload in timeline.KINDS.items() if payload.__module__ == oncall.__name__]


@timeline.reaction(*CHANGES)
def look_at_members(event: timeline.Happened) -> None:
    """Look at once whether everybody on a changed rota can be reached, and tell those who can put it right."""
    for subject in event.subjects:
        kind, _, number = subject.partition(":")
        if kind == "schedule" and number.isdecimal():
            readiness.look_at(foresight.people_of(Target("schedule", int(number))))


@timeline.reaction(*CHANGES, people.MemberSet.kind)
def release_held(event: timeline.Happened) -> None:
    """Go on with each held page whose step finds somebody since a rota or a team changed."""
    held = Page.objects.filter(state=Page.State.TRIGGERED, held_since__isnull=False).order_by("pk")
    for page in held[:500]:
        plan = Plan.from_json(page.plan)
        coming = plan.after(page.round, page.step)
        if coming and queries.whom(plan.steps[coming[1]].targets, now()):
            actions.hurry(page)


@timeline.reaction(people.PersonChanged.kind)
def give_back(event: timeline.Happened) -> None:
    """Let somebody else have what a person has who left, and let nothing wait for them."""
    changed = event.payload()
    if isinstance(changed, people.PersonChanged) and changed.values.get("is_active") is False:
        person = Person.objects.get(pk=changed.person)
        returning.give_back_of(person)
        returning.take_without(person)

"""What paging does when rotas change: held pages look for somebody, and members are looked at for readiness."""

from raglan.core import timeline
from raglan.core.clock import now
from raglan.oncall import events as oncall
from raglan.paging import actions, foresight, queries, readiness
from raglan.paging.models import Page
from raglan.paging.plan import Plan, Target

CHANGES = [kind for kind, payload in timeline.KINDS.items() if payload.__module__ == oncall.__name__]


@timeline.reaction(*CHANGES)
def look_at_members(event: timeline.Happened) -> None:
    """Look at once whether everybody on a changed rota can be reached, and tell those who can put it right."""
    for subject in event.subjects:
        kind, _, number = subject.partition(":")
        if kind == "schedule" and number.isdecimal():
            readiness.look_at(foresight.people_of(Target("schedule", int(number))))


@timeline.reaction(*CHANGES)
def release_held(event: timeline.Happened) -> None:
    """Go on with each held page whose step finds somebody since the rota changed."""
    held = Page.objects.filter(state=Page.State.TRIGGERED, held_since__isnull=False).order_by("pk")
    for page in held[:500]:
        plan = Plan.from_json(page.plan)
        coming = plan.after(page.round, page.step)
        if coming and queries.whom(plan.steps[coming[1]].targets, now()):
            actions.hurry(page)

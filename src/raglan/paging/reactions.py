"""What paging does when rotas change: pages that are held look at once whether somebody is on call now."""

from raglan.core import timeline
from raglan.core.clock import now
from raglan.oncall import events as oncall
from raglan.paging import actions, queries
from raglan.paging.models import Page
from raglan.paging.plan import Plan

CHANGES = [kind for kind, payload in timeline.KINDS.items() if payload.__module__ == oncall.__name__]


@timeline.reaction(*CHANGES)
def release_held(event: timeline.Happened) -> None:
    """Go on with each held page whose step finds somebody since the rota changed."""
    held = Page.objects.filter(state=Page.State.TRIGGERED, held_since__isnull=False).order_by("pk")
    for page in held[:500]:
        plan = Plan.from_json(page.plan)
        coming = plan.after(page.round, page.step)
        if coming and queries.whom(plan.steps[coming[1]].targets, now()):
            actions.hurry(page)

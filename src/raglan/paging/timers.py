"""What happens later in paging."""

from datetime import timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.models import Timer
from raglan.paging import actions, delivery, events, queries
from raglan.paging.models import Page
from raglan.paging.plan import Plan

AUDIT = "paging.audit"
AUDIT_EVERY = timedelta(minutes=1)

timers.handler(actions.DELIVER, network=True, on_parked=delivery.on_parked)(delivery.deliver)


def escalate_anyway(due: timers.Due, error: str) -> None:
    """A step whose code raised is set aside; the page goes on with the next step at once."""
    page = Page.objects.filter(pk=due.subject_id, state=Page.State.TRIGGERED).first()
    if page is not None:
        coming = Plan.from_json(page.plan).after(page.round, page.step)
        round_, step = coming or (page.round, page.step)
        timeline.append(
            events.StepFoundNobody(step=max(0, step), why=f"raglan itself failed: {error[:300]}"),
            about=[page, "now"],
        )
        Page.objects.filter(pk=page.pk).update(round=round_, step=step)
        timers.schedule(actions.ESCALATE, subject=timeline.ref(page), due_at=now() + timedelta(seconds=1))


@timers.handler(actions.ESCALATE, on_parked=escalate_anyway)
def escalate(due: timers.Due) -> None:
    """Take the next step of a page."""
    actions.escalate(due.subject_id)


@timers.handler(AUDIT)
def audit(due: timers.Due) -> None:
    """Find open pages without a live timer, repair them, and look again in a minute."""
    for page in queries.orphans()[:100]:
        if not Timer.objects.filter(subject=timeline.ref(page), kind=actions.ESCALATE, parked_at__isnull=True).exists():
            timeline.append(events.EscalationRepaired(found_at=now()), about=[page, "now"])
            actions.hurry(page)
    timers.schedule(AUDIT, subject="paging", due_at=now() + AUDIT_EVERY)

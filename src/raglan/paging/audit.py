"""The pager looks after itself: what should have moved and did not is found each minute, repaired, told and counted.

Every look is a few queries over small indexes, whatever the number of pages that are over.
"""

from datetime import datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from prometheus_client import Counter

from raglan.core import metrics, timeline, timers
from raglan.core.clock import now
from raglan.core.models import Timer
from raglan.paging import actions, events, queries
from raglan.paging.models import Notification, Page
from raglan.paging.plan import Urgency

TOLD = "repaired"
LATE = timedelta(minutes=1)
AT_ONCE = 500
repaired = Counter("raglan_escalations_repaired", "Pages found without a timer", ["what"], registry=metrics.REGISTRY)


def without_timer(pages: QuerySet[Page], *kinds: str) -> QuerySet[Page]:
    """Return those of some pages that no live timer will move."""
    name = Concat(Value("page:"), Cast(OuterRef("pk"), CharField()), output_field=CharField())
    return pages.filter(~Exists(Timer.objects.filter(subject=name, kind__in=kinds, parked_at__isnull=True)))


def repair() -> int:
    """Give a timer to whatever lost its own; return to how much."""
    found = _steps() + _returns() + _forgotten() + _messages()
    if found:
        noun = "page" if found == 1 else "pages"
        tell(f"raglan had lost the next step of {found} {noun} and repaired it")
    return found


def _steps() -> int:
    looked_at = (queries.late(), queries.stuck())
    lost = [page for pages in looked_at for page in without_timer(pages, actions.ESCALATE)[:AT_ONCE]]
    for page in lost:
        timeline.append(events.EscalationRepaired(found_at=now()), about=[page, "now"])
        repaired.labels("step").inc()
        actions.hurry(page)
    return len(lost)


def _returns() -> int:
    late = Page.objects.filter(state=Page.State.ACKNOWLEDGED, snoozed_until__lt=now() - LATE)
    lost = list(without_timer(late, actions.BACK)[:AT_ONCE])
    for page in lost:
        timeline.append(events.EscalationRepaired(found_at=now()), about=[page, "now"])
        repaired.labels("snooze").inc()
        timers.schedule(actions.BACK, subject=timeline.ref(page), due_at=now())
    return len(lost)


def _forgotten() -> int:
    """Plan anew when to ask whoever has a page again; those too old for it, and policies that never ask, are well."""
    taken = Page.objects.filter(state=Page.State.ACKNOWLEDGED, is_test=False, snoozed_until__isnull=True)
    young = taken.filter(acknowledged_at__lt=now() - LATE, created_at__gt=now() - queries.OLD)
    asked = young.exclude(plan__forgotten_after_s=0).select_related("acknowledged_by")
    lost = list(without_timer(asked, actions.BACK).order_by("pk")[:AT_ONCE])
    for page in lost:
        timeline.append(events.EscalationRepaired(found_at=now()), about=[page, "now"])
        repaired.labels("acknowledgement").inc()
        actions.plan_return(page)
    return len(lost)


def _messages() -> int:
    """Plan anew what waits to be handed over and has no timer. Messages of pages that are over are left alone."""
    unsent = (Notification.State.WAITING, Notification.State.SENDING)
    name = Concat(Value("notification:"), Cast(OuterRef("pk"), CharField()), output_field=CharField())
    planned = Timer.objects.filter(subject=name, kind=actions.DELIVER)
    late = Notification.objects.filter(state__in=unsent, due_at__lt=now() - 2 * LATE, page__state__in=actions.OPEN)
    lost = list(late.filter(~Exists(planned)).select_related("page")[:AT_ONCE])
    for one in lost:
        timeline.append(events.EscalationRepaired(found_at=now()), about=[one.page, "now"])
        repaired.labels("message").inc()
        timers.schedule(actions.DELIVER, subject=f"notification:{one.pk}", due_at=now())
    return len(lost)


def tell(what: str, text: str = "") -> None:
    """Tell the administrators that raglan itself failed, at most once an hour: it should never happen."""
    since = now() - timedelta(hours=1)
    if Page.objects.filter(reason_type=TOLD, created_at__gte=since).exists():
        return
    people = queries.administrators()
    if people:
        words = actions.Words(what, text, "info")
        actions.page_people(people, words, reason=actions.Reason(TOLD), by=None, urgency=Urgency.LOW)


def was_down(due_at: datetime, at: datetime) -> datetime | None:
    """Return since when nothing was done, when the audit itself comes late; None when it is on time."""
    return due_at - LATE if at - due_at > 2 * LATE else None

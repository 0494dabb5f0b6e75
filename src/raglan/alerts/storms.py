"""Storms: when too many groups would page one policy within a minute, one page takes the rest and keeps counting.

Nothing is dropped: each alert and group is kept and says which page it belongs to. What is worse than the storm pages
by itself, and so does what goes to another policy. A storm is over when its groups are, or when nothing joined it for
five minutes, or when somebody took it: then the next group pages by itself again, so that nobody's answer covers what
came after it. A page that waits for daylight takes nothing urgent.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from raglan.alerts import events
from raglan.alerts.models import AlertGroup, Bundle, Storm
from raglan.alerts.pipeline.severity import is_worse
from raglan.alerts.pipeline.storm import CALM, WITHIN
from raglan.config import config
from raglan.core import timeline
from raglan.core.db import Prepared, bulk
from raglan.paging import actions as paging
from raglan.paging.models import Page, Policy
from raglan.paging.plan import Urgency, urgency_of

_of_policy = Prepared(lambda pk: Storm.objects.select_related("page").filter(policy=pk))
TOLD_AT = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


def shelter(policy: Policy, severity: str, at: datetime, *, urgency: Urgency | None = None) -> Storm | None:
    """Count one more page for a policy; return the storm whose page takes it, or None when it pages by itself.

    `urgency` is what the route says; without one the policy says it.
    """
    urgency = urgency or urgency_of(policy.urgency, severity)
    most = config().storm_groups
    if not most:
        return None
    storm = _of_policy.first(policy.pk)
    if storm is None:
        storm = Storm(policy=policy, since=at, last_at=at)
    if storm.page is not None and _goes_on(storm, storm.page, at):
        return None if _matters_more(severity, storm.page, urgency) else _join(storm, storm.page, at)
    if storm.page is not None:
        ended = events.StormEnded(storm=storm.pk, ended_at=at)
        timeline.append(ended, about=[storm, "alerts", "now"])
    if storm.page is not None or at - storm.since > WITHIN:
        storm.page, storm.groups, storm.since = None, 0, at
    storm.groups, storm.last_at = storm.groups + 1, at
    if storm.pk is None:
        storm.save()
    else:
        bulk.update([storm], "page_id", "groups", "since", "last_at")
    return _begin(storm, severity, at, urgency) if storm.groups > most else None


def _goes_on(storm: Storm, page: Page, at: datetime) -> bool:
    return at - storm.last_at <= CALM and page.state == Page.State.TRIGGERED


def _matters_more(severity: str, page: Page, urgency: Urgency) -> bool:
    if page.urgency == Urgency.LOW:
        return urgency == Urgency.HIGH or is_worse(severity, page.severity)
    return is_worse(severity, page.severity)


def _begin(storm: Storm, severity: str, at: datetime, urgency: Urgency) -> Storm:
    """Start the one page of a storm. It is stored at once, whatever else waits for the end of the transaction."""
    words = paging.Words(title=_title(storm), text=_text(storm), severity=severity)
    reason = paging.Reason("storm", storm.pk, f"/alerts/storms/{storm.pk}/")
    storm.page, storm.groups, storm.since = paging.start(storm.policy, words, reason=reason, urgency=urgency), 1, at
    storm.save()
    began = events.StormBegan(storm=storm.pk, policy=storm.policy_id, page=storm.page.pk, began_at=at)
    timeline.append(began, about=[storm, "alerts", "now"])
    return storm


def _join(storm: Storm, page: Page, at: datetime) -> Storm:
    storm.groups, storm.last_at = storm.groups + 1, at
    bulk.update([storm], "groups", "last_at")
    if storm.groups in TOLD_AT:
        paging.reword(page, paging.Words(title=f"{_title(storm)}, {storm.groups} so far", text=_text(storm)))
    return storm


def _title(storm: Storm) -> str:
    return f"Storm: more groups of alerts for {storm.policy.name} than one can read"


def _text(storm: Storm) -> str:
    most = config().storm_groups
    return f"More than {most} groups within a minute. The rest is on this one page, which keeps counting; none is lost."


def link(group: AlertGroup, policy: Policy, page: Page | None) -> None:
    """Note which page of a storm took a group for a policy of a route behind its first; None: it has one of its own."""
    known = Bundle.objects.filter(group_id=group.pk, policy=policy)
    if page is None:
        if not known.delete()[0]:
            return
    elif not known.update(page=page):
        Bundle.objects.create(group_id=group.pk, policy=policy, page=page)
    bundled = events.GroupBundled(group=group.pk, policy=policy.pk, page=page.pk if page else None)
    timeline.append(bundled, about=[group, "alerts"])


def settle(groups: Iterable[AlertGroup | None], *, why: str) -> None:
    """End the pages of storms that have nothing left to attend. Call it when what has changed is stored.

    `groups` are those in memory, which may have such a page.
    """
    live = Page.objects.filter(reason_type="storm").exclude(state=Page.State.RESOLVED).order_by("pk")
    ended = {page.pk: paging.resolve(page, why=why) for page in live if not _is_attended(page)}
    for group in groups:
        if group is not None and group.page_id in ended:
            group.page = ended[group.page_id]


def _is_attended(page: Page) -> bool:
    attended = AlertGroup.objects.filter(state=AlertGroup.State.OPEN, firing_count__gt=F("held_count"))
    return attended.filter(page=page).exists() or attended.filter(bundles__page=page).exists()

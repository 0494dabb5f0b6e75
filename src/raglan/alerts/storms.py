"""Storms: when too many groups would page one policy within a minute, one page takes the rest and keeps counting.

Nothing is dropped: each alert and group is kept and says which page it belongs to. What is worse than the storm pages
by itself, and so does what goes to another policy. A storm is over when its groups are, or when nothing joined it for
five minutes, or when somebody took it a while ago: then the next group pages by itself again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from raglan.alerts import events
from raglan.alerts.models import AlertGroup, Storm
from raglan.alerts.pipeline.severity import is_worse
from raglan.config import config
from raglan.core import timeline
from raglan.paging import actions as paging
from raglan.paging.models import Page, Policy

WITHIN = timedelta(minutes=1)
CALM = timedelta(minutes=5)
TOLD_AT = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


def shelter(policy: Policy, severity: str, at: datetime) -> Storm | None:
    """Count one more page for a policy; return the storm whose page takes it, or None when it pages by itself."""
    most = config().storm_groups
    if not most:
        return None
    storm = Storm.objects.select_related("page").filter(policy=policy).first()
    if storm is None:
        storm = Storm(policy=policy, since=at, last_at=at)
    if storm.page is not None and _goes_on(storm, storm.page, at):
        return None if is_worse(severity, storm.page.severity) else _join(storm, storm.page, at)
    if storm.page is not None or at - storm.since > WITHIN:
        storm.page, storm.groups, storm.since = None, 0, at
    storm.groups, storm.last_at = storm.groups + 1, at
    storm.save()
    return _begin(storm, severity, at) if storm.groups > most else None


def _goes_on(storm: Storm, page: Page, at: datetime) -> bool:
    if at - storm.last_at > CALM or page.state in (Page.State.RESOLVED, Page.State.UNANSWERED):
        return False
    return page.acknowledged_at is None or at - page.acknowledged_at <= CALM


def _begin(storm: Storm, severity: str, at: datetime) -> Storm:
    """Start the one page of a storm. It is stored at once, whatever else waits for the end of the transaction."""
    words = paging.Words(title=_title(storm), text=_text(storm), severity=severity)
    reason = paging.Reason("storm", storm.pk, f"/alerts/storms/{storm.pk}/")
    storm.page, storm.groups, storm.since = paging.start(storm.policy, words, reason=reason), 1, at
    storm.save()
    began = events.StormBegan(storm=storm.pk, policy=storm.policy_id, page=storm.page.pk, began_at=at)
    timeline.append(began, about=[storm, "alerts", "now"])
    return storm


def _join(storm: Storm, page: Page, at: datetime) -> Storm:
    storm.groups, storm.last_at = storm.groups + 1, at
    storm.save(update_fields=["groups", "last_at"])
    if storm.groups in TOLD_AT:
        paging.reword(page, paging.Words(title=f"{_title(storm)}, {storm.groups} so far", text=_text(storm)))
    return storm


def _title(storm: Storm) -> str:
    return f"Storm: more groups of alerts for {storm.policy.name} than one can read"


def _text(storm: Storm) -> str:
    most = config().storm_groups
    return f"More than {most} groups within a minute. The rest is on this one page, which keeps counting; none is lost."


def leave(group: AlertGroup, *, why: str) -> None:
    """End the page of a storm when the group that leaves it was the last with something to attend."""
    page = group.page
    if page is None or page.reason_type != "storm" or page.state == Page.State.RESOLVED:
        return
    if not _attended(page.pk).exclude(pk=group.pk).exists():
        group.page = paging.resolve(page, why=why)


def _attended(page_id: int) -> QuerySet[AlertGroup]:
    open_ones = AlertGroup.objects.filter(page_id=page_id, state=AlertGroup.State.OPEN)
    return open_ones.filter(firing_count__gt=F("held_count"))


def settle(groups: Iterable[AlertGroup], *, why: str) -> None:
    """End the pages of storms that have nothing left to attend, once the changes of several groups are stored."""
    for page_id in sorted({group.page_id for group in groups if group.page_id}):
        page = Page.objects.filter(pk=page_id, reason_type="storm").exclude(state=Page.State.RESOLVED).first()
        if page is not None and not _attended(page.pk).exists():
            paging.resolve(page, why=why)

"""Whether a group of alerts pages now, later or not at all, and when its pages end.

A group has a live page as long as it has a firing alert that nothing holds back. Its first page goes out after the wait
of its route. An alert that joins a page which nobody has yet is counted on it; one that joins a page which somebody has
pages again at the end of the interval, so that an open group swallows nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from raglan.alerts import events, storms
from raglan.alerts.models import Alert, AlertGroup, Storm
from raglan.alerts.pipeline.severity import is_worse
from raglan.core import timeline, timers
from raglan.core.db import bulk
from raglan.core.decisions import Decision
from raglan.paging import actions as paging
from raglan.paging.models import Page, Policy
from raglan.paging.plan import Urgency

ATTEND = "alerts.attend"
TOLD_ONCE = "It pages no more until it was quiet for a while, unless it is critical and stays open."
Fact = tuple[timeline.EventPayload, Sequence[timeline.Subject]]


class Starter(Protocol):
    """Starts a page at once, or together with others at the end of a transaction."""

    def __call__(
        self, policy: Policy, words: paging.Words, *, reason: paging.Reason, urgency: Urgency | None = None
    ) -> Page:
        """Return the page, which has its id."""


def attend(
    group: AlertGroup, alert: Alert, at: datetime, *, page_by: Starter = paging.start, telling: str = ""
) -> tuple[Decision, list[Fact]]:
    """Decide on one firing alert of a group: held back, waits, joins or pages. The caller stores the group.

    `telling` says how it flaps: that page says so, and does not wait, because each opening may end within the wait.
    """
    page = group.page
    if alert.held:
        return Decision("page", "held_back", f"it is {alert.held}; if it still fires when that ends, it pages"), []
    if page is None or page.state in (Page.State.RESOLVED, Page.State.UNANSWERED):
        return _first(group, alert, at, page_by, telling)
    if page.state == Page.State.ACKNOWLEDGED:
        return _again(group, page, alert, at, page_by)
    is_said = bool(group.urgencies) and urgency_by_route(group, page.policy) is not None
    if not is_said and paging.raise_urgency(page, severity=alert.severity):
        return Decision("page", "joined", f"joins page {page.id}, which does not wait for daylight any more"), []
    return joins(page.id), []


@lru_cache(maxsize=4_096)
def joins(page_id: int) -> Decision:
    """Return the decision on nearly all alerts of a storm."""
    return Decision("page", "joined", f"joins page {page_id} of its group, which keeps counting")


def _first(
    group: AlertGroup, alert: Alert, at: datetime, page_by: Starter, telling: str
) -> tuple[Decision, list[Fact]]:
    """Nobody is paged for the group: page now, or at the end of its wait."""
    if telling:
        text = f"It {telling}. {TOLD_ONCE}\n{text_of(alert)}".strip()
        return start(group, at, text=text, title=f"Flapping: {alert.title}", page_by=page_by)
    if group.page_at is not None and group.page_at > at:
        return Decision("page", "waits", f"its group waits until {_clock(group.page_at)} for more of its kind"), []
    return start(group, at, text=text_of(alert), page_by=page_by)


def _again(group: AlertGroup, page: Page, alert: Alert, at: datetime, page_by: Starter) -> tuple[Decision, list[Fact]]:
    """Somebody has the page: they hear of what is new at the end of the interval, or at once when it is worse."""
    who = page.acknowledged_by.name if page.acknowledged_by else "its source"
    if is_worse(alert.severity, page.severity):
        title = f"Worse: {alert.title}"
        return start(group, at, text=text_of(alert), title=title, severity=alert.severity, page_by=page_by)
    joined, alert.waits_behind = f"joins page {page.id}, which {who} has", page.id
    if group.page_at is None:
        group.page_at = max(at, page.created_at + timedelta(seconds=group.interval_s))
        plan_for(group)
        waits = events.GroupWaits(group=group.id, page_at=group.page_at)
        told = Decision("page", "joined", f"{joined}; if it still fires, it pages at {_clock(group.page_at)}")
        return told, [(waits, [group, "alerts"])]
    return Decision("page", "joined", f"{joined}; what still fires pages at {_clock(group.page_at)}"), []


def text_of(alert: Alert) -> str:
    """Return what an alert says about itself."""
    return str(alert.annotations.get("description") or alert.annotations.get("message") or "")


def plan_for(group: AlertGroup) -> None:
    """Let the group be looked at when its wait or interval ends."""
    if group.page_at is not None:
        timers.cancel(ATTEND, subject=timeline.ref(group))
        timers.schedule(ATTEND, subject=timeline.ref(group), due_at=group.page_at)


def start(
    group: AlertGroup,
    at: datetime,
    *,
    text: str = "",
    title: str = "",
    severity: str = "",
    page_by: Starter = paging.start,
) -> tuple[Decision, list[Fact]]:
    """Start a page for a group; when nobody exists to page, hold it back and say so."""
    policy = policy_of(group)
    if policy is None:
        reason = "nobody exists yet who could be paged; make the first administrator"
        return Decision("page", "held_back", reason), []
    words = paging.Words(title=title or group.title, text=text, severity=severity or group.severity)
    earlier = group.page
    page, storm = _page(group, policy, words, at, page_by)
    for other in Policy.objects.filter(pk__in=group.also).order_by("pk") if group.also else ():
        own, bundled = _page(group, other, words, at, page_by)
        if bundled is not None or earlier is not None:
            storms.link(group, other, own if bundled is not None else None)
    if earlier is not None and earlier.state == Page.State.UNANSWERED and earlier.reason_type == "group":
        paging.resolve(earlier, why=f"page {page.id} took its place")
    if group.page_at is not None:
        timers.cancel(ATTEND, subject=timeline.ref(group))
    bulk.relate(group, "page", page)
    group.page_at = None
    return _told(group, policy, page, storm)


def _page(
    group: AlertGroup, policy: Policy, words: paging.Words, at: datetime, page_by: Starter
) -> tuple[Page, Storm | None]:
    """Page one policy for a group, or let the page of its storm take the group."""
    urgency = urgency_by_route(group, policy)
    storm = storms.shelter(policy, words.severity, at, urgency=urgency)
    if storm is not None and storm.page is not None:
        return storm.page, storm
    reason = paging.Reason("group", group.id, f"/alerts/groups/{group.id}/")
    return page_by(policy, words, reason=reason, urgency=urgency), None


def urgency_by_route(group: AlertGroup, policy: Policy | None) -> Urgency | None:
    """Return the urgency that the route of a group said when it opened; None leaves it to the policy."""
    said = (group.urgencies or {}).get(str(policy.id)) if policy else None
    return Urgency(said) if said else None


def _told(group: AlertGroup, policy: Policy, page: Page, storm: Storm | None) -> tuple[Decision, list[Fact]]:
    more = f", and {len(group.also)} more by the routes behind" if group.also else ""
    if storm is not None:
        reason = f"bundled on page {page.id} of a storm, with {storm.groups - 1} other groups so far{more}"
        decision = Decision("page", "bundled", reason, f"storm {storm.id}")
    else:
        rule = f"{policy.slug}, version {policy.version}"
        decision = Decision("page", "paged", f"page {page.id} by the policy {policy.name}{more}", rule)
    about: list[timeline.Subject] = [group, "alerts"] if storm is not None else [group, "alerts", "now"]
    return decision, [(events.GroupPaged(group=group.id, page=page.id, why=decision.reason), about)]


def policy_of(group: AlertGroup) -> Policy | None:
    """Return whom a group pages: the policy of its route as it was then, else the fallback."""
    if group.policy_id is not None:
        return group.policy
    if group.page is not None and group.page.policy is not None:
        return group.page.policy
    return paging.ensure_fallback()


def end(group: AlertGroup, *, why: str) -> None:
    """End every page of its own that a group has, and what it waits for. Those of storms end by `storms.settle`.

    A group that stays open and pages several policies leaves the page of its storm, which may live on for others: what
    joined it again could not page the policies whose own pages end here.
    """
    timers.cancel(ATTEND, subject=timeline.ref(group)) if group.page_at else None
    group.page_at = None
    if group.page is None:
        return
    live = Page.objects.filter(reason_type="group", reason_id=group.id).exclude(state=Page.State.RESOLVED)
    for page in live.order_by("pk"):
        ended = paging.resolve(page, why=why)
        if ended.pk == group.page_id:
            group.page = ended
    if group.also and group.page.reason_type == "storm" and group.state == AlertGroup.State.OPEN:
        group.page = None
        timeline.append(events.GroupPaged(group=group.id, page=None, why=why), about=[group, "alerts"])


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"

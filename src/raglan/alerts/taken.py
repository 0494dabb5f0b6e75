"""What sources say that somebody has: alerts of a group, and with the last of them its page.

A source speaks of one alert. The page of the group is taken when each alert that fires in it was acknowledged by its
source; those that something holds back do not count, nor does what somebody has by an earlier page. While a group waits
and has no page yet, that is kept for its end.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from raglan.alerts.models import Alert, AlertGroup, StageDecision
from raglan.alerts.pipeline.deduplicate import ACKNOWLEDGES
from raglan.core.clock import now
from raglan.core.decisions import Decision
from raglan.paging import actions as paging
from raglan.paging import returning
from raglan.paging.models import Page

GIVES_BACK = Decision(ACKNOWLEDGES.stage, "gives_back", "the source says that nobody has it any more")
_SAID = StageDecision.objects.filter(
    alert=OuterRef("pk"), stage=ACKNOWLEDGES.stage, outcome__in=(ACKNOWLEDGES.outcome, GIVES_BACK.outcome)
)


def are_taken(alerts: QuerySet[Alert], *, since: datetime | None = None) -> bool:
    """Say whether the source of each of some alerts has acknowledged it, as far as that is stored; `since` a time."""
    said = _SAID.filter(at__gt=since) if since is not None else _SAID
    open_ones = alerts.annotate(said=_last(said)).exclude(said=ACKNOWLEDGES.outcome)
    return not open_ones.order_by("-pk").values_list("pk", flat=True)[:1]  # what fires is among the newest


def attended(group: AlertGroup) -> QuerySet[Alert]:
    """Return what fires in a group and is not held back."""
    return Alert.objects.filter(group_id=group.pk, state=Alert.State.FIRING, held="")


def take(group: AlertGroup, alert: Alert) -> Decision:
    """Take the pages of a group because the source of one of its alerts says that somebody has that; say what became.

    What is decided on the alerts must be stored.
    """
    page = group.page
    if page is None or page.state == Page.State.RESOLVED:
        return Decision("page", "kept", "its source has it; when its group is to page, that counts")
    was_open = page.state in paging.OPEN
    for each in _open_pages(group):
        if _is_taken(each, group, but=alert):
            _acknowledge(each, group)
    if not was_open:
        return Decision("page", "kept", f"its source has it; page {page.pk} is taken already")
    if page.reason_type == "storm":
        return Decision("page", "goes_on", f"its source has it; page {page.pk} of a storm goes on for the others")
    if page.state in paging.OPEN:
        return Decision("page", "goes_on", f"its source has it; page {page.pk} goes on for others of its group")
    return Decision("page", "taken", f"page {page.pk} is taken: its source has it")


def take_new(page: Page, group: AlertGroup) -> Decision:
    """Take a page that has just been started for alerts that their source has, and those of further routes; say so."""
    _acknowledge(page, group)
    for other in _open_pages(group):
        if _is_taken(other, group):
            _acknowledge(other, group)
    rest = "another page of its group goes on" if _open_pages(group) else "and rings nobody"
    return Decision("page", "taken", f"its source has it: page {page.pk} starts taken, {rest}")


def take_what_is_left(groups: Iterable[AlertGroup]) -> None:
    """Take the pages of groups in which an alert ended or is held, and their source acknowledged all that is left.

    A page that began again, as when somebody gave it back, is left to those whom it asks.
    """
    for group in groups:
        if group.page is None or group.firing_count <= group.held_count:
            continue
        for each in _open_pages(group) if group.also else _own_page(group):
            if not _began_again(each) and _is_taken(each, group):
                _acknowledge(each, group)


def _own_page(group: AlertGroup) -> list[Page]:
    page = group.page
    return [page] if page is not None and page.reason_type == "group" and page.state in paging.OPEN else []


def _open_pages(group: AlertGroup) -> list[Page]:
    """Return the pages of a group's own that nobody has, by all its routes."""
    found = Page.objects.filter(reason_type="group", reason_id=group.pk, state__in=paging.OPEN)
    return sorted([*_own_page(group), *found.exclude(pk=group.page_id or 0)], key=lambda page: page.pk)


def _is_taken(page: Page, group: AlertGroup, *, but: Alert | None = None) -> bool:
    """Say whether the source acknowledged all that a page asks; of what was given back, since then."""
    asked = _asked_by(page, group)
    since = returning.given_back_at(page) if _began_again(page) else None
    return are_taken(asked.exclude(pk=but.pk) if but is not None else asked, since=since)


def _asked_by(page: Page, group: AlertGroup) -> QuerySet[Alert]:
    """Return what a page is about: not what fired before somebody took the page of the same policy before it.

    What the source gave back is nobody's, whoever had it; and a page that came back and was taken once more, after this
    one began, says nothing of what joined this one meanwhile.
    """
    found = attended(group)
    own = Page.objects.filter(reason_type="group", reason_id=group.pk, policy_id=page.policy_id or 0)
    before = own.filter(state=Page.State.ACKNOWLEDGED, pk__lt=page.pk, acknowledged_at__lte=page.created_at)
    had = before.order_by("-pk").first()
    if had is None:
        return found
    joined = Q(waits_behind=had.pk) | Q(active_since__gt=had.acknowledged_at)
    newer = found.alias(word=_last(_SAID)).filter(joined | Q(word=GIVES_BACK.outcome))
    return newer if newer.exists() else found


def note_given_back(alert_id: int) -> None:
    """Keep that the source of an alert took its acknowledgement back."""
    said = GIVES_BACK
    StageDecision.objects.create(
        alert_id=alert_id, at=now(), stage=said.stage, outcome=said.outcome, reason=said.reason, rule=said.rule
    )


def _last(said: QuerySet[StageDecision]) -> Coalesce:
    newest = Subquery(said.order_by("-pk").values("outcome")[:1])
    return Coalesce(newest, Value(""), output_field=CharField(max_length=30))


def _began_again(page: Page) -> bool:
    return bool(page.plan.get("first_round"))


def _acknowledge(page: Page, group: AlertGroup) -> None:
    with suppress(paging.AlreadyTaken):  # somebody was faster, which is as good
        paging.acknowledge(page, by=None, via=paging.Via.SOURCE, actor=f"source:{group.source_id}")

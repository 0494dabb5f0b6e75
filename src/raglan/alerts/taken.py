"""What sources say that somebody has: alerts of a group, and with the last of them its page.

A source speaks of one alert. The page of the group is taken when each alert that fires in it was acknowledged by its
source; those that something holds back do not count. While a group waits and has no page yet, that is kept for its end.
"""

from collections.abc import Iterable
from contextlib import suppress

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from raglan.alerts.models import Alert, AlertGroup, StageDecision
from raglan.alerts.pipeline.deduplicate import ACKNOWLEDGES
from raglan.core.clock import now
from raglan.core.decisions import Decision
from raglan.paging import actions as paging
from raglan.paging.models import Page

GIVES_BACK = Decision(ACKNOWLEDGES.stage, "gives_back", "the source says that nobody has it any more")
_SAID = StageDecision.objects.filter(
    alert=OuterRef("pk"), stage=ACKNOWLEDGES.stage, outcome__in=(ACKNOWLEDGES.outcome, GIVES_BACK.outcome)
)
_LAST_SAID = Coalesce(
    Subquery(_SAID.order_by("-pk").values("outcome")[:1]), Value(""), output_field=CharField(max_length=30)
)


def are_taken(alerts: QuerySet[Alert]) -> bool:
    """Say whether the source of each of some alerts has acknowledged it, as far as that is stored."""
    open_ones = alerts.annotate(said=_LAST_SAID).exclude(said=ACKNOWLEDGES.outcome)
    return not open_ones.order_by("-pk").values_list("pk", flat=True)[:1]  # what fires is among the newest


def attended(group: AlertGroup) -> QuerySet[Alert]:
    """Return what fires in a group and is not held back."""
    return Alert.objects.filter(group_id=group.pk, state=Alert.State.FIRING, held="")


def take(group: AlertGroup, alert: Alert) -> Decision:
    """Take the page of a group because the source of one of its alerts says that somebody has that; say what became.

    What is decided on the alerts must be stored.
    """
    page = group.page
    if page is None or page.state == Page.State.RESOLVED:
        return Decision("page", "kept", "its source has it; when its group is to page, that counts")
    if page.state not in paging.OPEN:
        return Decision("page", "kept", f"its source has it; page {page.pk} is taken already")
    if page.reason_type == "storm":
        return Decision("page", "goes_on", f"its source has it; page {page.pk} of a storm goes on for the others")
    if not are_taken(attended(group).exclude(pk=alert.pk)):
        return Decision("page", "goes_on", f"its source has it; page {page.pk} goes on for others of its group")
    _acknowledge(page, group)
    return Decision("page", "taken", f"page {page.pk} is taken: its source has it")


def take_new(page: Page, group: AlertGroup) -> Decision:
    """Take a page that has just been started for alerts that their source has; say so."""
    _acknowledge(page, group)
    return Decision("page", "taken", f"its source has it: page {page.pk} starts taken, and rings nobody")


def take_what_is_left(groups: Iterable[AlertGroup]) -> None:
    """Take the pages of groups in which an alert ended, and all that is left was acknowledged by its source.

    A page that began again, as when somebody gave it back, is left to those whom it asks.
    """
    for group in groups:
        page = group.page
        if page is None or page.state not in paging.OPEN or page.reason_type != "group" or _began_again(page):
            continue
        if group.firing_count > group.held_count and are_taken(attended(group)):
            _acknowledge(page, group)


def note_given_back(alert_id: int) -> None:
    """Keep that the source of an alert took its acknowledgement back."""
    said = GIVES_BACK
    StageDecision.objects.create(
        alert_id=alert_id, at=now(), stage=said.stage, outcome=said.outcome, reason=said.reason, rule=said.rule
    )


def _began_again(page: Page) -> bool:
    return bool(page.plan.get("first_round"))


def _acknowledge(page: Page, group: AlertGroup) -> None:
    with suppress(paging.AlreadyTaken):  # somebody was faster, which is as good
        paging.acknowledge(page, by=None, via=paging.Via.SOURCE, actor=f"source:{group.source_id}")

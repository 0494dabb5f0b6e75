"""What pages are for, in words that need no knowledge of alerts: the keys of groups."""

from collections.abc import Sequence

from django.db.models import Min, Q

from raglan.alerts.models import Alert, AlertGroup
from raglan.paging import ports
from raglan.paging.models import Page

CHUNK = 500


def subjects(page: Page) -> ports.Subjects | None:
    """Return the groups of a page, and since when the oldest of what fires in them has been known."""
    if page.reason_type == "group":
        groups = AlertGroup.objects.filter(pk=page.reason_id or 0)
    elif page.reason_type == "storm":
        groups = AlertGroup.objects.filter(Q(page=page) | Q(bundles__page=page))
    else:
        return None
    firing = Alert.objects.filter(group__in=groups, state=Alert.State.FIRING)
    since = firing.aggregate(first=Min("received_at"))["first"]
    return ports.Subjects(tuple(groups.order_by("pk").values_list("key", flat=True).distinct()), since)


def pages_for(keys: Sequence[str], policy_id: int | None) -> list[Page]:
    """Return the pages to a policy that are not over and are for open groups with these keys."""
    found: dict[int, Page] = {}
    for start in range(0, len(keys), CHUNK):
        groups = AlertGroup.objects.filter(key__in=keys[start : start + CHUNK], state=AlertGroup.State.OPEN)
        pks = list(groups.values_list("pk", flat=True))
        live = Page.objects.exclude(state=Page.State.RESOLVED).filter(reason_type="group", reason_id__in=pks)
        if policy_id is not None:
            live = live.filter(policy_id=policy_id)
        found |= {page.pk: page for page in live.order_by("pk")}
    return list(found.values())


ports.register_subjects(subjects, pages_for)

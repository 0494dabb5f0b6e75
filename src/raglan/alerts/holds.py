"""Alerts that fire, looked at again when what may hold them back has changed or has ended.

What is released pages then, if it still fires; what becomes held ends the page of its group when nothing else of it is
left to attend. A look is one short transaction; when more fires than it takes, a timer goes on.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from raglan.alerts import events, flapping, noise_queries, storms, taken
from raglan.alerts.attend import ATTEND, attend, end, start, text_of
from raglan.alerts.ingest import decide, set_held, store
from raglan.alerts.inhibitors import REVIEW, read_causes
from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.pipeline.hold import NO_CAUSES, Held, Noise, hold
from raglan.alerts.pipeline.inhibit import Cause
from raglan.alerts.snapshot import Snapshot
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.decisions import Decision
from raglan.paging.models import Page

AT_ONCE = 1_000
AGAIN = timedelta(minutes=1)


@atomic
def review(*, after: int = 0, held_only: bool = False) -> int:
    """Look at firing alerts again, `AT_ONCE` at a time; return how many changed. The rest follows by a timer."""
    take_turn("alerts")
    at = now()
    noise = noise_queries.noise(at)
    causes: dict[str, list[Cause]] = {}
    firing = Alert.objects.filter(state=Alert.State.FIRING, pk__gt=after).order_by("pk")
    if held_only:
        firing = firing.exclude(held="")
    columns = ("pk", "labels", "source_id", "held", "held_by", "fingerprint", "severity", "received_at")
    looked = list(firing.values_list(*columns)[:AT_ONCE])
    changed: dict[int, Held] = {}
    held_before = [(labels, source_id) for _, labels, source_id, held, *_ in looked if held]
    rules = noise.inhibitions
    asked = {rule.key(*alert) for rule in rules for alert in held_before if rule.is_target(alert[0])}
    read_causes(asked, causes)
    for pk, labels, source_id, held, held_by, fingerprint, severity, opened_at in looked:
        explained = causes if held else NO_CAUSES  # what pages already is not held back by what fires later
        flaps = noise.flaps.get(fingerprint)
        asked_flap = flapping.asked(flaps, severity, opened_at, at) if flaps and flaps.ref in held_by else None
        found = hold(labels, source_id=source_id, noise=noise, at=at, causes=explained, flaps=asked_flap)
        if (found.how, list(found.by)) != (held, held_by):
            changed[pk] = found
    if changed:
        _apply(changed, at)
    if len(looked) == AT_ONCE:
        plan_review(at, subject="alerts", after=looked[-1][0], held_only=held_only)
    return len(changed)


def plan_review(at: datetime, *, subject: str, after: int = 0, held_only: bool = False) -> None:
    """Let firing alerts be looked at again at a time."""
    timers.schedule(REVIEW, subject=subject, due_at=at, payload={"after": after, "held_only": held_only})


def _apply(changed: dict[int, Held], at: datetime) -> None:
    snapshot = Snapshot(at, [], Noise())
    alerts = Alert.objects.select_related("group", "group__policy", "group__page", "group__page__acknowledged_by")
    for alert in alerts.filter(pk__in=list(changed)).order_by("pk"):
        alert.group = snapshot.open_groups.setdefault(alert.group.key, alert.group) or alert.group
        _change(alert, changed[alert.pk], snapshot)
    groups = [group for group in snapshot.open_groups.values() if group is not None]
    store(snapshot)
    storms.settle(groups, why="all that fires in this storm is held back")
    taken.take_what_is_left(group for group in groups if group.state == AlertGroup.State.OPEN)


def _change(alert: Alert, held: Held, snapshot: Snapshot) -> None:
    group, was = alert.group, alert.held
    set_held(alert, held.how, list(held.by), snapshot.at)
    snapshot.touched[alert.pk] = alert
    snapshot.groups_touched[group.pk] = group
    about: list[timeline.Subject] = [alert, group, "alerts"]
    if held.how:
        told = events.AlertHeld(
            alert=alert.pk, group=group.pk, title=alert.title, held=held.how, held_by=list(held.by), why=held.why
        )
        snapshot.tell((told, about))
        decide(snapshot, alert, *held.decisions)
        if not was:
            decide(snapshot, alert, Decision("page", "held_back", f"from now on it is {held.how}"))
            if group.held_count == group.firing_count:
                end(group, why=f"all that fires is held back: {held.why}")
        return
    since = alert.active_since or snapshot.at
    decision, facts = attend(group, alert, snapshot.at)
    stays = next((item.reason for item in held.decisions if item.outcome == "stays_open"), "")
    why = stays or f"it is {was} no longer"
    released = events.AlertReleased(
        alert=alert.pk,
        group=group.pk,
        title=alert.title,
        why=why,
        active_since=since,
        waits_behind=alert.waits_behind,
    )
    snapshot.tell((released, about))
    decide(snapshot, alert, Decision("hold", "released", f"it still fires: {why}"), decision)
    snapshot.tell(*facts)
    flaps = noise_queries.flaps().filter(fingerprint=alert.fingerprint).first() if stays else None
    if flaps is not None:
        flapping.paged(alert, noise_queries.flapping(flaps), snapshot)


@atomic
def attend_group(group_id: int) -> None:
    """Page for a group whose wait or interval has ended, when something in it is new and still fires."""
    take_turn("alerts")
    at = now()
    related = ("policy", "page", "page__acknowledged_by")
    group = AlertGroup.objects.select_related(*related).filter(pk=group_id, state=AlertGroup.State.OPEN).first()
    if group is None or group.page_at is None or group.page_at > at:
        return
    before = group.page
    waiting = list(_new_since(group, before).order_by("pk")[:AT_ONCE])
    snapshot = Snapshot(at, [], Noise())
    snapshot.groups_touched[group.pk] = group
    group.page_at = None
    if waiting:
        title = "" if group.page is None or group.page.state == Page.State.RESOLVED else _more(group, waiting)
        decision, facts = start(group, at, text=text_of(waiting[0]), title=title)
        decisions = [decision]
        if decision.outcome == "paged" and group.page is not None and taken.are_taken(_new_since(group, before)):
            decisions.append(taken.take_new(group.page, group))
        snapshot.tell(*facts)
        for alert in waiting:
            decide(snapshot, alert, *decisions)
    if group.page is None or not waiting:
        told = events.GroupPaged(group=group.pk, page=group.page_id, why="its wait is over and nothing new fires")
        snapshot.tell((told, [group, "alerts"]))
    store(snapshot)
    storms.settle([group], why="what fired in this storm has pages of its own now")


def _new_since(group: AlertGroup, page: Page | None) -> QuerySet[Alert]:
    """Return what fires in a group, is not held back, and joined its page when somebody had it already."""
    found = taken.attended(group)
    if page is not None and page.state == Page.State.TRIGGERED:
        return found.none()
    if page is not None and page.state == Page.State.ACKNOWLEDGED:
        found = found.filter(Q(waits_behind=page.pk) | Q(active_since__gt=page.acknowledged_at))
    return found


def _more(group: AlertGroup, waiting: list[Alert]) -> str:
    return f"Also: {waiting[0].title}" if len(waiting) == 1 else f"{len(waiting)} more: {group.title}"


@timers.handler(REVIEW, on_parked=timers.goes_on(AGAIN))
def look_again(due: timers.Due) -> None:
    """Look at firing alerts again."""
    review(after=int(str(due.payload.get("after", 0))), held_only=bool(due.payload.get("held_only")))


@timers.handler(ATTEND, on_parked=timers.goes_on(AGAIN))
def wait_is_over(due: timers.Due) -> None:
    """Page for a group whose time has come."""
    attend_group(due.subject_id)

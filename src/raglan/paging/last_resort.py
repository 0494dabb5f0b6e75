"""What nodes sent by themselves while the database was away becomes part of the pages that were made from it.

A page that is for what somebody has taken starts acknowledged; one that nobody has taken goes out marked as a possible
repeat. Either way its history tells what was sent meanwhile.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.db.prepared import Prepared
from raglan.paging import actions, events, ports
from raglan.paging.models import LastResort, LastResortGroup, Notification, Page
from raglan.people.models import Person

COUNTS = timedelta(hours=1)  # for pages that start so long after the database was told
KEPT = timedelta(days=90)
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What a node tells of one case. A node that only took an answer knows neither groups nor messages."""

    case: str
    node: str
    policy: int | None
    began_at: datetime
    keys: tuple[str, ...] = ()
    sent: tuple[events.MessageOfLastResort, ...] = ()
    answers: tuple[tuple[int, datetime], ...] = ()  # person and time, in order


@atomic
def tell(told: Told) -> None:
    """Keep what a node tells; pages that are there already learn of it. Safe to call again with more."""
    at = now()
    LastResort.objects.filter(told_at__lt=at - KEPT).delete()
    row, _ = LastResort.objects.select_for_update().get_or_create(
        case=told.case,
        defaults={"node": told.node, "policy_id_then": told.policy, "began_at": told.began_at, "told_at": at},
    )
    if told.sent:
        row.node, row.policy_id_then, row.began_at = told.node, told.policy, told.began_at
        row.sent = [item.model_dump(mode="json") for item in told.sent]
    row.told_at = at
    takers = list(_takers(told.answers))
    if row.taken_by_id is None and takers:
        row.taken_by, row.taken_at = takers[0]
    row.save()
    known = set(row.groups.values_list("key", flat=True))
    LastResortGroup.objects.bulk_create(
        [LastResortGroup(last_resort=row, key=key) for key in told.keys if key not in known], batch_size=CHUNK
    )
    _answer_pages(row, takers)


def _takers(answers: Iterable[tuple[int, datetime]]) -> Iterable[tuple[Person, datetime]]:
    for pk, at in answers:
        person = Person.objects.filter(pk=pk, is_active=True).first()
        if person is not None:
            yield person, at


def _answer_pages(row: LastResort, takers: Sequence[tuple[Person, datetime]]) -> None:
    """Let pages that are there already have the answers."""
    keys = list(row.groups.values_list("key", flat=True))
    for page in ports.pages_for(keys, row.policy_id_then) if takers else ():
        since = ports.subjects(page).since
        for person, at in takers:
            if since is None or since <= at:
                _note(page, [row])
                _take(page, person)


def _take(page: Page, person: Person) -> None:
    page.refresh_from_db()
    if page.state not in actions.OPEN:
        return
    try:
        actions.acknowledge(page, by=person, via=actions.Via.LINK)
    except actions.AlreadyTaken:
        actions.join(page, by=person, via=actions.Via.LINK)


def before_first_step(page: Page) -> bool:
    """Look whether a node has paged for this already; return whether it is to be marked as a possible repeat.

    When somebody has taken all that it is for, it is acknowledged, and nobody is paged.
    """
    rows = _rows_for(page)
    if not rows:
        return False
    _note(page, rows)
    since = ports.subjects(page).since
    answers = [(row.taken_at, row.taken_by) for row in rows if row.taken_at is not None and row.taken_by is not None]
    if len(answers) < len(rows) or not _covers_all(page, rows):
        return True
    if since is None or since <= max(at for at, _ in answers):
        _take(page, min(answers, key=lambda answer: answer[0])[1])
    return True


def is_told() -> bool:
    """Say whether a node told lately of what it sent by itself."""
    return bool(_told(now() - COUNTS))


_told = Prepared(lambda since: LastResort.objects.filter(told_at__gt=since).values_list("pk")[:1])


def _young() -> QuerySet[LastResort]:
    return LastResort.objects.filter(told_at__gt=now() - COUNTS)


def _rows_for(page: Page) -> list[LastResort]:
    young = _young()
    if page.is_test or not young.exists():
        return []
    keys = ports.subjects(page).keys
    found: dict[int, LastResort] = {}
    for start in range(0, len(keys), CHUNK):
        some = young.filter(groups__key__in=keys[start : start + CHUNK], groups__page__isnull=True)
        same = some.filter(Q(policy_id_then=page.policy_id) | Q(policy_id_then__isnull=True))
        found |= {row.pk: row for row in same.select_related("taken_by").distinct()}
    return list(found.values())


def _covers_all(page: Page, rows: Sequence[LastResort]) -> bool:
    """Say whether all groups of a page were part of what was sent: the page of a storm may hold others."""
    named = set(LastResortGroup.objects.filter(last_resort__in=rows).values_list("key", flat=True))
    return set(ports.subjects(page).keys) <= named


def _note(page: Page, rows: Sequence[LastResort]) -> None:
    """Tell in a page's history what was sent, once."""
    for row in rows:
        keys = ports.subjects(page).keys
        fresh = LastResortGroup.objects.filter(last_resort=row, key__in=keys[:CHUNK], page__isnull=True)
        if not fresh.update(page=page):
            continue
        told = events.LastResortTold(
            case=row.case,
            node=row.node,
            began_at=row.began_at,
            sent=[events.MessageOfLastResort.model_validate(item) for item in row.sent],
            taken_by=row.taken_by_id,
            taken_at=row.taken_at,
        )
        people = {f"person:{item.person}" for item in told.sent}
        timeline.append(told, about=[*actions.about(page), *sorted(people)])


def mark(page: Page) -> None:
    """Mark what a page is about to send as a possible repeat."""
    Notification.objects.filter(page=page, state=Notification.State.WAITING, attempts=0).update(may_repeat=True)


def messages(page: Page) -> list[events.MessageOfLastResort]:
    """Return what was sent for a page while the database was away, in order."""
    rows = LastResort.objects.filter(groups__page=page).distinct().order_by("began_at")
    found = [events.MessageOfLastResort.model_validate(item) for row in rows for item in row.sent]
    return sorted(found, key=lambda item: item.at)

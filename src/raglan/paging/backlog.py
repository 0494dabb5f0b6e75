"""After an outage people get the present, not the past.

Overdue steps are taken once, the severe first and of those the newest, each with its delay on the timeline. What came
and went meanwhile wakes nobody: it goes to one digest for each person whom it would have paged.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.models import Event, EventSubject, Timer
from raglan.paging import actions, events, queries
from raglan.paging.models import Page
from raglan.paging.plan import LOW_SEVERITIES, Plan, Urgency
from raglan.people.models import Person

DIGEST = "digest"
OVERDUE = timedelta(minutes=1)
MAX_LINES = 200
MAX_LOOKED_AT = 20_000
WORST = frozenset(("critical", "disaster", "emergency", "fatal", "page", "sev1", "p1"))
BAD = frozenset(("error", "high", "major", "sev2", "p2", "unknown", ""))
CHUNK = 500


def rank(severity: str) -> int:
    """Return the order of a severity, the worst first. What is not known stands before what is known to be mild."""
    word = severity.strip().lower()
    for number, words in enumerate((WORST, BAD)):
        if word in words:
            return number
    return 3 if word in LOW_SEVERITIES else 2


@atomic
def put_in_order() -> int:
    """Let overdue steps be taken the severe first, and of those the newest first; return how many there are.

    Their dates are dealt out anew among themselves, so that the lateness which health shows stays true.
    """
    at = now()
    overdue = Timer.objects.filter(due_at__lt=at - OVERDUE, parked_at__isnull=True, leased_until__isnull=True)
    waiting = list(overdue.filter(kind=actions.ESCALATE).order_by("due_at", "pk"))
    if len(waiting) < 2:
        return len(waiting)
    pages = Page.objects.in_bulk([int(timer.subject.rpartition(":")[2]) for timer in waiting])

    def order(timer: Timer) -> tuple[int, int]:
        page = pages.get(int(timer.subject.rpartition(":")[2]))
        return (rank(page.severity), -page.pk) if page else (9, 0)

    first = waiting[0].due_at
    for number, timer in enumerate(sorted(waiting, key=order)):
        timer.due_at = first + timedelta(microseconds=number)
    Timer.objects.bulk_update(waiting, ["due_at"], batch_size=CHUNK)
    return len(waiting)


@atomic
def digest(since: datetime) -> list[Page]:
    """Tell each person, in daylight, what would have paged them since a time and was over before it could."""
    missed = _came_and_went(since)
    by_person: dict[Person, list[Page]] = {}
    for page in missed:
        plan = Plan.from_json(page.plan)
        for item in queries.whom(plan.steps[0].targets, now()) if plan.steps else ():
            by_person.setdefault(item.person, []).append(page)
    return [_tell(person, pages, since) for person, pages in by_person.items()]


def _came_and_went(since: datetime) -> list[Page]:
    """Return pages that were resolved since a time although nobody had been reached, the severe first."""
    newest = Event.objects.filter(kind=events.PageResolved.kind).order_by("-pk").values_list("pk", "at")
    ids = [pk for pk, _ in takewhile(lambda row: row[1] >= since, newest[:MAX_LOOKED_AT])]
    found: list[Page] = []
    for chunk in _chunks(ids):
        subjects = EventSubject.objects.filter(event_id__in=chunk, subject__startswith="page:")
        keys = [int(subject.rpartition(":")[2]) for subject in subjects.values_list("subject", flat=True)]
        untold = Page.objects.filter(pk__in=keys, reached__isnull=True, is_test=False, urgency=Urgency.HIGH)
        found.extend(page for page in untold if page.resolved_at and page.resolved_at - page.created_at > OVERDUE)
    return sorted(found, key=lambda page: (rank(page.severity), -page.pk))


def _chunks(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _tell(person: Person, pages: list[Page], since: datetime) -> Page:
    lines = [f"- {page.title} ({page.severity}), page {page.pk}" for page in pages[:MAX_LINES]]
    if len(pages) > MAX_LINES:
        lines.append(f"- and {len(pages) - MAX_LINES} more; all of them stand in the list of pages")
    noun = "page" if len(pages) == 1 else "pages"
    words = actions.Words(
        f"{len(pages)} {noun} for you came and went while raglan could not page",
        f"Since {since:%Y-%m-%d %H:%M} UTC. They are over.\n\n" + "\n".join(lines),
        "info",
    )
    made = actions.page_people([person], words, reason=actions.Reason(DIGEST), by=None, urgency=Urgency.LOW)
    told = events.PagesDigested(person=person.pk, pages=[page.pk for page in pages], since=since)
    timeline.append(told, about=[made, person])
    return made

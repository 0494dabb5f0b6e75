"""The two numbers that an installation can publish: the share of intake accepted, and of due pages sent in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min
from prometheus_client import Gauge

from raglan.core import metrics
from raglan.core.clock import now
from raglan.core.models import Event
from raglan.paging import events
from raglan.paging.models import Notification, Reached

IN_TIME = timedelta(seconds=60)
MISSES_SHOWN = 100
DAY = timedelta(days=1)
due_pages = Gauge("raglan_pages_due", "People whom pages were due to reach in the last day", registry=metrics.REGISTRY)
in_time = Gauge("raglan_pages_in_time", "Those for whom it was handed over within 60 s", registry=metrics.REGISTRY)


@dataclass(frozen=True, slots=True)
class Miss:
    """One time that a page did not go out in time, and why."""

    page: int
    person: int
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Paged:
    """How many reachings-out were due in a time, and how many were handed over within a minute."""

    due: int
    kept: int
    misses: tuple[Miss, ...]

    @property
    def share(self) -> float:
        """The share that was kept, from 0 to 1; 1 when nothing was due."""
        return self.kept / self.due if self.due else 1.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """Intake requests that this process has answered since it started. Those refused with 4xx were not understood."""

    accepted: int
    failed: int
    refused: int

    @property
    def share(self) -> float:
        """The share of understood requests that were answered 2xx, from 0 to 1."""
        asked = self.accepted + self.failed
        return self.accepted / asked if asked else 1.0


def paged(since: datetime, until: datetime) -> Paged:
    """Return how well due pages went out between two instants.

    A reaching-out counts from the instant at which its step was due; a person whose own rules begin later counts from
    there. What was answered or over before anything had to go out was not due. The last minute is not judged yet.
    """
    late = _late_steps(since, until)
    rows = (
        Reached.objects.filter(at__gte=since, at__lt=min(until, now() - IN_TIME), page__is_test=False)
        .annotate(first_due=Min("notifications__due_at"), first_sent=Min("notifications__handed_over_at"))
        .order_by("pk")
    )
    unneeded = _not_needed(since, until)
    due, kept, misses = 0, 0, list[Miss]()
    for row in rows.iterator():
        if row.first_sent is None and row.pk in unneeded:
            continue
        due += 1
        when = (row.first_due or row.at) - late.get((row.page_id, row.round, row.step), timedelta(0))
        if row.first_sent is not None and row.first_sent - when <= IN_TIME:
            kept += 1
        elif len(misses) < MISSES_SHOWN:
            misses.append(Miss(row.page_id, row.person_id, when, _why(row, row.first_sent, when)))
    return Paged(due, kept, tuple(misses))


def _late_steps(since: datetime, until: datetime) -> dict[tuple[int, int, int], timedelta]:
    """Return by how much steps came late, by page, round and step."""
    found = {}
    told = Event.objects.filter(kind=events.StepLate.kind, at__gte=since, at__lt=until).prefetch_related("subjects")
    for event in told:
        page = next(int(s.subject[5:]) for s in event.subjects.all() if s.subject.startswith("page:"))
        found[page, event.data["round"], event.data["step"]] = timedelta(seconds=event.data["delay_s"])
    return found


def _not_needed(since: datetime, until: datetime) -> set[int]:
    """Return whose messages were all taken back in time, because somebody answered or it was over."""
    window = Reached.objects.filter(at__gte=since, at__lt=until, notifications__state=Notification.State.CANCELLED)
    return set(window.exclude(notifications__state=Notification.State.FAILED).values_list("pk", flat=True))


def _why(row: Reached, sent: datetime | None, when: datetime) -> str:
    if sent is not None:
        return f"handed over {(sent - when).total_seconds():.0f} s after it was due"
    last = row.notifications.exclude(error="").order_by("-pk").values_list("error", flat=True).first()
    return f"never handed over: {last or 'no way to reach this person'}"


def accepted() -> Accepted:
    """Return the share of intake requests accepted, by the counters of this process."""
    counts = {"2": 0, "4": 0, "5": 0}
    for metric in metrics.REGISTRY.collect():
        for sample in metric.samples if metric.name == "raglan_intake_requests" else ():
            if sample.name.endswith("_total") and sample.labels["status"][:1] in counts:
                counts[sample.labels["status"][:1]] += int(sample.value)
    return Accepted(counts["2"], counts["5"], counts["4"])


def publish() -> None:
    """Set the gauges to how well the last day went."""
    at = now()
    found = paged(at - DAY, at)
    due_pages.set(found.due)
    in_time.set(found.kept)

"""What is handed over when a shift begins: pages, silences, rooms, asks and things half done, as they are now."""

from collections.abc import Iterator

from raglan.alerts import noise_queries
from raglan.core.clock import now
from raglan.incidents import queries as incidents
from raglan.incidents import task_queries
from raglan.oncall import ports
from raglan.oncall.models import Schedule
from raglan.paging import queries as paging
from raglan.paging.models import Page
from raglan.paging.plan import Plan
from raglan.people import reading
from raglan.ui.wording import in_a_line

MOST = 50


def open_for(schedule: Schedule) -> list[str]:
    """Return what is open for a schedule, one line each, the most pressing first."""
    with reading.told_to_many():
        return [*_pages(schedule), *_rooms(), *_silences()]


def _pages(schedule: Schedule) -> Iterator[str]:
    """Yield open pages that may come to a schedule by their plan."""
    for page in paging.live_pages().filter(is_test=False).select_related("acknowledged_by")[:MOST]:
        if _names(page, schedule):
            taken = f", {page.acknowledged_by.name} has it" if page.acknowledged_by else ", nobody has it yet"
            back = f", comes back {page.snoozed_until:%a %d %b %H:%M} UTC" if page.snoozed_until else ""
            yield f"page {page.pk}: {page.title}{taken}{back}"


def _names(page: Page, schedule: Schedule) -> bool:
    targets = [target for step in Plan.from_json(page.plan).steps for target in step.targets]
    return any(target.type == "schedule" and target.id == schedule.pk for target in targets)


def _rooms() -> Iterator[str]:
    for incident in incidents.open_incidents()[:MOST]:
        yield f"incident {incident.pk} is open: {incident.title}"
        for entry in incidents.open_asks(incident)[:MOST]:
            yield f"asked in incident {incident.pk}: {in_a_line(entry.text, 120)}"
        for entry in incidents.open_intentions(incident)[:MOST]:
            yield f"half done in incident {incident.pk}: {in_a_line(entry.text, 120)}"
        for task in task_queries.open_tasks(incident)[:MOST]:
            has = f"{task.owner.name} has it" if task.owner else "nobody has it"
            yield f"to do in incident {incident.pk}: {in_a_line(task.text, 120)}, {has}"


def _silences() -> Iterator[str]:
    for silence in noise_queries.silences(state="active", at=now())[:MOST]:
        yield f"silence until {silence.ends_at:%a %d %b %H:%M} UTC, by {silence.who}: {in_a_line(silence.reason, 120)}"


ports.register_handover(open_for)

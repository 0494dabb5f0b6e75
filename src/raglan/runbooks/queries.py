"""Reads of runbooks."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from raglan.catalog.models import Service
from raglan.core.errors import NotFound
from raglan.incidents import privacy
from raglan.incidents.models import Incident
from raglan.runbooks import document
from raglan.runbooks.models import Following, Runbook, RunbookSource, RunbookVersion, StepResult

MAX_WORDS = 8


def runbooks(*, removed: bool = False) -> QuerySet[Runbook]:
    """Runbooks of the library, by title; the number of queries is fixed."""
    found = Runbook.objects.filter(removed_at__isnull=not removed)
    joined = found.select_related("team", "source", "updated_by", "followed_by")
    return joined.prefetch_related("services", "needs").order_by("title", "pk")


def search(words: str, *, service: str = "", removed: bool = False) -> QuerySet[Runbook]:
    """Runbooks that have all of some words in title, text, or the names of their services, by title."""
    found = runbooks(removed=removed)
    if service:
        found = found.filter(services__slug=service)
    for word in words.split()[:MAX_WORDS]:
        about = Runbook.objects.filter(Q(services__name__icontains=word) | Q(services__slug__icontains=word))
        found = found.filter(Q(title__icontains=word) | Q(text__icontains=word) | Q(pk__in=about.values("pk")))
    return found


def runbook(slug: str) -> Runbook:
    """Return a runbook, removed or not. Raises NotFound."""
    joined = Runbook.objects.select_related("team", "source", "updated_by", "followed_by")
    found = joined.prefetch_related("services", "needs").filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such runbook.")
    return found


def version(of: Runbook, number: int) -> RunbookVersion:
    """Return a runbook as it was. Raises NotFound."""
    found = RunbookVersion.objects.select_related("by").filter(runbook=of, version=number).first()
    if found is None:
        raise NotFound("There is no such version of this runbook.")
    return found


def versions(of: Runbook) -> QuerySet[RunbookVersion]:
    """All versions of a runbook, newest first."""
    return of.versions.select_related("by").order_by("-version")


def services_with_runbooks() -> QuerySet[Service]:
    """Services that a runbook of the library is about, by name."""
    return Service.objects.filter(runbooks__removed_at__isnull=True, runbooks__isnull=False).distinct().order_by("name")


def home_of(runbook: Runbook) -> str:
    """Return where a runbook from a git folder is read in its home; empty where that is not known."""
    if runbook.source is None or not runbook.source.web_url:
        return ""
    return f"{runbook.source.web_url.rstrip('/')}/{runbook.path}"


def sources() -> QuerySet[RunbookSource]:
    """Git folders that are read, by name."""
    return RunbookSource.objects.filter(ended_at__isnull=True).order_by("name", "pk")


def sources_with_counts() -> QuerySet[RunbookSource]:
    """Git folders that are read, by name, each with `count`: how many runbooks the library has of it."""
    return sources().annotate(count=Count("runbooks", filter=Q(runbooks__removed_at__isnull=True)))


def source(pk: int) -> RunbookSource:
    """Return a git folder that is read. Raises NotFound."""
    found = sources().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such git folder.")
    return found


def followings(incident: Incident) -> QuerySet[Following]:
    """Runbooks that people follow or followed in a room, those under way first."""
    joined = Following.objects.select_related("runbook", "follower", "started_by", "ended_by")
    return joined.filter(incident=incident).order_by(F("ended_at").desc(nulls_first=True), "-pk")


def following(incident_id: int, pk: int) -> Following:
    """Return a following of a room. Raises NotFound."""
    joined = Following.objects.select_related("incident", "runbook", "follower", "started_by", "ended_by")
    found = joined.filter(privacy.visible("incident__"), pk=pk, incident_id=incident_id).first()
    if found is None:
        raise NotFound("Nobody follows such a runbook in this room.")
    return found


def last_followed(of: Runbook) -> QuerySet[Following]:
    """How often, when and by whom a runbook was followed, newest first."""
    seen = of.followings.filter(privacy.visible("incident__"))
    return seen.select_related("incident", "follower").order_by("-pk")


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step of a following with what was told of it."""

    step: document.Step
    result: StepResult | None


def what_it_needs(following: Following) -> list[Service | str]:
    """Return what a runbook that is followed needs to work: services and tools, then words on what else."""
    words = version(following.runbook, following.version).needs_words
    return [*following.runbook.needs.order_by("name"), *([words] if words else [])]


def steps_of(following: Following) -> Sequence[StepSeen]:
    """Return the steps as they were when people began, each with the newest word on it."""
    text = version(following.runbook, following.version).text
    told = {item.number: item for item in following.results.select_related("person")}
    return [StepSeen(step, told.get(step.number)) for step in document.understand(text).steps]

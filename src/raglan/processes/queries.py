"""Reads of processes."""

from django.db.models import Q, QuerySet

from raglan.core.errors import NotFound
from raglan.processes.models import Process, ProcessStep, ProcessVersion

MAX_WORDS = 8


def processes(*, removed: bool = False) -> QuerySet[Process]:
    """Processes in use, or those that are not any more, by title."""
    found = Process.objects.filter(removed_at__isnull=not removed)
    return found.select_related("team", "updated_by").order_by("title", "pk")


def search(words: str, *, removed: bool = False) -> QuerySet[Process]:
    """Processes that have all of some words in title, outcome or a step, by title."""
    found = processes(removed=removed)
    for word in words.split()[:MAX_WORDS]:
        stepped = ProcessStep.objects.filter(removed_at__isnull=True, title__icontains=word)
        found = found.filter(
            Q(title__icontains=word) | Q(outcome__icontains=word) | Q(pk__in=stepped.values("process"))
        )
    return found


def process(slug: str) -> Process:
    """Return a process, in use or not. Raises NotFound."""
    found = Process.objects.select_related("team", "updated_by").filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such process.")
    return found


def step(of: Process, number: int) -> ProcessStep:
    """Return a step that a process has now, by its place from 1. Raises NotFound."""
    found = ProcessStep.objects.filter(process=of, place=number, removed_at__isnull=True).first()
    if found is None:
        raise NotFound("This process has no such step.")
    return found


def versions(of: Process) -> QuerySet[ProcessVersion]:
    """All versions of a process, newest first."""
    return of.versions.select_related("by").order_by("-version")


def version(of: Process, number: int) -> ProcessVersion:
    """Return a process as it was. Raises NotFound."""
    found = ProcessVersion.objects.select_related("by").filter(process=of, version=number).first()
    if found is None:
        raise NotFound("There is no such version of this process.")
    return found

"""Reads of runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from raglan.core.errors import NotFound
from raglan.fleet.models import Host
from raglan.fleet.ports import Outcome
from raglan.fleet.run_models import HostRun


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run: what became of it, its first line, and the rest, such as a difference of a file."""

    name: str
    outcome: str
    line: str
    more: str


def runs(*, host: Host | None = None, outcome: str = "", tool: str = "") -> QuerySet[HostRun]:
    """Runs, of a host or of all, the newest first."""
    found = HostRun.objects.select_related("host").order_by("-at", "-pk")
    if host is not None:
        found = found.filter(host=host)
    if outcome:
        found = found.filter(outcome=outcome)
    return found.filter(tool=tool) if tool else found


def run(pk: int) -> HostRun:
    """Return a run with its host and source. Raises NotFound."""
    found = HostRun.objects.select_related("host", "source").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such run.")
    return found


def host(pk: int) -> Host:
    """Return a host. Raises NotFound."""
    found = Host.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such host.")
    return found


def steps(found: HostRun) -> list[Step]:
    """Return the steps of a run, those that failed first."""
    read = [Step(name, outcome, *_split(sentence)) for name, outcome, sentence in found.steps]
    return sorted(read, key=lambda step: step.outcome != Outcome.FAILED)


def _split(sentence: str) -> tuple[str, str]:
    line, _, more = sentence.partition("\n")
    return (line, more) if not line.startswith("--- ") else ("", sentence)


def last_runs(hosts: Sequence[int]) -> dict[int, HostRun]:
    """Return the last run of each of some hosts that is over and was no rehearsal."""
    over = (Outcome.CHANGED, Outcome.UNCHANGED, Outcome.FAILED)
    found: dict[int, HostRun] = {}
    for one in HostRun.objects.filter(host__in=hosts, outcome__in=over).order_by("at", "pk").defer("steps", "moves"):
        found[one.host_id] = one
    return found

"""The company's monitoring: checks look at the model's machines and speak as Prometheus does to an Alertmanager."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from raglan.demo.client import Json
from raglan.demo.company import SITE, TOOL_NAMES
from raglan.demo.model import CLUSTERS, MINUTE, Outcome

LOOK_EVERY = 30
FIRES_BELOW = 0.6
RESOLVES_FROM = 0.95
FAILED_RUNS = 60
# A host check rings after four looks, a minute apart, that found nothing.
HOST_RINGS_AFTER = 4 * MINUTE
# Longer than the slowest replay: host checks are sent when they change, not again and again.
HOLDS = timedelta(minutes=45)
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: its labels name it, the words tell it."""

    source: str
    labels: Labels
    summary: str
    more: Labels = ()


@dataclass(slots=True)
class Checks:
    """All checks, with what fires at present."""

    outcome: Outcome
    firing: dict[Labels, Finding] = field(default_factory=dict)
    lost: dict[str, Finding] = field(default_factory=dict)

    def look(self, second: int) -> dict[str, list[Json]]:
        """Look at the fleet; return what each source has to send."""
        found = {finding.labels: finding for finding in self._findings(second)}
        over = [finding for labels, finding in self.firing.items() if labels not in found]
        changed = [finding for labels, finding in found.items() if self.firing.get(labels) != finding]
        self.firing = found
        return _send(changed, over)

    def lose(self, tool: str) -> dict[str, list[Json]]:
        """Tell that a response tool does not answer."""
        finding = _tool(tool)
        self.lost[tool] = finding
        return _send([finding], [])

    def get_back(self, tool: str) -> dict[str, list[Json]]:
        """Tell that a response tool answers again; nothing when it was not lost."""
        finding = self.lost.pop(tool, None)
        return _send([], [finding] if finding else [])

    def resolve_all(self) -> dict[str, list[Json]]:
        """Tell that everything is over."""
        over = [*self.firing.values(), *self.lost.values()]
        self.firing, self.lost = {}, {}
        return _send([], over)

    def _findings(self, second: int) -> Iterator[Finding]:
        yield from self._clusters(second)
        yield from self._runs(second)
        yield from self._hosts(second)

    def _clusters(self, second: int) -> Iterator[Finding]:
        """Look at each cluster in the middle of a minute; in between, what was found stands."""
        for cluster, size in CLUSTERS:
            labels = _labels(alertname="HttpdClusterServing", cluster=cluster, service="httpd", severity="critical")
            before = self.firing.get(labels)
            healthy = self.outcome.counts_at(second, cluster).serving
            if second % MINUTE != MINUTE // 2:
                yield from [before] if before else []
            elif healthy / size < (RESOLVES_FROM if before else FIRES_BELOW):
                more = (("description", f"{healthy} of {size} machines serve."), ("healthy", str(healthy)))
                yield Finding("nagios", labels, f"httpd in {cluster}: too few machines serve", more)

    def _runs(self, second: int) -> Iterator[Finding]:
        machines = self.outcome.machines
        failed = sum(not (machine.state_at(second).serves or machine.is_busy(second)) for machine in machines)
        labels = _labels(alertname="ChefRunsFailing", service="httpd", severity="warning")
        if failed > (0 if labels in self.firing else FAILED_RUNS):
            more = (("description", f"The last run failed on {failed} machines."), ("failed", str(failed)))
            yield Finding("graphite", labels, "Chef runs fail on many machines", more)

    def _hosts(self, second: int) -> Iterator[Finding]:
        for machine in self.outcome.machines:
            bad_since = next((turn.at for turn in reversed(machine.turns) if turn.at <= second), None)
            if bad_since is None or machine.state_at(second).serves or second - bad_since < HOST_RINGS_AFTER:
                continue
            labels = _labels(
                alertname="HttpdDown",
                cluster=machine.cluster,
                instance=machine.name,
                service="httpd",
                severity="warning",
            )
            yield Finding("nagios", labels, f"httpd on {machine.name} does not answer")


def _tool(tool: str) -> Finding:
    labels = _labels(alertname="ToolDoesNotAnswer", kind="response-tool", service=tool, severity="warning")
    return Finding("nagios", labels, f"{TOOL_NAMES[tool]}: the page does not answer")


def _labels(**labels: str) -> Labels:
    return tuple(sorted({**labels, "site": SITE}.items()))


def _send(firing: Iterable[Finding], over: Iterable[Finding]) -> dict[str, list[Json]]:
    """Return for each source the alerts as its API takes them: an end in the future while one fires."""
    at = datetime.now(UTC)
    messages: dict[str, list[Json]] = {}
    for finding in firing:
        messages.setdefault(finding.source, []).append(_alert(finding, ends_at=at + HOLDS))
    for finding in over:
        messages.setdefault(finding.source, []).append(_alert(finding, ends_at=at))
    return messages


def _alert(finding: Finding, *, ends_at: datetime) -> Json:
    return {
        "labels": dict(finding.labels),
        "annotations": {"summary": finding.summary, **dict(finding.more)},
        "startsAt": min(ends_at, datetime.now(UTC)).isoformat(),
        "endsAt": ends_at.isoformat(),
        "generatorURL": "",
    }

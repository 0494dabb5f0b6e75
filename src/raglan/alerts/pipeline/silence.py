"""The stage that answers: has somebody muted this, who, until when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.alerts.pipeline.route import Matcher
from raglan.core.decisions import Decision

STAGE = "silence"


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """A silence as the pipeline sees it. One that a source set hits the alerts of that source only."""

    id: int
    version: int
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    who: str
    reason: str
    source_id: int | None = None

    @property
    def ref(self) -> str:
        """The name under which alerts keep what holds them."""
        return f"silence:{self.id}"

    @property
    def name(self) -> str:
        """Name and version, for the decision."""
        return f"silence {self.id}, version {self.version}"

    def hits(self, labels: dict[str, str], source_id: int) -> bool:
        """Tell whether it is about these labels, at whatever time."""
        if self.source_id is not None and self.source_id != source_id:
            return False
        return all(matcher.matches(labels) for matcher in self.matchers)


def silence(
    labels: dict[str, str], *, source_id: int, rules: Sequence[SilenceRule], at: datetime
) -> tuple[list[SilenceRule], Decision]:
    """Return the silences that hold, the one that ends last first, and why."""
    active = [rule for rule in rules if rule.starts_at <= at < rule.ends_at]
    found = sorted((rule for rule in active if rule.hits(labels, source_id)), key=lambda rule: rule.ends_at)[::-1]
    if not found:
        looked = f"none of {len(active)} active silences matches" if active else "there is no active silence"
        return [], Decision(STAGE, "not_silenced", looked)
    last = found[0]
    until = f"{last.ends_at:%Y-%m-%d %H:%M} UTC"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    reason = f"silence {last.id} by {last.who} until {until}: {last.reason}{more}"
    return found, Decision(STAGE, "silenced", reason, last.name)

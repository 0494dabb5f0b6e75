"""The stages that may hold an alert back, one after another, and what they come to together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from raglan.alerts.pipeline.flap import Flapping, FlapRule
from raglan.alerts.pipeline.inhibit import Cause, InhibitionRule, inhibit
from raglan.alerts.pipeline.maintain import OpenWindow, maintain
from raglan.alerts.pipeline.noisy import noisy
from raglan.alerts.pipeline.silence import SilenceRule, silence
from raglan.core.decisions import Decision


@dataclass(frozen=True, slots=True)
class Noise:
    """All rules that may hold an alert back, read once for a batch."""

    silences: tuple[SilenceRule, ...] = ()
    inhibitions: tuple[InhibitionRule, ...] = ()
    windows: tuple[OpenWindow, ...] = ()
    noisy_sources: frozenset[int] = frozenset()
    flaps: dict[str, Flapping] = field(default_factory=dict)  # by fingerprint; few, and none for most
    flap_rules: Mapping[int, FlapRule] = field(default_factory=dict)  # by source
    is_timed: bool = True  # whether something in it begins or ends by time alone

    @property
    def is_alike(self) -> bool:
        """Whether no rule looks at labels, so that all alerts of a source that do not flap are held back, or none."""
        return not (self.silences or self.inhibitions or self.windows)


@dataclass(frozen=True, slots=True)
class Held:
    """What holds an alert back: the outcome of the first stage that does, all that do, and each decision."""

    how: str
    by: tuple[str, ...]
    decisions: tuple[Decision, ...]

    @property
    def why(self) -> str:
        """The reason of the first stage that holds; or why none does."""
        return self.decisions[0].reason


Causes = Mapping[str, Sequence[Cause]]
NO_CAUSES: Causes = {}


Asked = tuple[list[str], Decision]


def hold(
    labels: dict[str, str],
    *,
    source_id: int,
    noise: Noise,
    at: datetime,
    causes: Causes = NO_CAUSES,
    flaps: Asked | None = None,
) -> Held:
    """Ask every stage. Those that hold are told one by one; when none does, one decision gives all the reasons.

    `causes` are firing alerts that may explain this one, by the key of their inhibition. `flaps` is what the stage
    about flapping said of an alert that flaps; for all others it is not asked.
    """
    asked: list[Asked] = [inhibit(labels, source_id=source_id, rules=noise.inhibitions, causes=causes)]
    windows, planned = maintain(labels, open_now=noise.windows)
    asked.append(([rule.ref for rule in windows], planned))
    silences, decided = silence(labels, source_id=source_id, rules=noise.silences, at=at)
    asked.append(([rule.ref for rule in silences], decided))
    asked.append(noisy(source_id, noise.noisy_sources))
    asked += [flaps] if flaps else []
    holding = [(refs, decision) for refs, decision in asked if refs]
    if not holding:
        reasons = "; ".join(f"{decision.stage}: {decision.reason}" for _, decision in asked)
        return Held("", (), (Decision("hold", "passed", reasons), *([flaps[1]] if flaps else ())))
    refs = tuple(ref for refs, _ in holding for ref in refs)
    return Held(holding[0][1].outcome, refs, tuple(decision for _, decision in holding))

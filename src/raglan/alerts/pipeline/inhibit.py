"""The stage that answers: does something else that fires explain this already.

A rule has two sides and labels that must be equal on both. While an alert of the source side fires, alerts of the
target side with the same values are held back. An alert that is on both sides of a rule is not held back by it.
A rule may count within one source only: then both alerts come from it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raglan.alerts.pipeline.route import Matcher
from raglan.core.decisions import Decision

STAGE = "inhibit"


@dataclass(frozen=True, slots=True)
class InhibitionRule:
    """An inhibition as the pipeline sees it."""

    id: int
    version: int
    name: str
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]
    same_source: bool

    @property
    def rule(self) -> str:
        """Name and version, for the decision."""
        return f"inhibition {self.id}, version {self.version}"

    def is_source(self, labels: dict[str, str]) -> bool:
        """Tell whether an alert holds others back."""
        return all(matcher.matches(labels) for matcher in self.source)

    def is_target(self, labels: dict[str, str]) -> bool:
        """Tell whether an alert may be held back."""
        return all(matcher.matches(labels) for matcher in self.target) and not self.is_source(labels)

    def key(self, labels: dict[str, str], source_id: int) -> str:
        """Return what both sides must agree in: the rule, its source if that matters, and the values of its labels."""
        within = [f"source {source_id}"] if self.same_source else []
        words = [str(self.id), *within, *(labels.get(name, "") for name in self.equal)]
        return hashlib.sha256("\x01".join(words).encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Cause:
    """A firing alert that holds others back."""

    fingerprint: str
    title: str


def inhibit(
    labels: dict[str, str],
    *,
    source_id: int,
    rules: Sequence[InhibitionRule],
    causes: Mapping[str, Sequence[Cause]],
) -> tuple[list[str], Decision]:
    """Return the alerts that explain this one, and why. `causes` are firing alerts by the key of their rule."""
    refs: list[str] = []
    first: tuple[InhibitionRule, Cause] | None = None
    for rule in rules:
        if not rule.is_target(labels):
            continue
        for cause in causes.get(rule.key(labels, source_id), ()):
            first = first or (rule, cause)
            refs.append(f"alert:{cause.fingerprint}")
    if first is None:
        looked = f"nothing that fires explains it by {len(rules)} rules" if rules else "there is no inhibition"
        return [], Decision(STAGE, "not_inhibited", looked)
    rule, cause = first
    same = f" with the same {', '.join(rule.equal)}" if rule.equal else ""
    within = " in the same source" if rule.same_source else ""
    reason = f"{cause.title} fires{within}{same} and explains it: {rule.name}"
    return list(dict.fromkeys(refs)), Decision(STAGE, "inhibited", reason, rule.rule)

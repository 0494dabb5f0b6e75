"""A decision: the outcome of one stage with its reason, kept and shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """What a stage decided. `rule` names the rule and its version, such as `route 2, version 3`."""

    stage: str
    outcome: str
    reason: str
    rule: str = ""

"""A decision: the outcome of one stage with its reason, kept and shown."""

from dataclasses import dataclass
from datetime import datetime

import msgspec


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a stage decided. `rule` names the rule and its version, such as `route 2, version 3`.

    It is kept as a list of its four words; a struct, because a storm makes some for each of its alerts.
    """

    stage: str
    outcome: str
    reason: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it was kept, with its moment."""

    at: datetime
    stage: str
    outcome: str
    reason: str
    rule: str

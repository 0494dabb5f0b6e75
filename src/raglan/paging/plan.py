"""The pure part of escalation: which step comes next, and what the plan of a page is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from raglan.paging.hours import Hours

FORGOTTEN_AFTER_S = 12 * 3600
ROUND_AT_LEAST = timedelta(minutes=1)  # from one round to the next, where no step takes any time
ONLY_TOLD = frozenset(("webhook", "chat"))
LOW_SEVERITIES = frozenset(
    (
        "info",
        "informational",
        "information",
        "low",
        "minor",
        "none",
        "notice",
        "debug",
        "ok",
        "sev3",
        "sev4",
        "p4",
        "p5",
    )
) | {"warning", "warn"}


class WhenNobody(StrEnum):
    """What happens when a step finds nobody on call. There is no choice that does nothing."""

    NEXT_STEP = "next_step"
    HOLD = "hold"
    FALL_BACK = "fall_back"


class EarlierSteps(StrEnum):
    """What becomes of a person's own later ways when the next step is taken."""

    GO_ON = "go_on"
    STOP = "stop"


class Acknowledge(StrEnum):
    """Whose answer a step wants."""

    ANYONE = "anyone"
    EACH = "each"


class Urgency(StrEnum):
    """Whether a page may wake somebody."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step pages: `type` is schedule, person, team, webhook or chat.

    A webhook has an address and no id. A chat has the number of its connection and the name of a room there.
    """

    type: str
    id: int
    url: str = ""
    room: str = ""

    @property
    def is_nobody(self) -> bool:
        """Whether it is only told: a program or a room in chat, by which no person counts as reached."""
        return self.type in ONLY_TOLD

    def as_json(self) -> dict[str, object]:
        """Return what is stored.

        The connection of a chat stands under a key of its own: to an older node, which knows no chats, any `id` here
        is one of a person, and nobody has 0.
        """
        given = {"type": self.type, "id": self.id}
        if self.type == "chat":
            given |= {"id": 0, "chat": self.id}
        return given | {name: value for name, value in (("url", self.url), ("room", self.room)) if value}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Target":
        """Read what is stored."""
        kind, number = str(value["type"]), _number(value, "id", 0)
        if kind == "chat":
            number = _number(value, "chat", number)
        return cls(kind, number, str(value.get("url", "")), str(value.get("room", "")))


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step as it stood when the page started."""

    wait_s: int
    targets: tuple[Target, ...]
    acknowledge: Acknowledge = Acknowledge.ANYONE

    def as_json(self) -> dict[str, object]:
        """Return what is stored."""
        return {
            "wait_s": self.wait_s,
            "targets": [target.as_json() for target in self.targets],
            "acknowledge": str(self.acknowledge),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The policy as it stood when the page started. A running page keeps it.

    A page that comes back, or is handed on, begins again in a new round, `first_round`; the first `head` steps then
    ask one named person and are not repeated. A fallback knows the plan that stood `before` it. One that `falls_back`
    has no policy behind it: when nobody answers, or nobody can be reached, the fallback is asked.
    """

    policy: str
    version: int
    repeat: int
    steps: tuple[PlannedStep, ...]
    when_nobody: WhenNobody = WhenNobody.NEXT_STEP
    earlier_steps: EarlierSteps = EarlierSteps.GO_ON
    hours: Hours | None = None
    forgotten_after_s: int = FORGOTTEN_AFTER_S
    first_round: int = 0
    head: int = 0
    fell_back: bool = False
    falls_back: bool = False
    before: "Plan | None" = None

    def as_json(self) -> dict[str, object]:
        """Return what the page stores. Pages that start together by one plan get the same: nobody writes into it."""
        plan, stored = _written
        if plan is not self:
            stored = self._as_json()
            _write_down(self, stored)
        return stored

    def _as_json(self) -> dict[str, object]:
        return {
            "policy": self.policy,
            "version": self.version,
            "repeat": self.repeat,
            "steps": [step.as_json() for step in self.steps],
            "when_nobody": str(self.when_nobody),
            "earlier_steps": str(self.earlier_steps),
            "hours": self.hours.as_json() if self.hours else {},
            "forgotten_after_s": self.forgotten_after_s,
            "first_round": self.first_round,
            "head": self.head,
            "fell_back": self.fell_back,
            "falls_back": self.falls_back,
            "before": self.before.as_json() if self.before else {},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Plan":
        """Read what the page stores; what an older raglan did not write has its default."""
        plan, stored = _written
        if plan is not None and stored is value:
            return plan
        steps, before = value.get("steps"), value.get("before")
        return cls(
            policy=str(value.get("policy", "")),
            version=_number(value, "version", 1),
            repeat=_number(value, "repeat", 0),
            steps=tuple(_step(step) for step in (steps if isinstance(steps, list) else [])),
            when_nobody=WhenNobody(str(value.get("when_nobody", WhenNobody.NEXT_STEP))),
            earlier_steps=EarlierSteps(str(value.get("earlier_steps", EarlierSteps.GO_ON))),
            hours=Hours.from_json(value.get("hours")),
            forgotten_after_s=_number(value, "forgotten_after_s", FORGOTTEN_AFTER_S),
            first_round=_number(value, "first_round", 0),
            head=_number(value, "head", 0),
            fell_back=bool(value.get("fell_back", False)),
            falls_back=bool(value.get("falls_back", False)),
            before=cls.from_json(before) if before and isinstance(before, Mapping) else None,
        )

    def after(self, round_: int, step: int) -> tuple[int, int] | None:
        """Return the round and step that follow, or None when all rounds are through. Start with step -1."""
        if not self.steps:
            return None
        if step + 1 < len(self.steps):
            return round_, step + 1
        if self.head >= len(self.steps) or round_ >= self.first_round + self.repeat:
            return None
        return round_ + 1, self.head

    @property
    def lacks_pause(self) -> bool:
        """Whether it begins again without any wait: all rounds would ring at once. No policy may be saved so now."""
        return self.repeat > 0 and not any(step.wait_s for step in self.steps[self.head :])

    def wait_of(self, step: int) -> timedelta:
        """Return how long a step waits; where none of a round does, the last one waits the least that a round takes."""
        is_last = step + 1 == len(self.steps)
        return ROUND_AT_LEAST if is_last and self.lacks_pause else timedelta(seconds=self.steps[step].wait_s)

    def again(self, round_: int, *, first: int | None = None, wait_s: int = 300) -> "Plan":
        """Return the plan of a page that begins once more, with a named person first where one is given."""
        head = (PlannedStep(wait_s, (Target("person", first),)),) if first is not None else ()
        steps = (*head, *self.steps[self.head :])
        return replace(self, steps=steps, head=len(head), first_round=round_, before=None)

    @property
    def began(self) -> int:
        """The round in which the page began, or began again; a fallback goes on with that."""
        return (self.before or self).first_round

    def of(self, round_: int) -> "Plan":
        """Return the plan that a round since then belongs to: to the fallback, or to the one before it."""
        return self.before if self.before is not None and round_ < self.first_round else self

    def at_daylight(self, at: datetime, urgency: str) -> datetime:
        """Return when something of an urgency may happen: low waits for the hours, high for nothing."""
        return self.hours.opens(at) if urgency == Urgency.LOW and self.hours else at


_written: tuple[Plan | None, dict[str, object]] = None, {}  # the plan that was asked last, and what is stored of it


def _write_down(plan: Plan, stored: dict[str, object]) -> None:
    global _written  # noqa: PLW0603 -- one at a time, and each whole
    _written = plan, stored


def _number(value: Mapping[str, object], name: str, default: int) -> int:
    return int(str(value.get(name, default)))


def _step(step: Mapping[str, object]) -> PlannedStep:
    targets = step["targets"]
    return PlannedStep(
        _number(step, "wait_s", 0),
        tuple(Target.from_json(target) for target in (targets if isinstance(targets, list) else [])),
        Acknowledge(str(step.get("acknowledge", Acknowledge.ANYONE))),
    )


def urgency_of(setting: str, severity: str) -> Urgency:
    """Return the urgency that a policy's setting gives to a severity. What is not known is urgent."""
    if setting == "severity":
        return Urgency.LOW if severity.strip().lower() in LOW_SEVERITIES else Urgency.HIGH
    return Urgency(setting)

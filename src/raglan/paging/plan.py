"""The pure part of escalation: which step comes next, and what the plan of a page is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step pages: `type` is schedule, person or team."""

    type: str
    id: int


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step as it stood when the page started."""

    wait_s: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The policy as it stood when the page started. A running page keeps it."""

    policy: str
    version: int
    repeat: int
    steps: tuple[PlannedStep, ...]

    def as_json(self) -> dict[str, object]:
        """Return what the page stores."""
        return {
            "policy": self.policy,
            "version": self.version,
            "repeat": self.repeat,
            "steps": [
                {"wait_s": step.wait_s, "targets": [{"type": target.type, "id": target.id} for target in step.targets]}
                for step in self.steps
            ],
        }

    @classmethod
    def from_json(cls, value: dict[str, object]) -> "Plan":
        """Read what the page stores."""
        steps = value.get("steps")
        return cls(
            policy=str(value.get("policy", "")),
            version=int(str(value.get("version", 1))),
            repeat=int(str(value.get("repeat", 0))),
            steps=tuple(
                PlannedStep(int(step["wait_s"]), tuple(Target(str(t["type"]), int(t["id"])) for t in step["targets"]))
                for step in (steps if isinstance(steps, list) else [])
            ),
        )

    def after(self, round_: int, step: int) -> tuple[int, int] | None:
        """Return the round and step that follow, or None when all rounds are through. Start with step -1."""
        if not self.steps:
            return None
        if step + 1 < len(self.steps):
            return round_, step + 1
        return (round_ + 1, 0) if round_ < self.repeat else None

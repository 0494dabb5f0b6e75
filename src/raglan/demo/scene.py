"""What the story needs to know of the fleet to be told: counts at a moment, and machines with a part in it."""

from dataclasses import dataclass

from raglan.demo.beats import Feeling, Stand
from raglan.demo.levers import Lever
from raglan.demo.model import MINUTE, SLOW_SHARE, Machine, Outcome, State

VERY_SLOW_SHARE = 0.3
OLD, NEW = "2.2.31", "2.2.32"
END = 30 * MINUTE
TOOLS = ("graphite", "nagios", "runbooks", "deployinator")
WHO_MISSED = {"graphite": "tess", "nagios": "ike", "runbooks": "jun", "deployinator": "kei"}
WHY_REACHED = "Why the upgrade reached machines that had httpd already"
WHY_STARTS = "Why httpd did not start after the upgrade"


def t(minutes: int, seconds: int = 0) -> int:
    """Return seconds after T."""
    return minutes * MINUTE + seconds


@dataclass(frozen=True, slots=True)
class Scene:
    """One replay of the fleet, with the words to speak of it."""

    lever: Lever
    outcome: Outcome

    @property
    def fleet(self) -> int:
        """Return how many machines there are."""
        return len(self.outcome.machines)

    def serving(self, second: int) -> str:
        """Say how many machines serve."""
        return f"{self.outcome.serving_at(second)} of {self.fleet}"

    def feeling(self, second: int) -> Feeling:
        """Return what users feel."""
        share = self.outcome.serving_at(second) / self.fleet
        if share == 0:
            return "down"
        return "slow" if share < SLOW_SHARE else "fine"

    def feeling_words(self, second: int) -> str:
        """Say what users feel."""
        share = self.outcome.serving_at(second) / self.fleet
        if share == 0:
            return "Site down"
        if share < VERY_SLOW_SHARE:
            return "Site very slow, still up"
        return "Site slow, still up" if share < SLOW_SHARE else "Site up"

    def watched(self) -> Machine:
        """Return the web machine that is watched at minute 2: the first that turns bad from then on."""
        return self._first_bad_from(100)

    def tried(self) -> Machine:
        """Return another web machine that has been bad for a while by minute 8."""
        return self._first_bad_from(200)

    def repeated(self) -> Machine:
        """Return a third one."""
        return self._first_bad_from(230)

    def _first_bad_from(self, second: int) -> Machine:
        turned = [
            machine
            for machine in self.outcome.machines
            if machine.cluster == "web" and machine.turns and machine.turns[0].state is State.NEW_BAD
        ]
        later = [machine for machine in turned if machine.turns[0].at >= second]
        return min(later, key=lambda machine: machine.turns[0].at) if later else turned[-1]

    def untouched(self) -> list[str]:
        """Return the names of the machines on which configuration management never ran."""
        return [machine.name for machine in self.outcome.machines if machine.never_runs]

    def done_at(self) -> int | None:
        """Return the second at which all serve, by the minute's count."""
        minute = self.outcome.figures.all_serving_minute
        return None if minute is None else t(minute)


def standing(scene: Scene, at: int, *, trying: tuple[str, ...], know: tuple[str, ...] = ()) -> Stand:
    """Where it stands while machines are still out, with the model's count."""
    return Stand(
        state=scene.feeling(at),
        state_words=scene.feeling_words(at),
        summary=f"{scene.feeling_words(at)}. A pin change upgraded httpd on machines that had it, and it does not start"
        f" after the upgrade. {scene.serving(at)} machines serve.",
        know=(*know, f"{scene.serving(at)} machines serve"),
        trying=trying,
        unknown=(WHY_REACHED, "Why httpd does not start after the first run"),
    )

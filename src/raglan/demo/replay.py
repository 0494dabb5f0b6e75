"""Plays the story: beats of people and looks of the checks, in order of time."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from raglan.demo import company
from raglan.demo.acts import WATCH, RoomClosed, Stage
from raglan.demo.beats import Beat, Begins, Ends, RaiseHold
from raglan.demo.checks import LOOK_EVERY, Checks
from raglan.demo.client import Refused, Unreachable
from raglan.demo.hosts import LOOK_EVERY as HOSTS_EVERY
from raglan.demo.hosts import Hosts
from raglan.demo.mirror import PackageMirror
from raglan.demo.model import MINUTE, Figures
from raglan.demo.pace import Pace, clock_words
from raglan.demo.scene import Scene
from raglan.demo.story import story
from raglan.demo.world import Voice, World

INDENT = " " * 11
NEED_ALL = (Begins, Ends, RaiseHold)  # before these, everything that machines said has to be there


@dataclass(slots=True)
class Replay:
    """One replay on one server."""

    world: World
    scene: Scene
    pace: Pace
    out: Callable[[str], None] = print
    hosts: Hosts | None = None
    mirror: PackageMirror | None = None
    stage: Stage = field(init=False)
    _last_words: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.stage = Stage(self.world, Checks(self.scene.outcome), self.scene.outcome.figures, self.pace)

    def play(self) -> Figures:
        """Play everything; when somebody closes the room, end there."""
        beats = story(self.scene)
        looks = range(0, beats[-1].at + 1, LOOK_EVERY)
        moments: list[tuple[int, Beat | None]] = [*((at, None) for at in looks), *((beat.at, beat) for beat in beats)]
        if self.hosts is not None:
            moments += ((at, None) for at in range(0, beats[-1].at + 1, HOSTS_EVERY) if at % LOOK_EVERY)
        try:
            # The sort is stable: at the same second the checks look first.
            for at, beat in sorted(moments, key=lambda moment: moment[0]):
                self.pace.wait_for(max(at, 0))
                if self.hosts is not None:
                    self.hosts.until(at)
                if beat is not None:
                    self._play(beat)
                elif at % LOOK_EVERY == 0:
                    self._look(at)
            if self.hosts is not None:
                self.hosts.finish()
        except RoomClosed:
            self.out("Somebody closed the room; the story ends here.")
            self.stop()
        return self.stage.figures

    def stop(self) -> None:
        """End early: let every alert resolve. The room stays as it is."""
        with contextlib.suppress(Refused, Unreachable):
            self.stage.send(self.stage.checks.resolve_all())

    def _look(self, second: int) -> None:
        self.stage.send(self.stage.checks.look(second))
        if second % MINUTE == 0 and self.stage.room and not self.stage.is_over:
            self._tell_fleet(second)

    def _tell_fleet(self, second: int) -> None:
        """Let the change watch say how many machines serve, while the number moves."""
        counts = self.scene.outcome.counts_at(second)
        parts = (
            (counts.new_bad, "upgraded and stopped"),
            (counts.new_good, "upgraded and serving"),
            (counts.old_good, "on the old version"),
        )
        told = ", ".join(f"{count} {words}" for count, words in parts if count)
        words = f"{counts.serving} of {self.scene.fleet} machines serve; {told}."
        if words != self._last_words:
            self._last_words = words
            self.stage.post_machine(words)
            self._tell(second, WATCH, words)

    def _play(self, beat: Beat) -> None:
        name = company.BY_KEY[beat.who].name if beat.who else ""
        nobody = Voice(0, self.world.admin, 0)
        if isinstance(beat.action, NEED_ALL) and self.hosts is not None:
            self.hosts.finish()
        try:
            words = self.stage.act(beat.action, self.world.voices.get(beat.who, nobody))
        except Refused as refused:
            # Whoever tries the demo may have answered first; the story goes on beside them.
            if refused.status != 409:
                raise
            words = f"(not taken: {refused.sentence})"
        if isinstance(beat.action, Begins) and self.mirror is not None:
            self.mirror.raise_pin()
        if words:
            self._tell(beat.at, name, words)
        if isinstance(beat.action, RaiseHold) and self.hosts is not None:
            self._let_them_ask(self.hosts)

    def _let_them_ask(self, hosts: Hosts) -> None:
        """From now on each machine asks before a run. The hold is on disk; give the gate the moment to read it."""
        self.pace.until(lambda: hosts.is_stopped(hosts.planned.machines[0]))
        hosts.asks = True

    def _tell(self, second: int, name: str, words: str) -> None:
        first, *more = f"{name} {words}".strip().splitlines()
        self.out(f"{clock_words(second):>9}  {first}")
        for line in more:
            self.out(INDENT + line)

"""A discrete-event model of a configuration change that travels over a fleet. Pure: one seed, no wall clock.

Every machine runs its configuration management again and again. The first run after the change installs a new version
that does not start; the second run starts it. On seven machines configuration management is broken: they keep the old
version. All times are seconds after the change (T). No machine's fate depends on another's, so each is played to the
end in turn.
"""

import enum
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

MINUTE = 60
HORIZON = 30 * MINUTE
CLUSTERS = (("web", 288), ("api", 64), ("tools", 48))
FLEET = sum(size for _, size in CLUSTERS)
SLOW_SHARE = 0.7
# The seed whose minutes come nearest to the told story; any other gives the same lowest point and the same end.
SEED = 71_444


class State(enum.Enum):
    """What a machine serves with. Old-good and new-good serve; new-bad does not."""

    OLD_GOOD = "old-good"
    NEW_BAD = "new-bad"
    NEW_GOOD = "new-good"

    @property
    def serves(self) -> bool:
        """Tell whether a machine in this state answers."""
        return self is not State.NEW_BAD


@dataclass(frozen=True, slots=True)
class Settings:
    """How the estate is set up, and what people do to the fleet. The defaults are the story as documented."""

    keep_old: int = 7
    stagger: int = 600
    sleep: int = 600
    run_length: tuple[int, int] = (120, 200)
    breaks_after: int = 40
    starts_after: int = 45
    force_at: int | None = 11 * MINUTE
    wave_size: int = 100
    wave_every: int = MINUTE
    stop_at: int | None = None
    way_back_at: int | None = None
    only_first: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One machine's change of state."""

    at: int
    state: State


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine's whole story: its turns of state and the runs in which it was busy."""

    name: str
    cluster: str
    never_runs: bool
    turns: tuple[Turn, ...]
    runs: tuple[tuple[int, int], ...]

    def state_at(self, second: int) -> State:
        """Return the state at a second; a turn counts from its own second on."""
        place = bisect_right(self.turns, second, key=lambda turn: turn.at)
        return self.turns[place - 1].state if place else State.OLD_GOOD

    def is_busy(self, second: int) -> bool:
        """Tell whether a run is under way."""
        return any(start <= second < end for start, end in self.runs)


@dataclass(frozen=True, slots=True)
class Counts:
    """The fleet at one second. The three states add up to the fleet; busy machines are counted beside them."""

    old_good: int
    new_bad: int
    new_good: int
    busy: int

    @property
    def serving(self) -> int:
        """Return how many machines answer."""
        return self.old_good + self.new_good


@dataclass(frozen=True, slots=True)
class Figures:
    """What is left when all is over. The numbers are invented: they come from the model, not from a real fleet."""

    machines: int
    lowest: int
    lowest_at_minute: int
    minutes_slow: int
    all_serving_minute: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole replay of the fleet under one set of settings."""

    settings: Settings
    seed: int
    machines: tuple[Machine, ...]
    serving: tuple[int, ...] = field(repr=False)

    def counts_at(self, second: int, cluster: str | None = None) -> Counts:
        """Count the machines by state at a second, of the fleet or of one cluster."""
        members = [m for m in self.machines if cluster in (None, m.cluster)]
        states = [machine.state_at(second) for machine in members]
        return Counts(
            old_good=states.count(State.OLD_GOOD),
            new_bad=states.count(State.NEW_BAD),
            new_good=states.count(State.NEW_GOOD),
            busy=sum(machine.is_busy(second) for machine in members),
        )

    def serving_at(self, second: int) -> int:
        """Return how many machines answer at a second; before T and after the end nothing changes."""
        return self.serving[min(max(second, 0), HORIZON)]

    def per_minute(self) -> tuple[int, ...]:
        """Return the serving machines at minute 0, 1, 2 and so on."""
        return self.serving[::MINUTE]

    @property
    def figures(self) -> Figures:
        """Return lowest point, minutes under 70 %, and the minute at which all serve, as counted once a minute."""
        counted = self.per_minute()
        fleet = len(self.machines)
        return Figures(
            machines=fleet,
            lowest=min(counted),
            lowest_at_minute=counted.index(min(counted)),
            minutes_slow=sum(count < SLOW_SHARE * fleet for count in counted),
            all_serving_minute=_whole_again(counted, fleet),
        )


def _whole_again(counted: Sequence[int], fleet: int) -> int | None:
    """Return the minute from which all machines serve to the end; None when some never do."""
    if counted[-1] < fleet:
        return None
    return max((minute for minute, count in enumerate(counted) if count < fleet), default=-1) + 1


def simulate(settings: Settings | None = None, *, seed: int = SEED) -> Outcome:
    """Play the change over the fleet. The same settings and seed always give the same outcome."""
    settings = settings or Settings()
    draw = random.Random(seed)
    names = [(cluster, f"{cluster}{number:04d}") for cluster, size in CLUSTERS for number in range(1, size + 1)]
    exempt = set(draw.sample(range(FLEET), 7)[: settings.keep_old])
    reached = set([index for index in range(FLEET) if index not in exempt][: settings.only_first])
    starts = [int(draw.random() * settings.stagger) for _ in names]
    waves = _waves(settings)
    machines = []
    for index, (cluster, name) in enumerate(names):
        lengths = [draw.randint(*settings.run_length) for _ in range(4)]
        runs = _Runs(settings, first=starts[index], forced=waves[index], lengths=lengths)
        turns, busy = runs.play() if index in reached else ([], [])
        machines.append(Machine(name, cluster, index in exempt, tuple(turns), tuple(busy)))
    return Outcome(settings, seed, tuple(machines), _serving(machines))


def _waves(settings: Settings) -> list[int | None]:
    """Return for each machine when it is forced: api first, then web, then tools, so many a minute."""
    if settings.force_at is None:
        return [None] * FLEET
    web, api, _ = (size for _, size in CLUSTERS)
    order = [*range(web, web + api), *range(web), *range(web + api, FLEET)]
    waves: list[int | None] = [None] * FLEET
    for place, index in enumerate(order):
        waves[index] = settings.force_at + place // settings.wave_size * settings.wave_every
    return waves


def _serving(machines: Sequence[Machine]) -> tuple[int, ...]:
    """Return the serving machines for each second, from T to the end."""
    steps = [0] * (HORIZON + 1)
    for machine in machines:
        before = True
        for turn in machine.turns:
            steps[turn.at] += turn.state.serves - before
            before = turn.state.serves
    return tuple(len(machines) + gone for gone in accumulate(steps))


@dataclass(slots=True)
class _Runs:
    """One machine's runs, one after the other."""

    settings: Settings
    first: int
    forced: int | None
    lengths: Sequence[int]

    def play(self) -> tuple[list[Turn], list[tuple[int, int]]]:
        """Play all runs up to the horizon."""
        turns: list[Turn] = []
        runs: list[tuple[int, int]] = []
        state, start, free_at = State.OLD_GOOD, self.first, 0
        for length in self.lengths:
            start = self._start(start, free_at)
            if start >= HORIZON or (self.settings.stop_at is not None and start >= self.settings.stop_at):
                break
            turn = self._effect(state, start)
            if turn is not None and turn.at <= HORIZON:
                turns.append(turn)
                state = turn.state
            free_at = start + length
            runs.append((start, free_at))
            start = free_at + self.settings.sleep
        return turns, runs

    def _start(self, planned: int, free_at: int) -> int:
        """Return when the next run starts: as planned, or forced earlier, but never inside the run before."""
        if self.forced is None or self.forced > planned:
            return planned
        forced, self.forced = self.forced, None
        return max(forced, free_at)

    def _effect(self, state: State, start: int) -> Turn | None:
        """Return what a run does to a machine in this state, if anything."""
        back = self.settings.way_back_at is not None and start >= self.settings.way_back_at
        if state is State.OLD_GOOD and not back:
            return Turn(start + self.settings.breaks_after, State.NEW_BAD)
        if state is State.NEW_BAD:
            return Turn(start + self.settings.starts_after, State.OLD_GOOD if back else State.NEW_GOOD)
        return None

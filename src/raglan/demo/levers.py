"""The levers: how the system behaves under other settings. None says what anybody ought to have done."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.demo.model import MINUTE, SEED, Figures, Settings, simulate

HEADING = "How the system behaves under other settings"
INVENTED = "All numbers are invented: they come from a small model with one seed, not from a real fleet."


@dataclass(frozen=True, slots=True)
class Lever:
    """One variation of the story's settings, with what it shows."""

    slug: str
    label: str
    shows: str
    settings: Settings
    lost_tools: bool = True


_NO_FORCE = Settings(force_at=None)
LEVERS: tuple[Lever, ...] = (
    Lever(
        "as-documented",
        "How the system behaves as documented: one more run is forced everywhere from minute 11, 100 machines a minute",
        "The line to compare with.",
        Settings(),
    ),
    Lever(
        "nobody-acts",
        "How the system behaves when nobody acts on the machines",
        "The next planned run starts each machine too. That is only known afterwards.",
        _NO_FORCE,
    ),
    Lever(
        "force-at-5",
        "How the system behaves when the run is forced from minute 5",
        "It brings the early half back and reaches the later half sooner: which run is the second differs by machine.",
        Settings(force_at=5 * MINUTE),
    ),
    Lever(
        "stop-at-4",
        "How the system behaves with a stop switch, used at minute 4",
        "A stop buys time. It does not repair what the change has reached.",
        Settings(force_at=None, stop_at=4 * MINUTE),
    ),
    Lever(
        "seven-put-right",
        "How the system behaves when the seven machines that kept the old version had been put right beforehand",
        "Variety that looks untidy can be a reserve that nobody planned.",
        Settings(keep_old=0),
    ),
    Lever(
        "no-stagger",
        "How the system behaves when all machines run at once, and nobody acts on them",
        "The stagger is what left time to notice.",
        Settings(force_at=None, stagger=1),
    ),
    Lever(
        "one-machine-first",
        "How the system behaves when a safelist lets one machine go first",
        "One surprise, one machine.",
        Settings(force_at=None, only_first=1),
    ),
    Lever(
        "mirror-keeps-two",
        "How the system behaves when the mirror keeps two old versions: going back at minute 7, forced from minute 8",
        "Going back becomes a choice. The way back belongs to the repository, not to the tool.",
        Settings(force_at=8 * MINUTE, way_back_at=7 * MINUTE),
    ),
    Lever(
        "dashboards-elsewhere",
        "How the system behaves when the dashboards do not stand on httpd",
        "The same machines, another view of them: what is lost is lost, but it can be seen.",
        Settings(),
        lost_tools=False,
    ),
)
BY_SLUG = {lever.slug: lever for lever in LEVERS}
DEFAULT = LEVERS[0]


def lowest_words(figures: Figures) -> str:
    """Say the lowest count and when it was reached."""
    return f"{figures.lowest} of {figures.machines}, minute {figures.lowest_at_minute}"


def all_serving_words(figures: Figures) -> str:
    """Say from which minute on all machines serve."""
    if figures.all_serving_minute is None:
        return "not within 30 minutes; a repair is still to come"
    return f"minute {figures.all_serving_minute}"


def rows(*, seed: int = SEED) -> list[tuple[Lever, Figures]]:
    """Play every lever with one seed."""
    return [(lever, simulate(lever.settings, seed=seed).figures) for lever in LEVERS]


def render(*, seed: int = SEED) -> str:
    """Return the table of levers as plain text."""
    lines = [HEADING, ""]
    for lever, figures in rows(seed=seed):
        lines += [f"{lever.slug}", f"    {lever.label}.", f"    {_numbers(figures)}", f"    {lever.shows}", ""]
    return "\n".join([*lines, INVENTED])


def _numbers(figures: Figures) -> str:
    return (
        f"Lowest serving: {lowest_words(figures)}. Under 70 %: {figures.minutes_slow} min. "
        f"All serving: {all_serving_words(figures)}."
    )


def markdown(*, seed: int = SEED) -> str:
    """Return the reference page."""
    head = (
        "`--lever`",
        HEADING.replace("under other settings", "…"),
        "Lowest serving",
        "Under 70 %",
        "All serving",
        "What it shows",
    )
    body = [
        (
            f"`{lever.slug}`",
            lever.label.removeprefix("How the system behaves "),
            lowest_words(figures),
            f"{figures.minutes_slow} min",
            all_serving_words(figures),
            lever.shows,
        )
        for lever, figures in rows(seed=seed)
    ]
    table = [head, tuple("---" for _ in head), *body]
    return "\n".join([_INTRODUCTION, *map(_row, table), "", _CLOSING])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_INTRODUCTION = f"""# Levers of the demo

`raglan demo` replays one incident at a fictional company. A change of a pinned version travels over 400 web servers;
the first run after it leaves httpd stopped, the second run starts it. A small model plays every machine.

A lever changes one setting of that model. It shows how the system behaves under other settings. It does not say what
anybody ought to have done: nobody could know these numbers that afternoon.

{INVENTED} Another seed moves them a little (`--seed`). Machines are counted once a minute.

```
raglan demo --lever nobody-acts
raglan demo --levers
```
"""

_CLOSING = """## How the model works

- 400 machines: 288 in `web`, 64 in `api`, 48 in `tools`. On seven of them configuration management is broken.
- A machine runs configuration management, sleeps ten minutes from the end of the run, and runs again. The first start
  after the change falls anywhere in the first ten minutes.
- In the first run the machine stops serving after 40 seconds; the run itself takes 120 to 200 seconds. In the second
  run it serves again after 45 seconds.
- A forced run goes out in waves of 100 machines a minute: api, then web, then tools. A machine that is in a run takes
  it when that run ends. On a machine that still has the old version the forced run is the first run.
- With the way back open, a run that starts after the decision puts the old version in, or leaves it there.
"""

"""`python -m bench [name] …`: run all measurements or some, print figures beside goals and floors."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from bench import (
    alerta,
    audience,
    change,
    fleet,
    floor,
    full,
    gate,
    hooks,
    intake,
    live,
    page,
    phone,
    sizes,
    start,
    storm,
    timers,
)
from bench.ground import Figure

MEASUREMENTS = {
    "start": start.measure,
    "sizes": sizes.measure,
    "page": page.measure,
    "hooks": hooks.measure,
    "down": hooks.measure_down,
    "live": live.measure,
    "audience": audience.measure,
    "phone": phone.measure,
    "storm": storm.measure,
    "intake": intake.measure,
    "alerta": alerta.measure,
    "full": full.measure,
    "timers": timers.measure,
    "gate": gate.measure,
    "fleet": fleet.measure,
    "change": change.measure,
}
HEAD = f"{'what':<46} {'figure':>12} {'goal':>12}   ratio"


def main(wanted: list[str]) -> int:
    """Run the chosen measurements, all by default. The exit code tells whether all that have a budget keep it."""
    unknown = set(wanted) - set(MEASUREMENTS)
    if unknown:
        print(f"There is no measurement called {', '.join(sorted(unknown))}; choose among {', '.join(MEASUREMENTS)}.")
        return 2
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores\n{HEAD}", flush=True)
    broken = False
    with tempfile.TemporaryDirectory(prefix="raglan-bench-") as folder:
        ground = floor.measure(Path(folder))
        show(floor.figures(ground))
        for name in wanted or MEASUREMENTS:
            found = MEASUREMENTS[name](Path(folder) / name, ground)
            show(found)
            broken = broken or any(figure.is_budget and not figure.is_met for figure in found)
    print(f"load after: {os.getloadavg()[0]:.2f}")
    return 1 if broken else 0


def show(figures: list[Figure]) -> None:
    """Print a few lines."""
    for figure in figures:
        mark = "" if figure.goal is None else "  ok" if figure.is_met else "  beyond the goal"
        goal = "" if figure.goal is None else f"{figure.goal:g} {figure.unit}"
        print(f"{figure.what:<46} {figure.value:>9.1f} {figure.unit:<2} {goal:>12}   {figure.ratio}{mark}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    sys.exit(main(sys.argv[1:]))

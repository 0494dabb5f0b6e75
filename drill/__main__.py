"""`python -m drill [--runs N] [name] …`: break things on purpose, and print what was lost, repeated and late."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from drill import clock, full, kill, power, silence, storm, timers
from drill.ground import Result

DRILLS = {
    "power": power.run,
    "timers": timers.run,
    "kill": kill.one_node,
    "nodes": kill.two_nodes,
    "clock": clock.run,
    "silence": silence.run,
    "storm": storm.run,
    "full": full.run,
}
RUNS = 100
HEAD = f"{'drill':<9} {'runs':>6} {'lost':>6} {'repeated':>9} {'latest':>9}   promise, and what the control showed"


def main(arguments: list[str]) -> int:
    """Run the chosen drills, all by default. The exit code tells whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="drill", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="how often a drill that kills does so")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(DRILLS))
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(DRILLS):
        parser.error(f"no drill is called {', '.join(sorted(unknown))}; choose among {', '.join(DRILLS)}")
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores\n{HEAD}", flush=True)
    broken = False
    with tempfile.TemporaryDirectory(prefix="raglan-drill-") as folder:
        for name in chosen.names or DRILLS:
            began = time.monotonic()
            place = Path(folder) / name
            place.mkdir()
            for result in DRILLS[name](place, chosen.runs):
                show(name, result)
                broken = broken or not result.is_kept
            print(f"{'':<9} took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if broken else 0


def show(name: str, result: Result) -> None:
    """Print one line, and the facts under it."""
    late = "-" if result.late_s is None else f"{result.late_s:.1f} s"
    mark = "" if result.is_kept else "   NOT KEPT"
    print(f"{name:<9} {result.runs:>6} {result.lost:>6} {result.repeated:>9} {late:>9}   {result.promise}{mark}")
    print(f"{'':<44}   control: {result.control}")
    for fact in result.facts:
        print(f"{'':<44}   {fact}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

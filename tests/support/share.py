"""What a run of all tests does a third of on the second database: long searches, which the first does whole.

SQLite goes through all of it in a third of the time. Run by name, such a test does all of it on PostgreSQL, too.
"""

import os
from collections import Counter
from collections.abc import Sequence

SHARE = 3
SECOND_RUN = "RAGLAN_TEST_SECOND_RUN"  # set by `--database-only`


def is_second_run() -> bool:
    """Tell whether this is the run of the tests of the database after all ran on the other one."""
    return bool(os.environ.get(SECOND_RUN))


def examples(most: int) -> int:
    """Return how many examples a property is tried with."""
    return -(-most // SHARE) if is_second_run() else most


def places(names: Sequence[str]) -> list[tuple[int, str]]:
    """Return the places to die at, each with its number from 1 on: all, or of each name the first and every third."""
    met: Counter[str] = Counter()
    found = []
    for number, name in enumerate(names, start=1):
        if not is_second_run() or met[name] % SHARE == 0:
            found.append((number, name))
        met[name] += 1
    return found

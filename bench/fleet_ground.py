"""Reports of an invented fleet, and how fast they are taken inside one process: `python -m bench.fleet_ground HOSTS`.

A host has about 600 packages by one of 40 roles; two thirds of the hosts have a few versions of their own. Each chunk
is decoded by msgspec and then taken, one after the other, so that what else the machine does falls on both alike.
"""

import gc
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import msgspec

ROLES, PACKAGES, NAMES = 40, 605, 2_000
CHUNK, AGAIN = 200, 10_000
UNITS = json.dumps([[f"daemon-{number}.service", "active"] for number in range(25)], separators=(",", ":"))
COLLECT = (20_000, 10, 20)  # as a serving process has it


class _Plain(msgspec.Struct):
    packages: list[tuple[str, str, str]]


@dataclass(slots=True)
class Taken:
    """One pass over all hosts."""

    what: str
    hosts: int
    decode_s: float = 0.0
    decode_cpu_s: float = 0.0
    take_s: float = 0.0
    cpu_s: float = 0.0
    raw: int = 0


@cache
def role(number: int) -> tuple[tuple[str, str], ...]:
    """Return what hosts of a role have: names, each with its version, by name."""
    dice, names = random.Random(number), random.Random(1)
    every = [f"lib{names.choice('abcdefghij')}{names.randrange(10**6)}-common-data{index}" for index in range(NAMES)]
    chosen = sorted(dice.sample(every, PACKAGES))
    version = (f"{dice.randint(1, 9)}.{dice.randint(0, 30)}.{dice.randint(0, 9)}" for _ in chosen)
    return tuple(
        (name, f"{text}+dfsg-{dice.randint(1, 9)}+deb12u1") for name, text in zip(chosen, version, strict=True)
    )


def packages(host: int, round_: int) -> str:
    """Return the list of a host after some rounds; in each, a role has three packages that go up."""
    entries = dict(role(host % ROLES))
    own = random.Random(host)
    if host % 3:
        for name in own.sample(sorted(entries), 3):
            entries[name] += f"~own{own.randint(1, 3)}"
    if round_:
        moved = random.Random(1_000 * round_ + host % ROLES).sample(sorted(entries), 3)
        for name in moved[: 1 + host % 3]:
            entries[name] = f"{round_}.{entries[name]}"
    return json.dumps([[name, version, "amd64"] for name, version in entries.items()], separators=(",", ":"))


def body(host: int, *, seq: int, round_: int, listed: str | None = None) -> bytes:
    """Return a report. `listed` stands for the packages, as a hash of them does."""
    place = {"name": f"host{host}.example.test", "machine": f"{host:032x}", "cluster": f"c{host % 5}"}
    told = {**place, "role": f"role{host % ROLES}", "environment": "production", "tags": ["a"], "services": ["shop"]}
    head = json.dumps({"v": 1, "host": told, "at": time.time(), "boot": "b", "seq": seq, "because": "timer"})
    rest = listed or f'"packages":{packages(host, round_)}'
    return f'{head[:-1]},"units":{UNITS},{rest}}}'.encode()


def bodies(hosts: int, *, seq: int, share: float) -> Iterator[list[bytes]]:
    """Yield chunks of reports of all hosts; a share of them has moved since."""
    dice = random.Random(seq)
    for first in range(0, hosts, CHUNK):
        chunk = range(first, min(first + CHUNK, hosts))
        yield [body(host, seq=seq, round_=seq if dice.random() < share else 0) for host in chunk]


def take(what: str, hosts: int, *, seq: int, share: float) -> Taken:
    """Decode and take reports of all hosts, chunk by chunk."""
    from raglan.core.clock import now
    from raglan.fleet import cases, reports, taking

    found, decode = Taken(what, hosts), msgspec.json.Decoder(_Plain).decode
    for chunk in bodies(hosts, seq=seq, share=share):
        began, cpu = time.perf_counter(), time.process_time()
        for one in chunk:
            decode(one)
        found.decode_s += time.perf_counter() - began
        found.decode_cpu_s += time.process_time() - cpu
        began, cpu = time.perf_counter(), time.process_time()
        results = taking.take_reports([reports.read(one, source=0, received_at=now()) for one in chunk])
        found.take_s += time.perf_counter() - began
        found.cpu_s += time.process_time() - cpu
        found.raw += sum(map(len, chunk))
        if any(result is not cases.Taken.TAKEN for result in results):
            raise SystemExit(f"not taken: {results[:5]}")
    return found


PASSES: Sequence[tuple[str, float]] = (("first", 0.0), ("unchanged", 0.0), ("5 % changed", 0.05), ("all changed", 1.0))


def main(hosts: int) -> None:
    """Take reports of so many hosts, then again of the first of them; print what was found as JSON."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    path = Path(str(connection.settings_dict["NAME"]))
    before = _on_disk(path), _resident()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    found = []
    for seq, (what, share) in enumerate(PASSES, 1):
        found.append(asdict(take(what, hosts if seq == 1 else min(hosts, AGAIN), seq=seq, share=share)))
        if seq == 1:
            first = _on_disk(path) - before[0]
    print(
        json.dumps(
            {"passes": found, "disk": first, "later": _on_disk(path) - before[0], "rss": _resident() - before[1]}
        )
    )


def _on_disk(path: Path) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


if __name__ == "__main__":
    main(int(sys.argv[1]))

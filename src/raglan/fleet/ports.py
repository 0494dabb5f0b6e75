"""What tools that change hosts tell: hosts, packages, services, runs; and what raglan makes of one message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
from django.db import InterfaceError, OperationalError
from prometheus_client import Counter

from raglan.core import logs, metrics
from raglan.core.db import atomic

log = logs.get("raglan.fleet")
judge_bugs = Counter("raglan_fleet_judge_bugs", "Judges of observations that raised", registry=metrics.REGISTRY)


class Outcome(StrEnum):
    """How a run of automation ended. A rehearsal (noop, check, test mode) changed nothing, whatever it would change."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REHEARSED = "rehearsed"
    STARTED = "started"


class PackageTold(msgspec.Struct, frozen=True):
    """A package as it is installed: `version` in the tool's own writing, such as `2.4.6-40` or `1:2.4.62-1~deb12u2`."""

    name: str
    version: str
    arch: str = ""


class ServiceTold(msgspec.Struct, frozen=True):
    """A service of a machine and its state: active, failed, inactive, or whatever its tool says."""

    name: str
    state: str


class HostTold(msgspec.Struct, frozen=True):
    """Which machine speaks. `machine` is what identifies it where its tool knows that (a machine id), else empty.

    `installed` is when its system came to be, in seconds by its own clock, where it says that. `knows_tags` says of a
    tool that it told all tags that it knows, so that none are none.
    """

    name: str
    machine: str = ""
    cluster: str = ""
    role: str = ""
    environment: str = ""
    system: str = ""
    tags: Sequence[str] = ()
    services: Sequence[str] = ()
    installed: float = 0
    knows_tags: bool = False


class MoveTold(msgspec.Struct, frozen=True):
    """That a package went from one version to another; `old` is empty for a new one, `new` for one that went."""

    name: str
    old: str
    new: str
    arch: str = ""


class StepTold(msgspec.Struct, frozen=True):
    """One thing that a run looked after (a resource, a task, a state): what it is, and what became of it."""

    name: str
    outcome: Outcome
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class RunTold:
    """One run of automation on one host. The same `key` told again is the same run; the worst outcome stays."""

    tool: str
    key: str
    host: HostTold
    outcome: Outcome
    started_at: datetime | None = None
    ended_at: datetime | None = None
    version: str = ""
    steps: Sequence[StepTold] = ()
    moves: Sequence[MoveTold] = ()
    services: Sequence[ServiceTold] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request in which a tool tells of runs; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class RunDecoder(Protocol):
    """One tool's format."""

    kind: str

    def decode(self, request: RunRequest) -> Sequence[RunTold]:
        """Read a body. Raises BadInput when nothing in it can be understood; what is not of a run is no run."""


@dataclass(frozen=True, slots=True)
class ServiceTurn:
    """That a service of a host went from one state to another."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one message showed to be different on one host. `at` is when it happened, by raglan's clock.

    `host` is the key of the row; `is_new` says that raglan had never heard of the host before; `run` is the key of the
    run that told it, if one did. `has_come` says that its packages are known for the first time. `restarts` are
    services that were started anew, `crashes` those of them that their machine started by itself after they had ended;
    `stopped` are those that were active and have not been for a while.
    """

    host: int
    at: datetime
    received_at: datetime
    is_new: bool = False
    moves: Sequence[MoveTold] = ()
    turns: Sequence[ServiceTurn] = ()
    stopped: Sequence[ServiceTurn] = ()
    restarts: Sequence[str] = ()
    crashes: Sequence[str] = ()
    has_come: bool = False
    run: int | None = None
    outcome: Outcome | None = None
    details: Mapping[str, str] = field(default_factory=dict)


Judge = Callable[[Sequence[Observation]], None]
_decoders: dict[str, RunDecoder] = {}
_judges: list[Judge] = []
_foresights: list[Judge] = []
_onsets: list[Judge] = []


def register_decoder(decoder: RunDecoder) -> None:
    """Read one more format."""
    _decoders[decoder.kind] = decoder


def decoder_of(kind: str) -> RunDecoder | None:
    """Return the decoder of a tool."""
    return _decoders.get(kind)


def register_judge(judge: Judge) -> None:
    """Have what is different looked at, in the transaction that stores it. A judge is quick and does not wait."""
    _judges.append(judge)


def register_foresight(look: Judge) -> None:
    """Have rehearsals looked at, in the transaction that stores them: nothing moved, and something would."""
    _foresights.append(look)


def register_onset(look: Judge) -> None:
    """Have runs looked at when they begin, in the transaction that stores that; not all tools tell it."""
    _onsets.append(look)


def begin(seen: Sequence[Observation]) -> None:
    """Show runs that begin to whoever wants to know of them."""
    _show(_onsets, seen)


def foresee(seen: Sequence[Observation]) -> None:
    """Show rehearsals to whoever wants to know of them."""
    _show(_foresights, seen)


def judge(seen: Sequence[Observation]) -> None:
    """Show observations to every judge. What one of them cannot do costs nobody the facts themselves."""
    _show(_judges, seen)


def _show(judges: Sequence[Judge], seen: Sequence[Observation]) -> None:
    for one in judges:
        try:
            with atomic():
                one(seen)
        except (OperationalError, InterfaceError):
            raise  # the database, not the judge; all comes again
        except Exception:
            judge_bugs.inc()
            log.exception("a judge of what hosts show failed", extra={"observations": len(seen)})

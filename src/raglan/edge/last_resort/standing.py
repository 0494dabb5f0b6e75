"""What has to be known to page without a database, and its place on this node's own disk.

The file is sealed with the installation's signing key, because it holds how to reach people; only its owner may read
it. It is written when something changed; when nothing but the time did, its modification time moves and no more.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from raglan.alerts.pipeline.inhibit import Cause, InhibitionRule
from raglan.alerts.pipeline.maintain import MaintenanceRule
from raglan.alerts.pipeline.route import RouteRule
from raglan.alerts.pipeline.silence import SilenceRule
from raglan.alerts.ports import SourceKey
from raglan.core import logs
from raglan.core.errors import RaglanError
from raglan.core.faults import fault_point
from raglan.edge.spool import sync_folder
from raglan.paging.plan import PlannedStep
from raglan.people import sealing

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
log = logs.get("raglan.last_resort")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach a person, `delay_s` after they are first tried. `sealed` is for the channel."""

    channel: str
    address: str
    delay_s: int = 0
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person with their ways for what is urgent, in order."""

    id: int
    name: str
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is on call until a time; the last turn that is known has no end."""

    until: datetime | None
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """The turns of a schedule, in order, without a break."""

    name: str
    turns: tuple[Turn, ...]

    def people(self, at: datetime) -> tuple[int, ...]:
        """Return who is on call at a time; after the last turn that is known, those of that turn."""
        return next((turn.people for turn in self.turns if turn.until is None or at < turn.until), ())


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy: its steps and how often they are gone through."""

    name: str
    urgency: str
    rounds: int
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """All that deciding needs. `known` are the beginnings of fingerprints that nobody needs to be told of again."""

    at: datetime = BEGINNING
    routes: tuple[RouteRule, ...] = ()
    silences: tuple[SilenceRule, ...] = ()
    windows: tuple[MaintenanceRule, ...] = ()
    inhibitions: tuple[InhibitionRule, ...] = ()
    causes: dict[str, tuple[Cause, ...]] = field(default_factory=dict)
    noisy_sources: tuple[int, ...] = ()
    known: tuple[str, ...] = ()
    rules: dict[int, Rule] = field(default_factory=dict)
    fallback: int | None = None
    duties: dict[int, Duty] = field(default_factory=dict)
    teams: dict[int, tuple[int, ...]] = field(default_factory=dict)
    people: dict[int, Somebody] = field(default_factory=dict)
    owners: tuple[int, ...] = ()
    channels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owners:
    """Those who look after raglan: kept apart, for when the standing itself can not be read."""

    at: datetime = BEGINNING
    people: tuple[Somebody, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """Who may send alerts, by the digests of their tokens: for a node that starts while its database is away."""

    at: datetime = BEGINNING
    known: dict[str, SourceKey] = field(default_factory=dict)


T = TypeVar("T", Standing, Owners, Sources)


class Kept(Generic[T]):
    """One sealed file. It is read only when it is needed, so that it takes no memory in good times."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path = path
        self._kind: type[T] = kind
        self._mark = b""
        self.writes = 0

    @property
    def at(self) -> datetime | None:
        """When it was last known to be true; None when there is none."""
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except OSError:
            return None

    def keep(self, value: T) -> bool:
        """Put it on disk, if it says something new; tell whether it was written."""
        mark = hashlib.sha256(_encode(replace(value, at=BEGINNING))).digest()
        if mark == self._mark and self._path.exists():
            self.confirm(value.at)
            return False
        self._write(sealing.seal(_encode(value).decode()).encode())
        self._mark = mark
        self.confirm(value.at)
        self.writes += 1
        return True

    def confirm(self, at: datetime) -> None:
        """Note that it was still true at a time."""
        os.utime(self._path, (at.timestamp(), at.timestamp()))

    def read(self) -> T | None:
        """Return it, with the time at which it was last known to be true; None when it can not be read."""
        try:
            sealed, at = self._path.read_text(encoding="ascii"), self.at
            value: T = msgspec.json.decode(sealing.unseal(sealed).encode(), type=self._kind)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RaglanError) as error:
            log.error("what was kept for paging without a database can not be read", extra={"why": str(error)[:300]})
            return None
        return replace(value, at=max(value.at, at or value.at))

    def _write(self, data: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fault_point("standing.before_rename")
        fresh.replace(self._path)
        sync_folder(self._path.parent)


def turns(pieces: Sequence[tuple[datetime, Sequence[int]]]) -> tuple[Turn, ...]:
    """Return turns from pieces that follow each other without a break, each with its end; the last one stays open."""
    found = [Turn(until, tuple(people)) for until, people in pieces]
    return (*found[:-1], replace(found[-1], until=None)) if found else ()


def age_words(at: datetime, now: datetime) -> str:
    """Say how old something is."""
    minutes = max(timedelta(0), now - at) // timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes} min old"
    return f"{minutes // 60} h old" if minutes < 48 * 60 else f"{minutes // 1440} days old"


def whom(people: Mapping[int, Somebody], ids: Sequence[int]) -> list[Somebody]:
    """Return those who are known, each once, in order."""
    return [people[pk] for pk in dict.fromkeys(ids) if pk in people]


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)

"""How a component is, as far as anybody knows: pure, and in doubt *not known*."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.incidents.models import ServiceState


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said, and when."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """What watches a component: when it was last heard from, how long it may be quiet, and whether an alert fires."""

    heard_at: datetime | None
    patience: timedelta
    is_firing: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A state, as of when it is known, and why in a few words. `since` is missing where nothing was ever known."""

    state: ServiceState
    since: datetime | None
    why: str


def known(word: Word | None, watch: Watch | None, *, at: datetime, limit: timedelta) -> Known:
    """Return how a component is. It is fine only where somebody said so lately, or what watches it is heard."""
    if word is not None and word.state != ServiceState.FINE:
        if at - word.at <= limit:
            return Known(ServiceState(word.state), word.at, "")
        return Known(ServiceState.UNKNOWN, word.at, "the last word is too old")
    if watch is not None and watch.is_firing:
        return Known(ServiceState.UNKNOWN, watch.heard_at, "there are signs of trouble")
    said = word.at if word is not None and at - word.at <= limit else None
    heard = watch.heard_at if watch is not None and _is_heard(watch, at) else None
    newest = max((moment for moment in (said, heard) if moment is not None), default=None)
    if newest is not None:
        return Known(ServiceState.FINE, newest, "")
    if watch is not None:
        return Known(ServiceState.UNKNOWN, watch.heard_at, "what watches it is silent")
    return Known(ServiceState.UNKNOWN, word.at if word else None, "the last word is too old" if word else "")


def _is_heard(watch: Watch, at: datetime) -> bool:
    return watch.heard_at is not None and at - watch.heard_at <= watch.patience

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


def known(
    word: Word | None, watch: Watch | None, trouble_at: datetime | None = None, *, at: datetime, limit: timedelta
) -> Known:
    """Return how a component is. It is fine only where somebody said so lately, or what watches it is heard.

    An alert about it or a room that is open for it (`trouble_at`) and what watches it gone silent go before a "fine"
    that was said before them. What people say after them counts again.
    """
    said_at = word.at if word else None
    is_lately = said_at is not None and at - said_at <= limit
    if word is not None and word.state != ServiceState.FINE:
        state, why = (ServiceState(word.state), "") if is_lately else (ServiceState.UNKNOWN, "the last word is too old")
        return Known(state, word.at, why)
    if watch is not None and watch.is_firing:
        return Known(ServiceState.UNKNOWN, watch.heard_at, "there are signs of trouble")
    said = said_at if is_lately else None
    if trouble_at is not None and (said is None or said < trouble_at):
        return Known(ServiceState.UNKNOWN, said_at or (watch.heard_at if watch else None), "there are signs of trouble")
    return _fine(said, said_at, watch, at)


def _fine(said: datetime | None, said_at: datetime | None, watch: Watch | None, at: datetime) -> Known:
    """Return what is known where nothing speaks against it. `said` is the word if it is true still."""
    silent_from = watch.heard_at + watch.patience if watch is not None and watch.heard_at is not None else None
    is_silent = silent_from is not None and at > silent_from
    if is_silent and said is not None and silent_from is not None and said < silent_from:
        said = None
    heard = watch.heard_at if watch is not None and not is_silent else None
    newest = max((moment for moment in (said, heard) if moment is not None), default=None)
    if newest is not None:
        return Known(ServiceState.FINE, newest, "")
    if watch is not None:
        return Known(ServiceState.UNKNOWN, watch.heard_at, "what watches it is silent")
    return Known(ServiceState.UNKNOWN, said_at, "the last word is too old" if said_at else "")

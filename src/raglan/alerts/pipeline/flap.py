"""The stage that answers: does it open and end again and again.

After Nagios, which calls a service flapping when its last states changed too often. Its weighted percentage over the
last 21 checks needs checks at a steady pace; signals have none, so that the formula here is a plain count in time:

- An alert that opens at t, and has opened k times in (t - within, t], has changed 2k - 1 times since the first of
  them, because one end lies between two openings. It flaps from the opening on at which this reaches `changes`.
- While it flaps, each opening and each end counts one more.
- It is steady again when nothing changed for `quiet`; openings before that are not counted again.

While it flaps, one page says so. Later openings are held back as soon as somebody was told, except when a critical
alert stays open for `open`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.alerts.pipeline.severity import is_critical
from raglan.core.decisions import Decision
from raglan.core.errors import BadInput

STAGE = "flap"
HELD = "flapping"
DAY_S = 86_400
CHANGES = (3, 1_000)
TIMES = {"within_s": (60, DAY_S), "quiet_s": (60, DAY_S), "open_s": (0, DAY_S)}


@dataclass(frozen=True, slots=True)
class FlapRule:
    """When an alert flaps: so many changes within a time. Without any it never does."""

    changes: int
    within_s: int
    quiet_s: int
    open_s: int
    name: str = ""

    @property
    def is_off(self) -> bool:
        """Whether nothing flaps by it."""
        return self.changes == 0


def stored_rule(rule: FlapRule | None) -> dict[str, int] | None:
    """Return a rule as it stands on a route or a source; None where it goes by what stands above it."""
    if rule is None:
        return None
    return {"changes": rule.changes, "within_s": rule.within_s, "quiet_s": rule.quiet_s, "open_s": rule.open_s}


def check_rule(rule: FlapRule | None) -> None:
    """Raise BadInput when a rule is out of range."""
    if rule is None or rule.is_off:
        return
    if not CHANGES[0] <= rule.changes <= CHANGES[1]:
        raise BadInput("flapping.changes", f"must be 0 for never, or from {CHANGES[0]} to {CHANGES[1]:,}", status=422)
    for name, (least, most) in TIMES.items():
        if not least <= getattr(rule, name) <= most:
            raise BadInput(f"flapping.{name}", f"must be from {least} to {most:,} seconds", status=422)


def changes_of(openings: list[datetime], at: datetime, rule: FlapRule) -> tuple[int, datetime]:
    """Return how often an alert has changed that opens now, and since when. `openings` are earlier ones, in order."""
    since = at - timedelta(seconds=rule.within_s)
    counted = [moment for moment in openings if since < moment <= at]
    return 2 * len(counted) + 1, counted[0] if counted else at


@dataclass(slots=True)
class Flapping:
    """An alert that flaps, as it stands; `told_at` is when its one page reached out to somebody."""

    id: int
    fingerprint: str
    rule: str
    changes: int
    first_at: datetime
    began_at: datetime
    last_at: datetime
    quiet_s: int
    open_s: int
    route_id: int | None = None
    page_id: int | None = None
    paged_at: datetime | None = None

    @property
    def ref(self) -> str:
        """The name under which alerts keep what holds them."""
        return f"flap:{self.id}"

    @property
    def words(self) -> str:
        """How often it changed in which time."""
        return f"flaps: {self.changes} changes in {spell(self.last_at - self.first_at)}"

    @property
    def full_words(self) -> str:
        """How often it changed, and whether it has paged."""
        if self.paged_at is None:
            return f"{self.words}; nobody was paged for it yet"
        return f"{self.words}; paged at {self.paged_at:%H:%M} UTC"

    def stays_open(self, severity: str, since: datetime, at: datetime) -> bool:
        """Tell whether an opening is critical and lasts too long to be held back."""
        return is_critical(severity) and at - since >= timedelta(seconds=self.open_s)


def flap(flapping: Flapping, *, is_told: bool, stays_open: bool) -> tuple[list[str], Decision]:
    """Return what holds a flapping alert back, and why, or why it pages nevertheless."""
    if stays_open:
        long = spell(timedelta(seconds=flapping.open_s))
        reason = f"{flapping.words}, yet it is critical and stays open for {long}: it pages"
        return [], Decision(STAGE, "stays_open", reason, flapping.rule)
    if not is_told:
        return [], Decision(STAGE, "tells", f"{flapping.words}; its page says so, once", flapping.rule)
    return [flapping.ref], Decision(STAGE, HELD, flapping.full_words, flapping.rule)


def spell(time: timedelta) -> str:
    """Return a time in words: minutes up to two hours, then hours, then days."""
    minutes = max(1, round(time.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{round(minutes / 60)} hours" if minutes < 2 * 24 * 60 else f"{round(minutes / 1440)} days"

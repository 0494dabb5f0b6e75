"""What the screens of changes show, read once for a whole page or for one region of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.utils import timezone

from raglan.changes import likeness, queries
from raglan.changes.grouping import written
from raglan.changes.hold_models import Hold
from raglan.changes.likeness import Like
from raglan.changes.models import Change, Expectation, PsaNote
from raglan.console import after_alerts
from raglan.console.change_forms import expected_words
from raglan.fleet import after, marks, open_changes, reach, spreading
from raglan.fleet.judging import Said
from raglan.fleet.progress import Counts, Group, Progress, summaries
from raglan.fleet.reach import WaysBack
from raglan.fleet.rolling import Rolling, rolling
from raglan.fleet.watch_models import Arrival, Surprise
from raglan.ui import chart, svg, wording

HOLDS = 5
CLUSTERS = 12
SEEN = 8  # of what got worse or better, by kind; the rest is folded
AFTER = timedelta(hours=1)


def bar(counts: Counts) -> list[svg.Part]:
    """Return the parts of the bar of a change."""
    return [
        svg.Part("good", counts.as_said, "as was said"),
        svg.Part("good", counts.open, "have it"),
        svg.Part("good", counts.back, "well again"),
        svg.Part("bad", counts.differs, "otherwise than was said", "hatch"),
        svg.Part("unknown", counts.waiting, "not reached yet", "open"),
        svg.Part("change", counts.kept, "kept what they had"),
        svg.Part("unknown", counts.silent, "silent too long", "open"),
    ]


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the legend: a shape, how many, and what it means; `state` lists these hosts."""

    shape: str
    count: int
    words: str
    state: str


def legend(counts: Counts) -> list[Key]:
    """Return what the marks mean, without those that do not occur."""
    lines = [
        Key("good", counts.as_said, "as was said", Arrival.State.AS_SAID),
        Key("good", counts.open, "have it; nobody said what to expect", Arrival.State.OPEN),
        Key("good", counts.back, "differed, and are well again", Arrival.State.BACK),
        Key("bad", counts.differs, "are otherwise than was said", Arrival.State.DIFFERS),
        Key("wait", counts.waiting, "not reached yet", "left"),
        Key("kept", counts.kept, "kept what they had", "left"),
        Key("wait", counts.silent, "silent too long, so not known", "left"),
    ]
    return [line for line in lines if line.count]


class Ahead:
    """What is known before a change goes: how far, how soon, what lives there, whether there is a way back."""

    def __init__(self, said: Said, *, title: str = "", but: int | None = None) -> None:
        self.said, self.but = said, but
        self.like = Like(title, list(said.packages), sorted(said.units), sorted(said.roles))

    @cached_property
    def reach(self) -> reach.Reach:
        """How far it may go."""
        return reach.reach(self.said)

    @cached_property
    def ways_back(self) -> WaysBack:
        """Whether what hosts have now can still be fetched."""
        return reach.ways_back(self.said, self.reach.versions)

    @cached_property
    def notes(self) -> list[PsaNote]:
        """What people ran into with something like it."""
        return likeness.notes(self.like)

    @cached_property
    def alike(self) -> list[Change]:
        """Earlier changes that were like it."""
        return likeness.changes(self.like, but=self.but)


class ChangeBoard:
    """Everything on the screen of one change. Each part is read when a template first asks for it."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.progress = Progress(change)

    @property
    def expectation(self) -> Expectation | None:
        """What its author expects."""
        return getattr(self.change, "expectation", None)

    @property
    def on_new(self) -> str:
        """What is expected on new hosts, in words."""
        return expected_words(self.expectation, new=True) if self.expectation else ""

    @property
    def on_existing(self) -> str:
        """What is expected on existing hosts, in words."""
        return expected_words(self.expectation, new=False) if self.expectation else ""

    @cached_property
    def packages(self) -> list[str]:
        """The names of its packages, in order."""
        return sorted(package.name for package in self.change.packages.all())

    @property
    def is_watched(self) -> bool:
        """Whether hosts may take it: one that was only told is not followed."""
        return self.change.state != Change.State.TOLD and bool(self.packages or self.expectation)

    @cached_property
    def is_left_out(self) -> bool:
        """Whether it is open, and older than as many changes as are watched, so that nothing is compared any more."""
        return self.change.is_open and not open_changes.is_watched(self.change)

    @property
    def most_watched(self) -> int:
        """How many open changes are watched."""
        return open_changes.MOST_WATCHED

    @cached_property
    def bar(self) -> list[svg.Part]:
        """The parts of its bar."""
        return bar(self.progress.counts)

    @cached_property
    def legend(self) -> list[Key]:
        """What its marks mean."""
        return legend(self.progress.counts)

    @cached_property
    def drawn(self) -> marks.Drawn | None:
        """A mark for each host; none when there are too many."""
        groups = self.progress.marks()
        return marks.draw(groups) if groups else None

    @property
    def largest(self) -> list[Group]:
        """The largest clusters, where there are several."""
        return self.progress.clusters[:CLUSTERS] if len(self.progress.clusters) > 1 else []

    @cached_property
    def chart(self) -> chart.Chart | None:
        """How many hosts had it by when, as a line."""
        steps = self.progress.curve
        if len(steps) < 2:
            return None
        points = [(step.at, step.hosts) for step in steps]
        zone = timezone.get_current_timezone()
        return chart.draw(points, most=self.progress.counts.total, zone=zone, marks=self._marks())

    def _marks(self) -> list[tuple[datetime, str]]:
        zone = timezone.get_current_timezone()
        found = [(one.at, f"{wording.clock(one.at, zone)} differs") for one in self.progress.surprises[-1:]]
        if self.change.ended_at:
            words = f"{wording.clock(self.change.ended_at, zone)} {self.change.get_state_display().lower()}"
            found.append((self.change.ended_at, words))
        return found

    @property
    def table(self) -> list[spreading.Step]:
        """The same as the line, in a few rows."""
        return spreading.table(self.progress.curve)

    @cached_property
    def rolling(self) -> list[tuple[Rolling, str, str, str]]:
        """Its rollout groups, each with its look, where it is, and how it was written."""
        found = rolling(self.progress)
        return [(one, *one.look(self.progress.at), written(one.group)) for one in found]

    @property
    def groups(self) -> list[tuple[str, list[Group]]]:
        """How it stands by cluster, and by role where roles are something else; nothing before it begins."""
        if self.change.started_at is None:
            return []
        clusters, roles = self.progress.clusters, self.progress.roles
        is_same = len(roles) < 2 or [one.counts for one in clusters] == [one.counts for one in roles]
        return [("cluster", clusters), *([] if is_same else [("role", roles)])]

    @cached_property
    def surprise(self) -> Surprise | None:
        """The newest difference."""
        return self.progress.surprises[0] if self.progress.surprises else None

    @property
    def heads_up_link(self) -> str:
        """Where a heads-up about it is written, with what is known filled in."""
        said = {"text": f"My change “{self.change.title}” does otherwise than I said.", "did": self.change.title}
        if self.surprise:
            said["saw"] = f"{self.surprise.words} ({self.surprise.host.name})"
            said["reach"] = f"{self.progress.counts.reached} of {self.progress.counts.total} hosts so far"
        return f"/heads-up/?{urlencode(said)}"

    @property
    def hold_link(self) -> str:
        """Where a hold of it is written."""
        said = {"change": str(self.change.pk)}
        if self.surprise:
            said["reason"] = self.surprise.words
        return f"/changes/holds/new/?{urlencode(said)}"

    @property
    def holds(self) -> list[Hold]:
        """The holds that were raised for it and are on: the first of them."""
        return self._holds[:HOLDS]

    @property
    def more_holds(self) -> int:
        """How many others there are."""
        return len(self._holds[HOLDS:])

    @cached_property
    def _holds(self) -> list[Hold]:
        on = Hold.objects.filter(link=f"change:{self.change.pk}", ended_at__isnull=True, ends_at__gt=self.progress.at)
        return list(on.order_by("starts_at", "pk"))

    @property
    def room_link(self) -> str:
        """Where a room about it is opened."""
        return f"/wrong/?{urlencode({'title': self.change.title})}"

    @cached_property
    def alerts(self) -> after_alerts.Alerts:
        """Alert groups that opened since it began, those first that something ties to it."""
        return after_alerts.opened(self.change, self.watched_until)

    @cached_property
    def ended(self) -> after_alerts.Alerts:
        """Alert groups that were open when it began, and ended since, in the same order."""
        return after_alerts.ended(self.change, self.watched_until)

    @cached_property
    def came_back(self) -> after.Units[after.CameBack]:
        """Units that had failed before it came, and are well since."""
        return after.came_back(self.change, self.watched_until)

    @property
    def more_worse(self) -> int:
        """How much else got worse than what is seen at once."""
        units, alerts = self.progress.units, self.alerts
        return len(units.told[SEEN:]) + units.more + len(alerts.told[SEEN:]) + alerts.more

    @property
    def more_better(self) -> int:
        """How much else got better."""
        units, alerts = self.came_back, self.ended
        return len(units.told[SEEN:]) + units.more + len(alerts.told[SEEN:]) + alerts.more

    @property
    def watched_until(self) -> datetime:
        """Until when what gets worse or better is looked at."""
        return (self.change.ended_at or self.progress.at) + AFTER

    @cached_property
    def ahead(self) -> Ahead:
        """What is known before it goes."""
        return Ahead(self.progress.said, title=self.change.title, but=self.change.pk)


@dataclass(frozen=True, slots=True)
class Row:
    """A change in a list, with the hosts that have it and what differs."""

    change: Change
    bar: Sequence[svg.Part]
    counts: Counts
    surprise: Surprise | None


def rows(changes: Iterable[Change]) -> list[Row]:
    """Return changes of a list with how they stand."""
    listed = list(changes)
    found = summaries(listed)
    return [
        Row(change, bar(found[change.pk].counts), found[change.pk].counts, found[change.pk].surprise)
        for change in listed
    ]


def under_way(most: int) -> list[Row]:
    """Return the changes that hosts may be taking now, the newest first."""
    return rows(queries.in_state(Change.State.UNDER_WAY, Change.State.STOPPED)[:most])

"""What rules would have done with alerts that came: which would have been held back, which would have paged whom.

Pure: alerts in the order of their coming and rules in, fates out. Routes, inhibitions, maintenance windows, flapping
and storms count, and so do waits: a group that is over before its wait is pages nobody. Answers and intervals are left
out, so that a group is one page from the first alert that nothing holds back to the end of the last.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from raglan.alerts.pipeline.flap import FlapRule, changes_of
from raglan.alerts.pipeline.group import group_key
from raglan.alerts.pipeline.inhibit import InhibitionRule
from raglan.alerts.pipeline.maintain import MaintenanceRule
from raglan.alerts.pipeline.route import RouteRule, matching
from raglan.alerts.pipeline.severity import is_critical, is_worse
from raglan.alerts.pipeline.storm import CALM, WITHIN

FALLBACK = 0
NEVER = datetime.max.replace(tzinfo=UTC)
NO_FLAPS = FlapRule(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its coming to its end; `until` is None while it fires."""

    id: int
    title: str
    labels: dict[str, str]
    source_id: int
    at: datetime
    until: datetime | None
    fingerprint: str = ""
    severity: str = ""

    @property
    def end(self) -> datetime:
        """When it ends; what fires still never does."""
        return self.until or NEVER


@dataclass(frozen=True, slots=True)
class Rules:
    """All that decides between an alert and a page, as far as it can be tried."""

    routes: Sequence[RouteRule] = ()
    inhibitions: Sequence[InhibitionRule] = ()
    windows: Sequence[MaintenanceRule] = ()
    flapping: FlapRule = NO_FLAPS
    flap_rules: Mapping[int, FlapRule] = field(default_factory=dict)
    storm_groups: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rules would have made of one alert.

    The policies that it goes to, 0 for the fallback; those of which it opens a page; and what held it back until its
    end, or `bundled` when pages of storms took all that it opened.
    """

    policies: tuple[int, ...]
    pages: tuple[int, ...] = ()
    held: str = ""


@dataclass(slots=True)
class _Group:
    opened_by: int
    routes: Sequence[RouteRule]
    waits_until: datetime
    active: list[tuple[datetime, datetime]] = field(default_factory=list)

    def is_live(self, at: datetime) -> bool:
        return any(end > at for _, end in self.active)

    @property
    def pages(self) -> bool:
        """Whether something still fired when its wait was over."""
        return any(start <= self.waits_until <= end for start, end in self.active)


def rehearse(episodes: Iterable[Episode], rules: Rules) -> list[Outcome]:
    """Return what rules would have made of each alert, in their order."""
    looked = list(episodes)
    routes = [matching(episode.labels, rules.routes, episode.at) for episode in looked]
    freed = _Holds(looked, routes, rules).free_from()
    groups = _groups(looked, routes, freed)
    opened = {group.opened_by: group for group in groups if group.pages}
    bundled = _bundled(opened, looked, rules.storm_groups)
    return [
        _outcome(number, routes[number], freed[number], looked[number], number in opened, bundled)
        for number in range(len(looked))
    ]


def _policies(routes: Sequence[RouteRule]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(rule.policy_id for rule in routes)) or (FALLBACK,)


def _outcome(
    number: int,
    routes: Sequence[RouteRule],
    freed: tuple[datetime, str],
    episode: Episode,
    opens: bool,
    bundled: set[tuple[int, int]],
) -> Outcome:
    policies = _policies(routes)
    at, held = freed
    if at >= episode.end and held:
        return Outcome(policies, held=held)
    pages = tuple(policy for policy in policies if (number, policy) not in bundled) if opens else ()
    return Outcome(policies, pages, "bundled" if opens and not pages else "")


def _groups(
    episodes: Sequence[Episode], routes: Sequence[Sequence[RouteRule]], freed: Sequence[tuple[datetime, str]]
) -> list[_Group]:
    """Put alerts together from when nothing holds them back; a group begins anew when nothing of it is active."""
    found: list[_Group] = []
    latest: dict[str, _Group] = {}
    for number in sorted(range(len(episodes)), key=lambda number: freed[number][0]):
        episode, at = episodes[number], freed[number][0]
        if freed[number][1] and at >= episode.end:
            continue
        key = _key(episode, routes[number])
        group = latest.get(key)
        if group is None or not group.is_live(at):
            wait_s = routes[number][0].wait_s if routes[number] else 0
            group = latest[key] = _Group(number, routes[number], at + timedelta(seconds=wait_s))
            found.append(group)
        group.active.append((at, episode.end))
    return found


def _key(episode: Episode, routes: Sequence[RouteRule]) -> str:
    first = routes[0] if routes else None
    key, _, _ = group_key(
        episode.labels,
        route_id=first.id if first else None,
        source_id=episode.source_id,
        group_by=first.group_by if first else (),
        fingerprint=episode.fingerprint,
        also=[rule.id for rule in routes[1:]],
    )
    return key


class _Holds:
    """From when nothing holds each alert back, and what did until then."""

    def __init__(self, episodes: Sequence[Episode], routes: Sequence[Sequence[RouteRule]], rules: Rules) -> None:
        self.episodes, self.routes, self.rules = episodes, routes, rules
        self.causes = _causes(episodes, rules.inhibitions)
        self.flaps: dict[str, _Flap] = {}

    def free_from(self) -> list[tuple[datetime, str]]:
        """Return the time for each, and the first thing that held it; empty when nothing ever did."""
        return [self._free(number) for number in range(len(self.episodes))]

    def _free(self, number: int) -> tuple[datetime, str]:
        episode = self.episodes[number]
        at, how = self._beyond_rules(episode, episode.at)
        flap_until = self._flapping(number, is_held=bool(how))
        if at < flap_until < NEVER:
            how = how or "flapping"
            at, _ = self._beyond_rules(episode, flap_until)
        return at, how

    def _beyond_rules(self, episode: Episode, at: datetime) -> tuple[datetime, str]:
        """Return from when neither an inhibition nor a window holds an alert back, at a time or after it."""
        how = ""
        while at < episode.end:
            inhibited, planned = self._inhibited_until(episode, at), self._planned_until(episode, at)
            if inhibited is None and planned is None:
                break
            how = how or ("inhibited" if inhibited else "planned")
            at = max(moment for moment in (inhibited, planned) if moment)
        return at, how

    def _inhibited_until(self, episode: Episode, at: datetime) -> datetime | None:
        ends = [
            self.causes[key].until(at)
            for rule in self.rules.inhibitions
            if rule.is_target(episode.labels) and (key := rule.key(episode.labels, episode.source_id)) in self.causes
        ]
        return max((end for end in ends if end), default=None)

    def _planned_until(self, episode: Episode, at: datetime) -> datetime | None:
        windows = (
            rule.window(at)
            for rule in self.rules.windows
            if all(matcher.matches(episode.labels) for matcher in rule.matchers)
        )
        return max((window[1] for window in windows if window), default=None)

    def _flapping(self, number: int, *, is_held: bool) -> datetime:
        """Return until when an alert is held back because it flaps; the time of its coming when it is not."""
        episode = self.episodes[number]
        rule = (self.routes[number][0].flapping if self.routes[number] else None) or self.rules.flap_rules.get(
            episode.source_id, self.rules.flapping
        )
        state = self.flaps.setdefault(episode.fingerprint, _Flap())
        return state.opens(episode, rule, is_held=is_held)


@dataclass(slots=True)
class _Flap:
    """What is known of one condition while its history goes by."""

    openings: list[datetime] = field(default_factory=list)
    rule: FlapRule | None = None
    changed_at: datetime | None = None
    is_told: bool = False

    def opens(self, episode: Episode, rule: FlapRule, *, is_held: bool) -> datetime:
        self._settle(episode.at)
        if not rule.is_off and self.rule is None and changes_of(self.openings, episode.at, rule)[0] >= rule.changes:
            self.rule, self.is_told = rule, False
        self.openings.append(episode.at)
        self.changed_at = max(episode.at, episode.end)
        if self.rule is None or rule.is_off:
            return episode.at
        was_told, self.is_told = self.is_told, self.is_told or not is_held
        if not was_told:
            return episode.at
        held_s = self.rule.open_s if is_critical(episode.severity) else self.rule.quiet_s
        return episode.at + timedelta(seconds=held_s)

    def _settle(self, at: datetime) -> None:
        """Let it be steady, when it was quiet long enough before this time."""
        if self.rule and self.changed_at and at - self.changed_at >= timedelta(seconds=self.rule.quiet_s):
            self.rule, self.openings = None, []


@dataclass(frozen=True, slots=True)
class _Spans:
    """Times at which a cause fires, apart from each other and in order."""

    starts: list[datetime]
    ends: list[datetime]

    def until(self, at: datetime) -> datetime | None:
        """Return the end of the time that holds at a moment."""
        place = bisect_right(self.starts, at) - 1
        return self.ends[place] if place >= 0 and at < self.ends[place] else None


def _causes(episodes: Sequence[Episode], inhibitions: Sequence[InhibitionRule]) -> dict[str, _Spans]:
    found: dict[str, _Spans] = {}
    for episode in episodes if inhibitions else ():
        for rule in inhibitions:
            if rule.is_source(episode.labels):
                spans = found.setdefault(rule.key(episode.labels, episode.source_id), _Spans([], []))
                if spans.ends and episode.at <= spans.ends[-1]:
                    spans.ends[-1] = max(spans.ends[-1], episode.end)
                else:
                    spans.starts.append(episode.at)
                    spans.ends.append(episode.end)
    return found


@dataclass(slots=True)
class _Storm:
    since: datetime
    last_at: datetime
    groups: int = 0
    severity: str | None = None  # of its page, while it has one


def _bundled(opened: Mapping[int, _Group], episodes: Sequence[Episode], most: int) -> set[tuple[int, int]]:
    """Return which groups the page of a storm would have taken, for which policy, by the alert that opened them."""
    found: set[tuple[int, int]] = set()
    storms: dict[int, _Storm] = {}
    for group in sorted(opened.values(), key=lambda group: group.waits_until) if most else ():
        for policy in _policies(group.routes):
            storm = storms.setdefault(policy, _Storm(group.waits_until, group.waits_until))
            if _shelters(storm, group.waits_until, episodes[group.opened_by].severity, most):
                found.add((group.opened_by, policy))
    return found


def _shelters(storm: _Storm, at: datetime, severity: str, most: int) -> bool:
    """Count one more group; tell whether the page of the storm takes it. The first that it takes is its page."""
    if storm.severity is not None and at - storm.last_at <= CALM:
        if is_worse(severity, storm.severity):
            return False
        storm.last_at = at
        return True
    if storm.severity is not None or at - storm.since > WITHIN:
        storm.severity, storm.groups, storm.since = None, 0, at
    storm.groups, storm.last_at = storm.groups + 1, at
    if storm.groups > most:
        storm.severity = severity
    return False

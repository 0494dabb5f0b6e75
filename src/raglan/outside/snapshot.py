"""What the status page says at one moment, gathered from the database and ready to be written down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from zoneinfo import ZoneInfo

from raglan.alerts import noise_queries
from raglan.alerts.models import AlertGroup
from raglan.core.clock import now
from raglan.incidents.models import ServiceState
from raglan.incidents.room import LOOKS
from raglan.outside import queries
from raglan.outside.models import Component, ComponentWord, PublicWindow, Stage, StatusPage, StatusUpdate, old_after
from raglan.outside.state import Known, Watch, Word, known

HISTORY = timedelta(days=90)
AHEAD = timedelta(days=14)
OCCURRENCES = 4
WORST = (ServiceState.DOWN, ServiceState.SLOW, ServiceState.UNKNOWN, ServiceState.FINE)
LABELS = ("service", "component", "job")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time for machines and for people."""

    iso: str
    words: str
    clock: str


@dataclass(frozen=True, slots=True)
class Day:
    """What was said of a component on one day."""

    words: str
    look: str
    state: str


@dataclass(frozen=True, slots=True)
class Part:
    """A component as the page shows it."""

    id: int
    name: str
    text: str
    state: str
    look: str
    word: str
    since: Moment | None
    why: str
    days: Sequence[Day] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Components under one heading; it may have none."""

    name: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Said:
    """One public update."""

    id: str
    stage: str
    stage_words: str
    headline: str
    text: str
    at: Moment
    when: datetime
    parts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Story:
    """An incident in public words: its updates, newest first."""

    id: str
    title: str
    is_over: bool
    said: Sequence[Said]
    next_word: Moment | None
    is_late: bool
    is_old: bool
    began: Moment
    when: datetime

    @property
    def newest(self) -> Said:
        """The last word on it."""
        return self.said[0]


@dataclass(frozen=True, slots=True)
class Planned:
    """A maintenance window that comes, or is open."""

    title: str
    text: str
    spans: Sequence[tuple[Moment, Moment]]
    is_open: bool
    parts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the page says."""

    page: StatusPage
    made: Moment
    made_at: datetime
    old: Moment
    old_after_min: int
    zone: str
    look: str
    sentence: str
    groups: Sequence[Group]
    open: Sequence[Story]
    past: Sequence[Story]
    planned: Sequence[Planned]


class Clock:
    """Writes moments on the wall clock of the page's zone."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.name = zone.replace("_", " ")

    def __call__(self, at: datetime) -> Moment:
        """Return a moment in words that stay true when they are read another day."""
        local = at.astimezone(self.zone)
        iso = at.isoformat(timespec="seconds").replace("+00:00", "Z")
        return Moment(iso, f"{local:%a} {local.day} {local:%b %Y, %H:%M} {local:%Z}", f"{local:%H:%M} {local:%Z}")


Frame = tuple[datetime, timedelta, Clock]  # now, how long a word is true, and how times are written


def take(*, every_min: int) -> Snapshot:
    """Return what the page says now, and from when on it is too old."""
    page, at = queries.page(), now()
    clock, lasts = Clock(page.zone), old_after(every_min)
    groups = _groups(page, at, clock)
    limit = timedelta(hours=page.word_hours)
    stories = _stories(queries.public_updates(at - HISTORY), (at, limit, clock))
    open_stories = [story for story in stories if not story.is_over]
    look, sentence = _sentence([part for group in groups for part in group.parts], open_stories)
    return Snapshot(
        page=page,
        made=clock(at),
        made_at=at,
        old=clock(at + lasts),
        old_after_min=int(lasts.total_seconds() // 60),
        zone=clock.name,
        look=look,
        sentence=sentence,
        groups=groups,
        open=open_stories,
        past=[story for story in stories if story.is_over],
        planned=_planned(at, clock),
    )


def _sentence(parts: Sequence[Part], open_stories: Sequence[Story]) -> tuple[str, str]:
    """Return the look and the words of the whole. Fine only where all of it is known to be."""
    states = {part.state for part in parts}
    if ServiceState.DOWN in states:
        return "bad", "Something is down."
    if ServiceState.SLOW in states:
        return "slow", "Something is slow."
    if open_stories:
        return "slow", "Something is not as it should be."
    if states == {ServiceState.FINE}:
        return "good", "All of it is fine, as far as we know."
    if ServiceState.FINE in states:
        return "unknown", "We do not know how all of it is."
    return "unknown", "We do not know how things are."


def groups_now(page: StatusPage) -> list[Group]:
    """Return components as they are now, for screens here: without their days, and without stories of incidents."""
    at, found, firing = now(), list(queries.components(with_trouble=True)), _firing()
    last, frame = queries.last_words(found, at - 2 * HISTORY), (at, timedelta(hours=page.word_hours), Clock(page.zone))
    return _grouped([(one.group, _part(one, last.get(one.pk), firing, frame)) for one in found])


def _groups(page: StatusPage, at: datetime, clock: Clock) -> list[Group]:
    found, firing = list(queries.components(with_trouble=True)), _firing()
    words, frame = _words(found, at), (at, timedelta(hours=page.word_hours), clock)
    parts = []
    for one in found:
        said = words.get(one.pk, [])
        part = _part(one, said[-1] if said else None, firing, frame)
        parts.append((one.group, replace(part, days=days(said, *frame))))
    return _grouped(parts)


def _grouped(parts: Sequence[tuple[str, Part]]) -> list[Group]:
    names = list(dict.fromkeys(name for name, _ in parts))
    return [Group(name, [part for group, part in parts if group == name]) for name in names]


def _words(components: Iterable[Component], at: datetime) -> dict[int, list[Word]]:
    """Return what was said of each component lately, oldest first; nothing that was withdrawn or is private."""
    found: dict[int, list[Word]] = {}
    said = ComponentWord.objects.filter(component__in=[one.pk for one in components], at__gte=at - 2 * HISTORY)
    for word in said.select_related("update__incident").order_by("at", "pk"):
        if word.update is None or queries.goes_out(word.update):
            found.setdefault(word.component_id, []).append(Word(word.state, word.at))
    return found


@dataclass(frozen=True, slots=True)
class Firing:
    """An open alert group: where it came from, since when, and the short names of services it is about."""

    source_id: int
    since: datetime
    names: set[str]


def _firing() -> list[Firing]:
    """Return the open alert groups of all sources."""
    rows = AlertGroup.objects.filter(state=AlertGroup.State.OPEN).values_list("source_id", "opened_at", "labels")
    return [
        Firing(source_id, since, {str(labels[name]).lower() for name in LABELS if name in labels})
        for source_id, since, labels in rows
    ]


def _watch(one: Component, firing: Sequence[Firing]) -> Watch | None:
    if one.source is None or one.source.disabled_at is not None:
        return None
    services = _names(one)
    own = (group for group in firing if group.source_id == one.source.pk)
    fires = any(not services or services & group.names for group in own)
    return Watch(one.source.last_heard_at, timedelta(minutes=one.quiet_min), fires)


def _names(one: Component) -> set[str]:
    """Return what alerts call the services of a component."""
    return {name.lower() for service in one.services.all() for name in (service.slug, service.name)}


def _trouble_at(one: Component, firing: Sequence[Firing]) -> datetime | None:
    """Return since when an alert of any source, or a room that is open, speaks of a service of a component."""
    services = _names(one)
    fired = [group.since for group in firing if services & group.names]
    rooms = [service.trouble_at for service in one.services.all() if service.trouble_at]  # type: ignore[attr-defined]
    return max([*fired, *rooms], default=None)


def _part(
    one: Component,
    word: Word | None,
    firing: Sequence[Firing],
    frame: Frame,
) -> Part:
    at, limit, clock = frame
    found: Known = known(word, _watch(one, firing), _trouble_at(one, firing), at=at, limit=limit)
    return Part(
        id=one.pk,
        name=one.name,
        text=one.text,
        state=found.state,
        look=LOOKS[found.state],
        word=found.state.label,
        since=clock(found.since) if found.since else None,
        why=found.why,
    )


def days(words: Sequence[Word], at: datetime, limit: timedelta, clock: Clock) -> list[Day]:
    """Return the worst that was said on each day of the history, oldest first. Silence is not known, never fine."""
    today = at.astimezone(clock.zone).date()
    worst: dict[date, ServiceState] = {}
    for word, following in zip(words, [*words[1:], None], strict=False):
        until = min(word.at + limit, following.at if following else at, at)
        first, last = word.at.astimezone(clock.zone).date(), until.astimezone(clock.zone).date()
        for number in range((last - first).days + 1):
            day, state = first + timedelta(days=number), ServiceState(word.state)
            worst[day] = min(worst.get(day, state), state, key=WORST.index)
    return [_day(today - timedelta(days=back), worst) for back in range(HISTORY.days - 1, -1, -1)]


def _day(day: date, worst: dict[date, ServiceState]) -> Day:
    state = worst.get(day)
    words = f"{day.day} {day:%b}: {state.label.lower()}" if state else f"{day.day} {day:%b}: nothing was said"
    return Day(words, LOOKS[state] if state else "none", str(state or ""))


def _stories(updates: Sequence[StatusUpdate], frame: Frame) -> list[Story]:
    """Return incidents in public words; the one with the newest word first."""
    by_incident: dict[int, list[StatusUpdate]] = {}
    for one in updates:
        by_incident.setdefault(one.incident_id, []).append(one)
    return [_story(found, frame) for found in by_incident.values()]


def _story(updates: Sequence[StatusUpdate], frame: Frame) -> Story:
    newest, oldest = updates[0], updates[-1]
    at, limit, clock = frame
    is_over = newest.stage == Stage.OVER
    comes = None if is_over else newest.next_word_at
    return Story(
        id=f"i{newest.incident_id}",
        title=newest.headline,
        is_over=is_over,
        said=[_said(one, clock) for one in updates],
        next_word=clock(comes) if comes else None,
        is_late=comes is not None and comes < at,
        is_old=not is_over and at - newest.at > limit,
        began=clock(oldest.at),
        when=oldest.at,
    )


def _said(one: StatusUpdate, clock: Clock) -> Said:
    parts = [f"{word.component.name}: {word.get_state_display().lower()}" for word in one.words.all()]
    return Said(
        id=f"i{one.incident_id}-{one.number}",
        stage=one.stage,
        stage_words=one.get_stage_display(),
        headline=one.headline,
        text=one.text,
        at=clock(one.at),
        when=one.at,
        parts=parts,
    )


def _planned(at: datetime, clock: Clock) -> list[Planned]:
    """Return windows that are open or open within two weeks, the next one first."""
    found = [(spans, window) for window in queries.windows() if (spans := _spans(window, at))]
    found.sort(key=lambda item: item[0][0])
    return [
        Planned(
            title=window.title,
            text=window.text,
            spans=[(clock(start), clock(end)) for start, end in spans],
            is_open=spans[0][0] <= at,
            parts=[component.name for component in window.components.all() if component.removed_at is None],
        )
        for spans, window in found
    ]


def _spans(window: PublicWindow, at: datetime) -> list[tuple[datetime, datetime]]:
    rule = noise_queries.maintenance_rule(window.maintenance)
    coming = (span for span in rule.windows(at) if span[0] <= at + AHEAD)
    return list(islice(coming, OCCURRENCES))


def by_day(stories: Iterable[Story]) -> list[tuple[str, list[Story]]]:
    """Return stories under the day on which they began."""
    day_of = {story.id: story.began.words.partition(",")[0] for story in stories}
    listed = sorted(stories, key=lambda story: story.when, reverse=True)
    return [(day, list(group)) for day, group in groupby(listed, key=lambda story: day_of[story.id])]

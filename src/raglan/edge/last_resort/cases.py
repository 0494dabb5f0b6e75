"""The pure part of paging without a database: what was done so far, and what is to be done now.

All that happens is an entry. `Cases` is what the entries come to; the functions say which entries and messages follow
from a standing and a time, and change nothing outside.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex

import msgspec

from raglan.alerts.pipeline import Noise, hold, identify
from raglan.alerts.pipeline.inhibit import Cause
from raglan.alerts.pipeline.maintain import open_at
from raglan.alerts.pipeline.severity import is_critical
from raglan.alerts.placing import place
from raglan.alerts.ports import Decoded, SourceKey
from raglan.edge.last_resort.standing import Somebody, Standing, Way, whom
from raglan.paging.plan import PlannedStep, Target, Urgency, urgency_of

PRINT = 16  # letters of a fingerprint that the standing keeps
MOST_GROUPS = 5_000  # of one case, by name; more are counted
MOST_ENDED = 100_000
MOST_A_MINUTE = 4  # messages to one person
MINUTE = timedelta(minutes=1)
AGAIN = timedelta(minutes=15)  # when all steps are through and nobody took it
TRY_AGAIN, TRIES = timedelta(seconds=30), 5
UNKNOWN_AFTER = timedelta(minutes=1)
GREW_MUCH, GREW = timedelta(minutes=1), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Urgent:
    """A signal as the spool keeps it for this: whole when it is critical and fires, else only that it is over."""

    source: int
    print: str
    labels: dict[str, str] = field(default_factory=dict)
    title: str = ""
    severity: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it tells of an end."""
        return not self.severity


def urgent_in(source: SourceKey, decoded: Decoded) -> list[dict[str, object]]:
    """Return what a record of the spool says to the pager: critical signals that fire, and whatever ended."""
    found: list[dict[str, object]] = []
    for signal in decoded.signals:
        if signal.status == "updated":
            continue
        if signal.status != "firing":
            found.append({"p": identify(signal, source.id)[0]})
        elif is_critical(signal.severity):
            name = identify(signal, source.id)[0]
            found.append({"p": name, "l": signal.labels, "t": signal.title[:300], "s": signal.severity[:20]})
    return found


def urgent_of(record: dict[str, object]) -> Iterator[Urgent]:
    """Yield what a record of the spool says to the pager; one of an older raglan says nothing."""
    listed = record.get("urgent")
    for item in listed if isinstance(listed, list) else ():
        labels = {str(name): str(value) for name, value in (item.get("l") or {}).items()}
        source = int(str(record["source"]))
        yield Urgent(source, str(item["p"]), labels, str(item.get("t", "")), str(item.get("s", "")))


# What happened -------------------------------------------------------------------------------------------------------


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """A page of last resort to a policy began."""

    case: str
    policy: int | None
    at: datetime


class Grouped(msgspec.Struct, frozen=True, tag="grouped"):
    """A critical alert belongs to a case, in a group."""

    case: str
    key: str
    print: str
    title: str
    severity: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """An alert is over."""

    print: str


class Asked(msgspec.Struct, frozen=True):
    """Somebody whom a step asks, and why this one."""

    person: int
    name: str
    why: str


class Stepped(msgspec.Struct, frozen=True, tag="stepped"):
    """A step was taken; the next one comes at a time."""

    case: str
    step: int
    at: datetime
    next_at: datetime
    people: tuple[Asked, ...] = ()


class Sending(msgspec.Struct, frozen=True, tag="sending"):
    """A message is about to be handed over; without a later word of it, nobody knows whether it was."""

    case: str
    number: int
    person: int
    name: str
    way: int
    channel: str
    at: datetime
    groups: int


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """What became of a message; `why` is empty when it was handed over."""

    case: str
    number: int
    at: datetime
    why: str = ""


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    """Somebody said that they have it."""

    case: str
    person: int
    at: datetime


class Passed(msgspec.Struct, frozen=True, tag="passed"):
    """Somebody can not."""

    case: str
    person: int
    at: datetime


Entry = Opened | Grouped | Ended | Stepped | Sending | Sent | Taken | Passed


# What it comes to ----------------------------------------------------------------------------------------------------


@dataclass
class Group:
    """A group of alerts in a case: what it says, and which of its alerts fire."""

    title: str
    severity: str
    firing: set[str] = field(default_factory=set)


@dataclass
class Tried:
    """One message, and what became of it. `why` is None while that is not known."""

    number: int
    person: int
    name: str
    way: int
    channel: str
    at: datetime
    groups: int
    why: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether a provider took it."""
        return self.why == ""


@dataclass
class Case:
    """A page of last resort."""

    id: str
    policy: int | None
    at: datetime
    groups: dict[str, Group] = field(default_factory=dict)
    more: int = 0
    step: int = -1
    next_at: datetime | None = None
    asked: dict[int, tuple[datetime, Asked]] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    answers: list[Taken] = field(default_factory=list)
    passed: set[int] = field(default_factory=set)

    @property
    def firing(self) -> list[Group]:
        """The groups in which something fires."""
        return [group for group in self.groups.values() if group.firing]

    @property
    def taken(self) -> Taken | None:
        """The first answer."""
        return self.answers[0] if self.answers else None

    @property
    def is_open(self) -> bool:
        """Whether it still wants somebody."""
        return not self.answers and any(group.firing for group in self.groups.values())


class Cases:
    """All cases of an outage."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.all: dict[str, Case] = {}
        self.where: dict[str, list[tuple[str, str]]] = {}
        self.named: set[str] = set()
        self.ended: set[str] = set()
        self.strange: list[Taken] = []  # answers to what another node sent, or this one before it told the database
        for entry in entries:
            self.apply(entry)

    def open_for(self, policy: int | None) -> Case | None:
        """Return the case to a policy that nobody has taken."""
        return next((case for case in self.all.values() if case.policy == policy and not case.answers), None)

    def apply(self, entry: Entry) -> None:
        """Let an entry count."""
        if isinstance(entry, Opened):
            self.all.setdefault(entry.case, Case(entry.case, entry.policy, entry.at))
        elif isinstance(entry, Ended):
            self._end(entry.print)
        elif entry.case in self.all:
            _apply(self.all[entry.case], entry)
            if isinstance(entry, Grouped):
                self.where.setdefault(entry.print, []).append((entry.case, entry.key))
                self.named.add(entry.print)
        elif isinstance(entry, Taken):
            self.strange.append(entry)

    def _end(self, name: str) -> None:
        if len(self.ended) < MOST_ENDED:
            self.ended.add(name)
        for case, key in self.where.pop(name, ()):
            if key in self.all[case].groups:
                self.all[case].groups[key].firing.discard(name)


def _apply(case: Case, entry: Grouped | Stepped | Sending | Sent | Taken | Passed) -> None:
    match entry:
        case Grouped():
            _group(case, entry)
        case Stepped():
            case.step, case.next_at = entry.step, entry.next_at
            case.asked |= {asked.person: (entry.at, asked) for asked in entry.people}
        case Sending(number=number, person=person, name=name, way=way, channel=channel, at=at, groups=groups):
            case.tried.append(Tried(number, person, name, way, channel, at, groups))
        case Sent():
            case.tried[entry.number].why = entry.why
        case Taken():
            case.answers.append(entry)
        case Passed():
            _pass(case, entry)


def _group(case: Case, entry: Grouped) -> None:
    if entry.key in case.groups or len(case.groups) < MOST_GROUPS:
        case.groups.setdefault(entry.key, Group(entry.title, entry.severity)).firing.add(entry.print)
    else:
        case.more += 1


def _pass(case: Case, entry: Passed) -> None:
    """When all who were asked have passed it on, the next step is due."""
    case.passed.add(entry.person)
    if all(person in case.passed for person in case.asked):
        case.next_at = entry.at


# Whom does it page ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a signal: to which policies it pages in which group, or why to none."""

    reason: str
    key: str = ""
    policies: tuple[int | None, ...] = ()


def noise_of(standing: Standing, at: datetime) -> Noise:
    """Return all that may hold an alert back at a time."""
    return Noise(
        silences=standing.silences,
        inhibitions=standing.inhibitions,
        windows=open_at(standing.windows, at),
        noisy_sources=frozenset(standing.noisy_sources),
    )


def judge(signal: Urgent, standing: Standing, noise: Noise, at: datetime) -> Verdict:
    """Say whom a critical signal pages; by the same stages as ever."""
    held = hold(signal.labels, source_id=signal.source, noise=noise, at=at, causes=standing.causes)
    if held.how:
        return Verdict(held.why)
    placed = place(signal.labels, signal.source, standing.routes, at, signal.print)
    if not placed.rules:
        return Verdict(placed.routed.reason, placed.key, (standing.fallback,))
    urgent = [rule.policy_id for rule in placed.rules if _is_urgent(rule.policy_id, rule.urgency, signal, standing)]
    if not urgent:
        return Verdict("it waits for daylight")
    return Verdict(placed.routed.reason, placed.key, tuple(dict.fromkeys(urgent)))


def _is_urgent(policy: int, said: str, signal: Urgent, standing: Standing) -> bool:
    rule = standing.rules.get(policy)
    return (said or (urgency_of(rule.urgency, signal.severity) if rule else Urgency.HIGH)) != Urgency.LOW


def take_in(cases: Cases, standing: Standing, signals: Sequence[Urgent], at: datetime) -> list[Entry]:
    """Let signals count, in order; return what happened. What ended within them pages nobody."""
    entries: list[Entry] = []
    over = {signal.print: number for number, signal in enumerate(signals) if signal.is_over}
    noise = noise_of(standing, at)
    standing = replace(standing, causes=_causes_left(standing, cases))
    known = frozenset(standing.known)
    for number, signal in enumerate(signals):
        happened: list[Entry] = []
        if signal.is_over:
            happened = [Ended(signal.print)]
        elif over.get(signal.print, -1) < number and not _is_known(signal, cases, known):
            happened = _file(cases, signal, judge(signal, standing, noise, at), at)
        for entry in happened:
            cases.apply(entry)
        entries += happened
    return [entry for entry in entries if not isinstance(entry, Ended) or entry.print in cases.named]


def _is_known(signal: Urgent, cases: Cases, known: frozenset[str]) -> bool:
    """Say whether somebody has been told of an alert, here or before, and it has not ended since."""
    if signal.print in cases.where:
        return True
    return signal.print[:PRINT] in known and signal.print not in cases.ended


def _causes_left(standing: Standing, cases: Cases) -> dict[str, tuple[Cause, ...]]:
    """Return what holds others back, without what has ended since."""
    if not cases.ended:
        return standing.causes
    return {
        key: tuple(cause for cause in causes if cause.fingerprint not in cases.ended)
        for key, causes in standing.causes.items()
    }


def _file(cases: Cases, signal: Urgent, verdict: Verdict, at: datetime) -> list[Entry]:
    entries: list[Entry] = []
    for policy in verdict.policies:
        found = cases.open_for(policy)
        case = found.id if found else token_hex(8)
        if found is None:
            entries.append(Opened(case, policy, at))
        entries.append(Grouped(case, verdict.key, signal.print, signal.title, signal.severity))
    return entries


# Whose turn is it ----------------------------------------------------------------------------------------------------


def sequence(standing: Standing, policy: int | None) -> tuple[PlannedStep, ...]:
    """Return all steps: the policy's rounds, the fallback, those who look after raglan. After them it begins anew."""
    rule = standing.rules.get(policy) if policy is not None else None
    fallback = standing.rules.get(standing.fallback) if standing.fallback not in (None, policy) else None
    owners = tuple(Target("person", pk) for pk in standing.owners)
    last = PlannedStep(int(AGAIN.total_seconds()), owners)
    return (*(rule.steps * rule.rounds if rule else ()), *(fallback.steps if fallback else ()), last)


def people_of(step: PlannedStep, standing: Standing, at: datetime) -> list[Asked]:
    """Return whom a step asks at a time: those with a way, each once, in order. Programs are not told."""
    found: dict[int, Asked] = {}
    for target in step.targets:
        for somebody, why in _people(target, standing, at):
            if somebody.ways:
                found.setdefault(somebody.id, Asked(somebody.id, somebody.name, why))
    return list(found.values())


def _people(target: Target, standing: Standing, at: datetime) -> list[tuple[Somebody, str]]:
    match target.type:
        case "schedule":
            duty = standing.duties.get(target.id)
            ids, why = (duty.people(at), f"on call for {duty.name}") if duty else ((), "")
        case "team":
            ids, why = standing.teams.get(target.id, ()), "member of the team"
        case "person":
            is_owner = target.id in standing.owners
            ids, why = (target.id,), "looks after raglan" if is_owner else "named in the policy"
        case _:
            return []
    return [(somebody, why) for somebody in whom(standing.people, ids)]


def steps_due(cases: Cases, standing: Standing, at: datetime) -> list[Entry]:
    """Return the steps that are due now."""
    waiting = [case for case in cases.all.values() if case.is_open and (case.next_at is None or case.next_at <= at)]
    return [_next_step(case, standing, at) for case in waiting]


def _next_step(case: Case, standing: Standing, at: datetime) -> Stepped:
    """Take the next step that has somebody who did not pass it on; when none has, look again in a minute."""
    steps = sequence(standing, case.policy)
    for number in range(case.step + 1, case.step + 1 + len(steps)):
        step = steps[number % len(steps)]
        people = [asked for asked in people_of(step, standing, at) if asked.person not in case.passed]
        if people:
            is_last = number % len(steps) == len(steps) - 1
            wait = max(timedelta(seconds=step.wait_s), AGAIN if is_last else timedelta(0))
            return Stepped(case.id, number, at, at + wait, tuple(people))
    return Stepped(case.id, case.step, at, at + MINUTE)


# Which messages go out -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that is to go out now."""

    case: Case
    asked: Asked
    number: int
    way: Way


def messages_due(
    cases: Cases, standing: Standing, at: datetime, *, is_able: Callable[[str], bool] = lambda channel: True
) -> list[Wanted]:
    """Return the messages that are due now; what would be too much for one person comes later."""
    lately: dict[int, int] = {}
    for case in cases.all.values():
        for tried in case.tried:
            lately[tried.person] = lately.get(tried.person, 0) + (at - tried.at < MINUTE)
    wanted: list[Wanted] = []
    for item in _all_due(cases, standing, at, is_able):
        count = lately.get(item.asked.person, 0)
        if count < MOST_A_MINUTE:
            lately[item.asked.person] = count + 1
            wanted.append(item)
    return wanted


def _all_due(cases: Cases, standing: Standing, at: datetime, is_able: Callable[[str], bool]) -> Iterator[Wanted]:
    for case in cases.all.values():
        for pk, (since, asked) in case.asked.items() if case.is_open else ():
            somebody = standing.people.get(pk)
            if somebody is None or pk in case.passed:
                continue
            ways = [(number, way) for number, way in enumerate(somebody.ways) if is_able(way.channel)]
            tried = [one for one in case.tried if one.person == pk and one.at >= since]
            for number, way in ways:
                if _is_due(number, ways, tried, at - since, at) or _is_news(case, number, tried, at):
                    yield Wanted(case, asked, number, way)


def _is_due(
    number: int, ways: Sequence[tuple[int, Way]], tried: Sequence[Tried], passed: timedelta, at: datetime
) -> bool:
    """Say whether a way is due: its wait is over, or those before it failed, or it failed itself a while ago."""
    own = [one for one in tried if one.way == number]
    if own:
        return _failed_lately(own, tried, at)
    way = next(way for other, way in ways if other == number)
    earlier = [other for other, _ in ways if other < number]
    failed = {one.way for one in tried if one.why}
    return passed >= timedelta(seconds=way.delay_s) or (bool(earlier) and all(other in failed for other in earlier))


def _failed_lately(own: Sequence[Tried], tried: Sequence[Tried], at: datetime) -> bool:
    last = own[-1]
    if any(one.is_done for one in tried) or len(own) >= TRIES:
        return False
    return at - last.at >= (UNKNOWN_AFTER if last.why is None else TRY_AGAIN)


def _is_news(case: Case, number: int, tried: Sequence[Tried], at: datetime) -> bool:
    """Say whether a person is to hear that a case has grown: by the way that worked last, and not all the time."""
    done = [one for one in tried if one.is_done]
    if not done or done[-1].way != number or any(one.why is None for one in tried):
        return False
    told, count = max(one.groups for one in done), len(case.firing) + case.more
    wait = GREW_MUCH if count >= 2 * told else GREW
    return count > told and at - max(one.at for one in tried) >= wait

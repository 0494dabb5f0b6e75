"""Holds and freezes that follow each other, added up: for how long hosts would wait without a break.

A break of less than four hours is none: most automation would not run in it. What is looked at are hosts as each hold
means them, and as each two of them mean together, where the fleet knows any such host; of very many pairs the last are
not looked at, which is told. They say nothing of what they
touch, and so are stopped by holds on packages, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations_with_replacement, product

from raglan.changes import ports
from raglan.changes.gate import PLACES, Asked, Reach, is_for_places
from raglan.changes.hold_models import Freeze, Hold

GAP = timedelta(hours=4)
LONGEST = timedelta(days=21)
AROUND = timedelta(days=60)  # so far back and ahead it is looked
MOST_HOSTS, MOST_NAMES, MOST_PAIRS = 400, 5, 50_000
SINGLE = PLACES[:3]  # a host is in one cluster, of one role, in one environment


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a hold stops what it is for; `hold` is its number, 0 for one that is not there yet."""

    name: str
    reach: Reach
    starts_at: datetime
    ends_at: datetime
    hold: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without a break, for which hosts and by which spans, in their order."""

    asked: Asked
    spans: tuple[Span, ...]

    @property
    def starts_at(self) -> datetime:
        """When it begins."""
        return self.spans[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """When all of them are over."""
        return max(span.ends_at for span in self.spans)

    @property
    def is_too_long(self) -> bool:
        """Whether it is longer than one freeze may last."""
        return self.ends_at - self.starts_at > LONGEST

    @property
    def days(self) -> int:
        """How many days it takes, in whole ones."""
        return (self.ends_at - self.starts_at) // timedelta(days=1)

    @property
    def hosts(self) -> str:
        """Say which hosts wait."""
        where = Reach(**{kind: getattr(self.asked, kind) for kind in PLACES})
        return "all hosts" if where.is_everything else f"hosts of {where.words}"

    @property
    def names(self) -> str:
        """Name what stops them, each once."""
        return ", ".join(dict.fromkeys(span.name for span in self.spans))


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, and how many pairs of holds and freezes were left out, for they are too many."""

    stretches: list[Stretch]
    left_out: int = 0


def stretches(spans: Iterable[Span]) -> list[Stretch]:
    """Return the times without a break of all hosts that are meant, each once, in order. Asks for no known host."""
    return look(spans).stretches


def look(spans: Iterable[Span], *, first: Iterable[Reach] = ()) -> Looked:
    """Look for the times without a break; pairs with what is named `first` come before all others."""
    ordered = sorted(spans, key=lambda span: (span.starts_at, span.ends_at, span.name))
    hosts, left_out = _hosts((*first, *(span.reach for span in ordered)))
    found: dict[tuple[Span, ...], Stretch] = {}
    for asked in hosts:
        for one in _of(asked, ordered):
            known = found.get(one.spans)
            if known is None or len(one.hosts) < len(known.hosts):
                found[one.spans] = one
    return Looked(sorted(found.values(), key=lambda one: (one.starts_at, one.hosts)), left_out)


def _of(asked: Asked, ordered: Sequence[Span]) -> Iterator[Stretch]:
    together: list[Span] = []
    until: datetime | None = None
    for span in ordered:
        if not is_for_places(span.reach, asked):
            continue
        if until is not None and span.starts_at - until >= GAP:
            yield Stretch(asked, tuple(together))
            together, until = [], None
        together.append(span)
        until = span.ends_at if until is None else max(until, span.ends_at)
    if together:
        yield Stretch(asked, tuple(together))


def _hosts(reaches: Iterable[Reach]) -> tuple[list[Asked], int]:
    """Return hosts that each, or each two, of what is named mean, and how many of these pairs were not looked at.

    What differs by packages or changes alone means the same hosts, and is one.
    """
    found: dict[Asked, None] = {}
    places = list(dict.fromkeys(replace(one, packages=(), changes=()) for one in reaches))
    for number, (one, other) in enumerate(combinations_with_replacement(places, 2)):
        fresh = [asked for asked in _meant(one, other) if asked not in found]
        if number >= MOST_PAIRS or (fresh and len(found) + len(fresh) > MOST_HOSTS):
            return list(found), len(places) * (len(places) + 1) // 2 - number
        found.update(dict.fromkeys(fresh))
    return list(found), 0


def _meant(one: Reach, other: Reach) -> Iterator[Asked]:
    choices: list[list[tuple[str, ...]]] = []
    for kind in SINGLE:
        mine, yours = getattr(one, kind), getattr(other, kind)
        both = {name.casefold() for name in yours}
        names = [name for name in mine if name.casefold() in both] if mine and yours else [*mine, *yours]
        if not names and (mine or yours):
            return  # no host is of both
        choices.append([(name,) for name in names[:MOST_NAMES]] or [()])
    tags = dict.fromkeys((*one.tags[:1], *other.tags[:1]))
    if set(one.tags) & set(other.tags):
        tags = dict.fromkeys([next(tag for tag in one.tags if tag in other.tags)])
    for clusters, roles, environments in product(*choices):
        yield Asked("", clusters, roles, environments, tuple(tags))


def spans(at: datetime) -> list[Span]:
    """Return what has stopped, stops and will stop hosts, around a time."""
    rows = Hold.objects.filter(ends_at__gt=at - AROUND, starts_at__lt=at + AROUND).order_by("starts_at", "pk")
    found = [Span(row.name, row.reach, row.starts_at, row.ended_at or row.ends_at, row.pk) for row in rows]
    return [span for span in found if span.starts_at < span.ends_at and span.ends_at > at - AROUND]


def known(found: Iterable[Stretch]) -> list[Stretch]:
    """Return those for which the fleet knows a host, and all where it knows none at all."""
    has = ports.roll().has
    return [one for one in found if has(one.asked)]


def of_freeze(
    freeze: Freeze, windows: Iterable[tuple[datetime, datetime]], *, after: datetime, at: datetime
) -> list[Span]:
    """Return the times of a freeze that its holds do not show yet."""
    found: list[Span] = []
    for starts_at, ends_at in windows:
        if starts_at > at + AROUND:
            break
        if starts_at >= after:
            found.append(Span(freeze.name, freeze.reach, starts_at, ends_at))
    return found

"""Who is in the kitchen: at places that people share to test, who is there and who waits. Nothing is locked.

A claim is a word to others. It runs out by itself; whoever waits hears when a place is free, and goes in by saying so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput, Conflict, NotAllowed, NotFound
from raglan.people import mail
from raglan.people.models import Person
from raglan.processes import events
from raglan.processes.models import Claim
from raglan.processes.numbers import middle

EXPIRE = "processes.claim"
WAITS_FOR = timedelta(hours=12)
MOST_MINUTES = 7 * 24 * 60
MOST_PLACE = 80
MOST_WHAT = 200
ENOUGH = 3  # ended claims, before it is said how long they last
LOOKED_AT = 30
State, End = Claim.State, Claim.End


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where somebody wants to be, for what and how long; `beside` goes in though others are there."""

    place: str
    minutes: int
    what: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long claims of a place were made for and how long they really last, in minutes; how many ran out unsaid."""

    claims: int
    asked: int
    lasted: int
    ran_out: int


@dataclass(frozen=True, slots=True)
class Place:
    """A place that people share, with who is there, who waits in order, and how long claims last."""

    name: str
    inside: Sequence[Claim]
    waiting: Sequence[Claim]
    lasts: Lasts | None


@atomic
def claim(wanted: Wanted, *, by: Person) -> Claim:
    """Go to a place, or wait for it when others are there. The same person again gets the claim that they have.

    Raises BadInput.
    """
    place, what = _checked(wanted)
    take_turn(f"kitchen {place}")
    have = Claim.objects.filter(place=place, person=by).exclude(state=State.OVER).first()
    if have is not None:
        return have
    at, is_free = now(), not Claim.objects.filter(place=place).exclude(state=State.OVER).exists()
    goes_in = is_free or wanted.beside
    made = Claim.objects.create(
        place=place,
        what=what,
        person=by,
        minutes=wanted.minutes,
        state=State.IN if goes_in else State.WAITING,
        asked_at=at,
        began_at=at if goes_in else None,
        expires_at=at + (timedelta(minutes=wanted.minutes) if goes_in else WAITS_FOR),
    )
    timers.schedule(EXPIRE, subject=timeline.ref(made), due_at=made.expires_at)
    told = events.ClaimMade(
        claim=made.pk,
        place=place,
        what=what,
        person=by.pk,
        minutes=made.minutes,
        state=made.state,
        asked_at=at,
        began_at=made.began_at,
        expires_at=made.expires_at,
    )
    timeline.append(told, actor=by, about=[made, "kitchen"])
    return made


def _checked(wanted: Wanted) -> tuple[str, str]:
    place, what = " ".join(wanted.place.split()).lower(), " ".join(wanted.what.split())
    if not place or len(place) > MOST_PLACE:
        raise BadInput("place", f"name the place, in at most {MOST_PLACE} characters", status=422)
    if len(what) > MOST_WHAT:
        raise BadInput("what", f"at most {MOST_WHAT} characters", status=422)
    _check_minutes(wanted.minutes)
    return place, what


def _check_minutes(minutes: int) -> None:
    if not 1 <= minutes <= MOST_MINUTES:
        raise BadInput("minutes", "from a minute to a week", status=422)


@atomic
def begin(claim: Claim, *, by: Person) -> Claim:
    """Say that one is there now, after one waited. Others may still be there: nothing is locked."""
    _own(claim, by)
    at = now()
    until = at + timedelta(minutes=claim.minutes)
    waiting = Claim.objects.filter(pk=claim.pk, state=State.WAITING)
    if waiting.update(state=State.IN, began_at=at, expires_at=until):
        _plan(claim, until)
        timeline.append(
            events.ClaimBegun(claim=claim.pk, began_at=at, expires_at=until), actor=by, about=[claim, "kitchen"]
        )
    claim.refresh_from_db()
    return claim


@atomic
def extend(claim: Claim, minutes: int, *, by: Person) -> Claim:
    """Stay longer, counted from now. Raises BadInput, NotAllowed, Conflict."""
    _own(claim, by)
    _check_minutes(minutes)
    until = now() + timedelta(minutes=minutes)
    if not Claim.objects.filter(pk=claim.pk, state=State.IN).update(expires_at=until):
        raise Conflict("This claim is over. Make a new one.")
    _plan(claim, until)
    extended = events.ClaimExtended(claim=claim.pk, minutes=minutes, expires_at=until)
    timeline.append(extended, actor=by, about=[claim, "kitchen"])
    claim.refresh_from_db()
    return claim


@atomic
def leave(claim: Claim, *, by: Person) -> Claim:
    """Leave a place, or wait for it no more. Safe to call twice."""
    _own(claim, by)
    take_turn(f"kitchen {claim.place}")
    claim.refresh_from_db()
    _end(claim, End.LEFT if claim.state == State.IN else End.GAVE_UP, actor=by)
    return claim


def _own(claim: Claim, by: Person) -> None:
    if claim.person_id != by.pk:
        raise NotAllowed("Only whoever made a claim can change it. It runs out by itself, and it locks nothing.")


def _plan(claim: Claim, until: datetime) -> None:
    timers.cancel(EXPIRE, subject=timeline.ref(claim))
    timers.schedule(EXPIRE, subject=timeline.ref(claim), due_at=until)


@timers.handler(EXPIRE)
def expire(due: timers.Due) -> None:
    """End a claim whose time is over."""
    found = Claim.objects.filter(pk=due.subject_id).exclude(state=State.OVER).first()
    if found is None or found.expires_at > now():
        return  # ended or extended meanwhile; an extension has a timer of its own
    take_turn(f"kitchen {found.place}")
    _end(found, End.RAN_OUT if found.state == State.IN else End.GAVE_UP, actor=timeline.SYSTEM)


def _end(claim: Claim, how: Claim.End, *, actor: timeline.Subject) -> None:
    at, was = now(), claim.state
    going = Claim.objects.filter(pk=claim.pk).exclude(state=State.OVER)
    if not going.update(state=State.OVER, ended_at=at, end=how):
        return
    timers.cancel(EXPIRE, subject=timeline.ref(claim))
    timeline.append(events.ClaimEnded(claim=claim.pk, ended_at=at, end=how), actor=actor, about=[claim, "kitchen"])
    claim.refresh_from_db()
    if was == State.IN:
        _tell_next(claim.place)


def _tell_next(place: str) -> None:
    """Write to whoever waits first, once nobody is at a place any more."""
    here = Claim.objects.filter(place=place).exclude(state=State.OVER)
    first = here.filter(state=State.WAITING).select_related("person").order_by("asked_at", "pk").first()
    if first is None or here.filter(state=State.IN).exists() or not first.person.is_active:
        return
    link = f"{config().public_url.rstrip('/')}/processes/kitchen/"
    text = f"Nobody is at {place} now, and you are the first who waits. Say there when you are in.\n\n{link}\n"
    mail.write(first.person.email, subject=f"{place} is free", text=text, about=first)


def places() -> list[Place]:
    """Return the places where somebody is or waits, or was lately, by name; the number of queries is fixed."""
    going = Claim.objects.exclude(state=State.OVER).select_related("person").order_by("asked_at", "pk")
    by_place: dict[str, list[Claim]] = {}
    for one in going[:500]:
        by_place.setdefault(one.place, []).append(one)
    ended = Claim.objects.filter(state=State.OVER, began_at__isnull=False).order_by("-pk")[:500]
    past: dict[str, list[Claim]] = {}
    for one in ended:
        past.setdefault(one.place, []).append(one)
    return [
        Place(
            name,
            [one for one in by_place.get(name, []) if one.state == State.IN],
            [one for one in by_place.get(name, []) if one.state == State.WAITING],
            lasting(past.get(name, [])[:LOOKED_AT]),
        )
        for name in sorted(by_place.keys() | past.keys())
    ]


def lasting(ended: Sequence[Claim]) -> Lasts | None:
    """Return how long claims that ended really lasted; None while there are too few to say."""
    lengths = [(one.ended_at - one.began_at) / timedelta(minutes=1) for one in ended if one.ended_at and one.began_at]
    if len(lengths) < ENOUGH:
        return None
    return Lasts(
        claims=len(lengths),
        asked=round(middle(one.minutes for one in ended)),
        lasted=round(middle(lengths)),
        ran_out=sum(1 for one in ended if one.end == End.RAN_OUT),
    )


def going(pk: int) -> Claim:
    """Return a claim. Raises NotFound."""
    found = Claim.objects.select_related("person").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such claim.")
    return found


def claims() -> QuerySet[Claim]:
    """All claims that are not over, by place and age."""
    return Claim.objects.exclude(state=State.OVER).select_related("person").order_by("place", "asked_at", "pk")

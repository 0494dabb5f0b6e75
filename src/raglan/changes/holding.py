"""Verbs of holds: raise, extend, lift, let somebody through. A hold always has an end, and ends by itself."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from raglan.changes import events, ports
from raglan.changes.gate import EVERYTHING, EXEMPT, PLACES, Reach
from raglan.changes.hold_models import Hold, HoldDrill, HoldException, HoldHeard
from raglan.changes.models import Change
from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person

END = "changes.end_hold"
FORGET = "changes.forget_heard"
KEPT_FOR = timedelta(days=30)
FORGOTTEN_AT_ONCE = 2_000
MOST_NAME = 80
MOST_REASON = 300
MOST_NAMES = 100
MOST_NAME_OF_HOST = 253
MOST_DIGITS = 19
SPACED = (*PLACES, "name")  # tools and people call these with spaces and commas, too
DRILL = timedelta(minutes=30)
COMING = timedelta(days=366)
SLACK = timedelta(minutes=1)  # between writing a form and sending it
_after: list[Callable[[Hold], None]] = []


@dataclass(frozen=True, slots=True)
class HoldDraft:
    """A hold as somebody wrote it. Both times are instants."""

    name: str
    reason: str
    ends_at: datetime
    reach: Reach = EVERYTHING
    starts_at: datetime | None = None
    is_drill: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class By:
    """Who does it: a name, and the person if it is one."""

    who: str
    actor: timeline.Subject
    person: Person | None = None


def longest() -> timedelta:
    """Return how long a hold may last from now."""
    return timedelta(hours=config().hold_longest_h)


@atomic
def raise_hold(draft: HoldDraft, *, by: By) -> Hold:
    """Stop automation from a time to a time. Raises BadInput, Conflict."""
    check_hold(draft)
    return put(draft, by=by)


def put(draft: HoldDraft, *, by: By, freeze: int | None = None) -> Hold:
    """Write a hold that was looked at. Raises Conflict when one of that name is on or to come."""
    at = now()
    try:
        with atomic():
            hold = Hold.objects.create(
                name=draft.name.strip(),
                reason=draft.reason.strip(),
                starts_at=max(at, draft.starts_at or at),
                ends_at=draft.ends_at,
                is_drill=draft.is_drill,
                link=draft.link[:200],
                freeze_id=freeze,
                who=by.who[:200],
                person=by.person,
                created_at=at,
                **{kind: list(names) for kind, names in asdict(draft.reach).items()},
            )
    except IntegrityError:
        raise Conflict(f"A hold named {draft.name.strip()} is on already; extend it, or choose another name.") from None
    if hold.is_drill:
        HoldDrill.objects.create(hold=hold, began_at=hold.starts_at)
    timers.schedule(END, subject=timeline.ref(hold), due_at=hold.ends_at)
    timeline.append(_raised(hold), actor=by.actor, about=about(hold))
    return hold


@atomic
def extend(hold: Hold, ends_at: datetime, *, version: int, by: By) -> Hold:
    """Let a hold end at another time. Raises BadInput, Conflict."""
    at = now()
    if ends_at <= at:
        raise BadInput("ends_at", "must be to come; lift it to end it now", status=422)
    if ends_at - at > longest() + SLACK:
        raise BadInput(
            "ends_at", f"at most {config().hold_longest_h} hours from now; extend it again later", status=422
        )
    if ends_at <= hold.starts_at:
        raise BadInput("ends_at", "must be after it begins", status=422)
    open_now = Hold.objects.filter(pk=hold.pk, version=version, ended_at__isnull=True, ends_at__gt=at)
    if not open_now.update(ends_at=ends_at, version=version + 1):
        raise Conflict("This hold is over, or somebody changed it meanwhile.")
    hold.refresh_from_db()
    timers.cancel(END, subject=timeline.ref(hold))
    timers.schedule(END, subject=timeline.ref(hold), due_at=ends_at)
    told = events.HoldExtended(hold=hold.pk, ends_at=ends_at, who=by.who[:200], version=hold.version)
    timeline.append(told, actor=by.actor, about=about(hold))
    return hold


@atomic
def lift(hold: Hold, *, word: str, by: By) -> Hold:
    """End a hold now, with a word for those who wonder. Safe to call twice. Raises BadInput."""
    if not word.strip() or len(word) > MOST_REASON:
        raise BadInput("word", f"say why it may go on, in at most {MOST_REASON} characters", status=422)
    at, hold = now(), _locked(hold)
    if hold.ended_at is None:
        hold.ended_at, hold.lifted_by, hold.lift_word = at, by.who[:200], word.strip()
        hold.version += 1
        hold.save(update_fields=["ended_at", "lifted_by", "lift_word", "version"])
        told = events.HoldLifted(
            hold=hold.pk, ended_at=at, lifted_by=hold.lifted_by, lift_word=hold.lift_word, version=hold.version
        )
        timeline.append(told, actor=by.actor, about=about(hold))
        timers.cancel(END, subject=timeline.ref(hold))
        _over(hold)
    return hold


def _locked(hold: Hold) -> Hold:
    return Hold.objects.select_for_update().get(pk=hold.pk)


@timers.handler(END)
def end(due: timers.Due) -> None:
    """A hold ends by itself."""
    hold = Hold.objects.select_for_update().filter(pk=due.subject_id, ended_at__isnull=True).first()
    if hold is None or hold.ends_at > now():
        return
    hold.ended_at = hold.ends_at
    hold.version += 1
    hold.save(update_fields=["ended_at", "version"])
    told = events.HoldEnded(hold=hold.pk, ended_at=hold.ends_at, version=hold.version)
    timeline.append(told, about=about(hold))
    _over(hold)


@timers.handler(FORGET)
def forget(due: timers.Due) -> None:
    """Delete who has heard of a hold that is long over, some at once; how many they were is kept."""
    hold = Hold.objects.filter(pk=due.subject_id).first()
    if hold is None:
        return
    if hold.obeyed is None:
        heard = HoldHeard.objects.filter(hold=hold)
        hold.obeyed, hold.let_on = heard.filter(stopped=True).count(), heard.filter(stopped=False).count()
        hold.save(update_fields=["obeyed", "let_on"])
    some = list(HoldHeard.objects.filter(hold=hold).values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    if some:
        HoldHeard.objects.filter(pk__in=some).delete()
        timers.schedule(FORGET, subject=due.subject, due_at=now())


def _over(hold: Hold) -> None:
    timers.schedule(FORGET, subject=timeline.ref(hold), due_at=now() + KEPT_FOR)
    if hold.is_drill:
        _tally(hold)
    for follow in _after:
        follow(hold)


def _tally(hold: Hold) -> None:
    """Keep what a drill showed."""
    drill = HoldDrill.objects.get(hold=hold)
    drill.ended_at = hold.ended_at
    drill.obeyed = HoldHeard.objects.filter(hold=hold, stopped=True).count()
    drill.went_on = ports.roll().call(hold, most=0).went_on
    drill.save()
    told = events.HoldDrilled(
        hold=hold.pk,
        began_at=drill.began_at,
        ended_at=drill.ended_at or now(),
        obeyed=drill.obeyed,
        went_on=drill.went_on,
    )
    timeline.append(told, about=about(hold))


def when_over(follow: Callable[[Hold], None]) -> None:
    """Have something done when a hold is over, in the transaction that ends it."""
    _after.append(follow)


@dataclass(frozen=True, slots=True)
class Through:
    """Who may go on although a hold is for them: a host, or the hosts of a role or a tag."""

    kind: str
    name: str
    reason: str
    ends_at: datetime | None = None


@atomic
def let_through(hold: Hold, through: Through, *, by: By) -> HoldException:
    """Let a host, a role or a tag go on until a time, or for the rest of the hold. Raises BadInput, Conflict."""
    _check_through(through)
    at, hold = now(), _locked(hold)
    if hold.ended_at is not None or hold.ends_at <= at:
        raise Conflict("This hold is over.")
    made = HoldException.objects.create(
        hold=hold,
        kind=through.kind,
        name=through.name.strip(),
        reason=through.reason.strip(),
        ends_at=min(through.ends_at or hold.ends_at, hold.ends_at),
        who=by.who[:200],
        created_at=at,
    )
    facts = {name: getattr(made, name) for name in ("name", "reason", "ends_at", "who", "created_at")}
    told = events.HoldExceptionMade(exception=made.pk, hold=hold.pk, of=made.kind, **facts)
    timeline.append(told, actor=by.actor, about=about(hold))
    return made


def _check_through(through: Through) -> None:
    if through.kind not in EXEMPT:
        raise BadInput("kind", "an exception is for a host, a role or a tag", status=422)
    check_names("name", [through.name.strip()])
    check_line("reason", through.reason, MOST_REASON)
    if through.ends_at is not None and through.ends_at <= now():
        raise BadInput("ends_at", "must be to come", status=422)


@atomic
def take_back(exception: HoldException, *, by: By) -> None:
    """End an exception now. Safe to call twice."""
    at = now()
    if HoldException.objects.filter(pk=exception.pk, ends_at__gt=at).update(ends_at=at):
        told = events.HoldExceptionEnded(exception=exception.pk, hold=exception.hold_id, ends_at=at)
        timeline.append(told, actor=by.actor, about=about(exception.hold))


def check_hold(draft: HoldDraft) -> None:
    """Raise BadInput when a hold can not be raised as it is written."""
    check_line("name", draft.name, MOST_NAME)
    check_line("reason", draft.reason, MOST_REASON)
    check_reach(draft.reach)
    starts_at = max(draft.starts_at or now(), now())
    if starts_at - now() > COMING:
        raise BadInput("starts_at", "at most a year ahead", status=422)
    if draft.ends_at <= starts_at:
        raise BadInput("ends_at", "must be after the start, and to come", status=422)
    most = DRILL if draft.is_drill else longest()
    if draft.ends_at - starts_at > most + SLACK:
        hours = f"{most / timedelta(hours=1):g} hours" if not draft.is_drill else "30 minutes"
        raise BadInput("ends_at", f"at most {hours} after the start; it can be extended by hand", status=422)


def check_line(field: str, words: str, most: int) -> None:
    """Raise BadInput unless words are one line that is not empty: hosts read holds line by line."""
    if not words.strip() or len(words.strip()) > most or not words.strip().isprintable():
        raise BadInput(field, f"say it in one line of at most {most} characters", status=422)


def check_reach(reach: Reach) -> None:
    """Raise BadInput when names can not stand in what a hold is for, or a change is not there."""
    for kind, names in asdict(reach).items():
        check_names(kind, names)
    numbers = {int(name) for name in reach.changes if name.isdecimal() and len(name) < MOST_DIGITS}
    known = {str(pk) for pk in Change.objects.filter(pk__in=numbers).values_list("pk", flat=True)}
    if unknown := [name for name in reach.changes if name not in known]:
        raise BadInput("changes", f"there is no change {unknown[0][:40]}; write its number, as in 12", status=422)


def check_names(field: str, names: Iterable[str]) -> None:
    """Raise BadInput when names can not be compared with what hosts say of themselves."""
    listed = list(names)
    if len(listed) > MOST_NAMES:
        raise BadInput(field, f"at most {MOST_NAMES} names", status=422)
    for name in listed:
        if len(name) > MOST_NAME_OF_HOST:
            raise BadInput(field, f"names have at most {MOST_NAME_OF_HOST} letters", status=422)
        if why := _why_not(name, is_spaced=field in SPACED):
            raise BadInput(field, why, status=422)


def _why_not(name: str, *, is_spaced: bool) -> str:
    """Say why nothing can be called so; empty when it can."""
    if not name:
        return "say a name"
    if (" " in name or "," in name) and not is_spaced:
        return "names have no spaces and no commas"
    if not name.isprintable():
        return "names have no signs that can not be printed"
    return "" if name == name.strip() else "names begin and end with no space"


def about(hold: Hold) -> list[timeline.Subject]:
    """Return what events of a hold are about."""
    return [hold, "holds", "now"]


def _raised(hold: Hold) -> events.HoldRaised:
    names = (
        *("name", "reason", "clusters", "roles", "environments", "tags", "packages", "changes", "starts_at", "ends_at"),
        *("is_drill", "link", "who", "created_at"),
    )
    facts = {name: getattr(hold, name) for name in names}
    return events.HoldRaised(hold=hold.pk, freeze=hold.freeze_id, person=hold.person_id, **facts)

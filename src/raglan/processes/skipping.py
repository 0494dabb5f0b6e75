"""Skip notes: why a step was not taken. Unsigned by design.

What keeps a note from leading to a person:

- `note` is not told who gives it, and no column, event, log line or session keeps it.
- The key of a note is random; it has a day and no time. The day is forgotten as soon as it is over, with one statement
  for all notes of that day, so that they have no order among themselves or beside other rows either.
- A request that gives a note is in no line of the log, not even when it is refused (`discreet`).
- No event is appended when a note is given: an event has a number and a time, and both would tell the minute.
- A tally shows nothing until five notes are there, and then grows by five or more at once, at night. To look before
  and after a colleague gave a note shows the same. Reasons are shown in steps of five, minutes as a rounded middle.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.db.models import Count

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput, Conflict, Overloaded
from raglan.processes import events
from raglan.processes.models import Process, ProcessStep, SkipNote
from raglan.processes.numbers import middle

SETTLE = "processes.settle"
AFTER_MIDNIGHT = timedelta(minutes=10)
FEWEST = 5
ROUND_TO = 5
MOST_WORDS = 140
MOST_MINUTES = 60 * 24 * 14
MOST_A_DAY = 200
Why, State = SkipNote.Why, SkipNote.State


@dataclass(frozen=True, slots=True)
class Skipped:
    """What somebody says about a step that they did not take."""

    why: str
    minutes: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that at least so many notes gave; `at_least` is a multiple of five."""

    words: str
    at_least: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What is shown of the notes on one step. Without notes it is not known whether there are none or four."""

    step: ProcessStep
    notes: int = 0
    reasons: Sequence[Reason] = ()
    minutes: int | None = None
    words: Sequence[str] = ()
    earlier: int = 0


def discreet(record: logging.LogRecord) -> bool:
    """Keep lines about refused requests out of the log where they would tell when somebody gave a note."""
    path = str(getattr(getattr(record, "request", None), "path", ""))
    return not path.rstrip("/").endswith(("/skip", "/skip-notes"))


logging.getLogger("django.request").addFilter(discreet)


@atomic
def note(step: ProcessStep, said: Skipped) -> None:
    """Keep that somebody did not take a step, and why. Nothing is returned, for nothing may lead back to it.

    Raises BadInput, Conflict, and Overloaded when a process gets more notes in a day than people can give.
    """
    why, words = _checked(said)
    if step.removed_at is not None or step.process.removed_at is not None:
        raise Conflict("This is not in use any more, so nobody can leave it out.")
    today = now().date()
    if SkipNote.objects.filter(step__process_id=step.process_id, day=today).count() >= MOST_A_DAY:
        raise Overloaded("This process has very many notes today. Give yours tomorrow.", retry_after=3_600)
    SkipNote.objects.bulk_create([SkipNote(step=step, why=why, words=words, minutes=said.minutes, day=today)])


def _checked(said: Skipped) -> tuple[str, str]:
    if said.why not in Why.values:
        raise BadInput("why", f"one of {', '.join(Why.values)}", status=422)
    words = " ".join(said.words.split())
    if len(words) > MOST_WORDS:
        raise BadInput("words", f"at most {MOST_WORDS} characters", status=422)
    if said.minutes is not None and not 0 <= said.minutes <= MOST_MINUTES:
        raise BadInput("minutes", "at most two weeks", status=422)
    return said.why, words


@timers.handler(SETTLE, on_parked=timers.goes_on(timedelta(hours=1)))
def settle_again(due: timers.Due) -> None:
    """Settle the notes of days that are over, once a night, whether there are any or not."""
    settle()
    timers.cancel(SETTLE, subject=due.subject)
    timers.schedule(SETTLE, subject=due.subject, due_at=next_night())


def next_night() -> datetime:
    """Return shortly after the next midnight (UTC)."""
    tomorrow = (now() + timedelta(days=1) - AFTER_MIDNIGHT).date()
    return datetime.combine(tomorrow, time(), UTC) + AFTER_MIDNIGHT


@atomic
def settle() -> None:
    """Forget the days that are over, and count notes where five or more wait on one step."""
    take_turn("skip notes")
    SkipNote.objects.filter(state=State.FRESH, day__lt=now().date()).update(state=State.WAITING, day=None)
    waiting = SkipNote.objects.filter(state=State.WAITING).values("step_id", "step__process_id")
    enough = list(waiting.annotate(notes=Count("pk")).filter(notes__gte=FEWEST).order_by("step_id"))
    if not enough:
        return
    steps = [row["step_id"] for row in enough]
    SkipNote.objects.filter(state=State.WAITING, step_id__in=steps).update(state=State.COUNTED)
    timeline.append_many(
        (
            events.TallyGrew(step=row["step_id"], notes=row["notes"]),
            [f"process:{row['step__process_id']}", "processes"],
        )
        for row in enough
    )


def tallies(process: Process) -> list[Tally]:
    """Return what may be shown of the notes on each step that a process has now, in order."""
    steps = ProcessStep.objects.filter(process=process, removed_at__isnull=True).order_by("place", "pk")
    shown = SkipNote.objects.filter(step__process=process, state__in=(State.COUNTED, State.EARLIER))
    by_step: dict[int, list[SkipNote]] = {}
    for one in shown.only("step_id", "why", "minutes", "words", "state"):
        by_step.setdefault(one.step_id, []).append(one)
    return [_tally(step, by_step.get(step.pk, [])) for step in steps]


def _tally(step: ProcessStep, notes: Sequence[SkipNote]) -> Tally:
    counted = [one for one in notes if one.state == State.COUNTED]
    return Tally(
        step=step,
        notes=len(counted),
        reasons=_reasons(counted),
        minutes=_minutes(one.minutes for one in counted),
        words=sorted({one.words for one in counted if one.words}),
        earlier=len(notes) - len(counted),
    )


def _reasons(notes: Iterable[SkipNote]) -> list[Reason]:
    count = Counter(one.why for one in notes)
    found = [Reason(str(Why(why).label), number // FEWEST * FEWEST) for why, number in count.items()]
    return sorted((one for one in found if one.at_least), key=lambda one: (-one.at_least, one.words))


def _minutes(given: Iterable[int | None]) -> int | None:
    told = [one for one in given if one is not None]
    if len(told) < FEWEST:
        return None
    return max(ROUND_TO, round(middle(told) / ROUND_TO) * ROUND_TO)

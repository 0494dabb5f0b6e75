"""Interviews about a process: rounds of talks, themes, and quotes that show only when their speakers approved them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Prefetch, Q, QuerySet

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.people import mail
from raglan.people.models import Person
from raglan.processes import interview_events as events
from raglan.processes.interview_models import InterviewRound, InterviewTheme, Quote
from raglan.processes.models import Process

FEWEST, MOST = 5, 8
MAX_QUESTION, MAX_TITLE, MAX_WORDS, MAX_QUOTE, MAX_AS = 300, 200, 2_000, 500, 120
State = Quote.State
SHOWN = (State.APPROVED, State.SAID_YES)


@dataclass(frozen=True, slots=True)
class Quoted:
    """What somebody said, how they want to be described, and who they are where raglan knows them.

    Without a speaker whoever writes it answers for it that the speaker read it and said yes.
    """

    words: str
    described_as: str
    speaker: Person | None = None


@atomic
def begin(process: Process, question: str, planned: int, *, by: Person) -> InterviewRound:
    """Begin a round of talks. Raises BadInput."""
    question = _line("question", question, MAX_QUESTION)
    if not FEWEST <= planned <= MOST:
        raise BadInput("planned", f"from {FEWEST} to {MOST}: fewer show one view, more show the same again", status=422)
    at = now()
    made = InterviewRound.objects.create(process=process, question=question, planned=planned, begun_by=by, begun_at=at)
    begun = events.InterviewsBegun(
        round=made.pk, process=process.pk, question=question, planned=planned, person=by.pk, begun_at=at
    )
    timeline.append(begun, actor=by, about=[made, process])
    return made


def _line(field: str, text: str, most: int) -> str:
    words = " ".join(text.split())
    if not words or len(words) > most:
        raise BadInput(field, f"say it in at most {most} characters", status=422)
    return words


@atomic
def hold(of: InterviewRound, *, by: Person) -> InterviewRound:
    """Count one more talk. With whom is not kept. Raises Conflict."""
    if not InterviewRound.objects.filter(pk=of.pk, held__lt=3 * MOST).update(held=F("held") + 1):
        raise Conflict("That is enough for one round. Begin another one.")
    of.refresh_from_db()
    timeline.append(events.InterviewHeld(round=of.pk, held=of.held), actor=by, about=[of])
    return of


@atomic
def write_theme(of: InterviewRound, title: str, words: str, *, by: Person) -> InterviewTheme:
    """Write down what came up in several talks. Raises BadInput."""
    title, words, at = _line("title", title, MAX_TITLE), words.strip(), now()
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"at most {MAX_WORDS} characters", status=422)
    made = InterviewTheme.objects.create(round=of, title=title, words=words, at=at)
    written = events.InterviewThemeWritten(theme=made.pk, round=of.pk, title=title, words=words, written_at=at)
    timeline.append(written, actor=by, about=[of])
    return made


@atomic
def quote(theme: InterviewTheme, said: Quoted, *, by: Person) -> Quote:
    """Keep what somebody said; it shows once they approved it. A speaker whom raglan knows is asked by mail."""
    made = Quote.objects.create(
        theme=theme,
        words=_line("words", said.words, MAX_QUOTE),
        described_as=_line("described_as", said.described_as, MAX_AS),
        speaker=said.speaker,
        written_by=by,
        state=State.WAITING if said.speaker else State.SAID_YES,
    )
    _turned(made, made.state)
    if said.speaker is not None:
        of = theme.round
        link = f"{config().public_url.rstrip('/')}/processes/{of.process.slug}/interviews/{of.pk}/"
        text = f"{by.name} wants to quote a sentence of yours, without your name. It shows only when you approve it.\n"
        mail.write(said.speaker.email, subject="May we quote you?", text=f"{text}\n{link}\n", about=made)
    return made


@atomic
def approve(found: Quote, *, by: Person) -> Quote:
    """Let one's own words be shown. Raises NotFound for anybody else, and Conflict once they were taken back."""
    if found.speaker_id != by.pk:
        raise NotFound("There is no such quote of yours.")
    if found.state == State.TAKEN_BACK:
        raise Conflict("These words were taken back, and are gone.")
    if Quote.objects.filter(pk=found.pk, state=State.WAITING).update(state=State.APPROVED):
        _turned(found, State.APPROVED)
    found.refresh_from_db()
    return found


@atomic
def take_back(found: Quote, *, by: Person) -> Quote:
    """Take words back, as their speaker or their writer: they are gone, and who said them too. Safe to call twice."""
    if by.pk not in (found.speaker_id, found.written_by_id):
        raise NotFound("There is no such quote of yours.")
    standing = Quote.objects.filter(pk=found.pk).exclude(state=State.TAKEN_BACK)
    if standing.update(state=State.TAKEN_BACK, words="", described_as="", speaker=None):
        _turned(found, State.TAKEN_BACK)
    found.refresh_from_db()
    return found


def _turned(one: Quote, state: str) -> None:
    """Tell it without an actor: whoever turns a quote may be its speaker."""
    about = [f"interview_round:{one.theme.round_id}"]
    timeline.append(events.QuoteTurned(quote=one.pk, theme=one.theme_id, state=state), about=about)


def rounds(process: Process) -> QuerySet[InterviewRound]:
    """Rounds of talks about a process, the newest first."""
    return process.rounds.select_related("begun_by").order_by("-pk")


def one_round(process: Process, pk: int) -> InterviewRound:
    """Return a round of talks. Raises NotFound."""
    found = rounds(process).select_related("process").filter(pk=pk).first()
    if found is None:
        raise NotFound("There are no such interviews.")
    return found


def themes(of: InterviewRound, reader: Person | None) -> Sequence[InterviewTheme]:
    """Return the themes of a round in order; `quotes` of each are those that a reader may see."""
    may = Q(state__in=SHOWN)
    if reader is not None:
        may |= Q(state=State.WAITING) & (Q(speaker=reader) | Q(written_by=reader))
    quotes = Quote.objects.filter(may).order_by("pk")
    return list(of.themes.prefetch_related(Prefetch("quotes", quotes)).order_by("pk"))


def theme(of: InterviewRound, pk: int) -> InterviewTheme:
    """Return a theme of a round. Raises NotFound."""
    found = of.themes.select_related("round__process").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such theme.")
    return found


def one_quote(of: InterviewRound, pk: int) -> Quote:
    """Return a quote of a round, whoever may see it. Raises NotFound."""
    found = Quote.objects.select_related("theme").filter(theme__round=of, pk=pk).first()
    if found is None:
        raise NotFound("There is no such quote of yours.")
    return found

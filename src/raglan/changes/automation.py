"""Automation cards: four short answers about what acts on many machines, each with when it was last practised.

An answer that was written long ago and never tried says little. The card shows that; nobody is reminded or counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import QuerySet

from raglan.changes import automation_events as events
from raglan.changes.automation_models import AutomationAnswer, AutomationCard, AutomationPractice, Question
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.core.slugs import free_slug
from raglan.people.models import Person, Team

FRESH_FOR = timedelta(days=180)
MAX_TITLE = 200
MAX_ACTS_ON = 300
MAX_ANSWER = 4_000
MAX_WORDS = 300
EARLIEST = 1970  # the year from which on something can have been practised
HISTORY = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """A card as somebody wrote it. A question without an answer is one that nobody can answer yet."""

    title: str
    acts_on: str
    answers: Mapping[str, str]
    team: Team | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: an actor for the record, and the person where there is one."""

    actor: timeline.Subject
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of a card with its answer of now, the earlier ones, and what came of doing it, the newest first.

    `state` says how far it can be relied on: `empty`, `never` (written, not practised), `reworded` (practised as it was
    written before), `failed`, `stale` or `fresh`.
    """

    question: Question
    answer: AutomationAnswer | None
    earlier: Sequence[AutomationAnswer]
    practices: Sequence[AutomationPractice]
    state: str

    @property
    def last(self) -> AutomationPractice | None:
        """What was practised last."""
        return self.practices[0] if self.practices else None


def by(person: Person) -> Writer:
    """Return a person as the one who writes."""
    return Writer(person, person)


@atomic
def write_new(draft: Draft, *, writer: Writer) -> AutomationCard:
    """Make a card. Raises BadInput naming the field."""
    _check(draft)
    slug = free_slug(AutomationCard.objects.all(), draft.title, otherwise="automation", reserved=("new",))
    card = AutomationCard.objects.create(
        slug=slug,
        title="",
        acts_on="",
        updated_at=now(),
    )
    return _write(card, draft, writer)


@atomic
def rewrite(card: AutomationCard, draft: Draft, *, seen_version: int, writer: Writer) -> AutomationCard:
    """Change a card; earlier answers stay readable. The same again changes nothing. Raises BadInput, Conflict."""
    _check(draft)
    card = AutomationCard.objects.select_for_update(no_key=True).get(pk=card.pk)
    if card.removed_at is not None:
        raise Conflict("This card was removed. Bring it back to change it.")
    if card.version != seen_version:
        raise Conflict("Somebody changed this card meanwhile.")
    team = draft.team.pk if draft.team else None
    same = (card.title, card.acts_on, card.team_id) == (draft.title.strip(), draft.acts_on.strip(), team)
    return card if same and not _other(card, draft) else _write(card, draft, writer)


def _check(draft: Draft) -> None:
    for field, text, most in (("title", draft.title, MAX_TITLE), ("acts_on", draft.acts_on, MAX_ACTS_ON)):
        if not text.strip() or len(text.strip()) > most:
            raise BadInput(field, f"say it in at most {most} characters", status=422)
    for question, text in draft.answers.items():
        if question not in Question.values:
            raise BadInput(f"answers.{question}", f"one of {', '.join(Question.values)}", status=422)
        if len(text.strip()) > MAX_ANSWER:
            raise BadInput(question, f"at most {MAX_ANSWER} characters", status=422)


def _other(card: AutomationCard, draft: Draft) -> dict[str, str]:
    """Return the answers that are other than those of now."""
    have = {one.question: one.text for one in card.answers.order_by("version")}
    said = {question: text.strip() for question, text in draft.answers.items()}
    return {question: text for question, text in said.items() if text != have.get(question, "")}


def _write(card: AutomationCard, draft: Draft, writer: Writer) -> AutomationCard:
    at, other = now(), _other(card, draft)
    card.title, card.acts_on, card.team = draft.title.strip(), draft.acts_on.strip(), draft.team
    card.version += 1
    card.updated_at, card.updated_by = at, writer.person
    card.save()
    keys = {
        question: AutomationAnswer.objects.create(
            card=card, question=question, version=card.version, text=text, at=at, by=writer.person
        ).pk
        for question, text in sorted(other.items())
    }
    written = events.AutomationWritten(
        automation=card.pk,
        slug=card.slug,
        title=card.title,
        acts_on=card.acts_on,
        team=card.team_id,
        version=card.version,
        answers=other,
        keys=keys,
        person=writer.person.pk if writer.person else None,
        written_at=at,
    )
    timeline.append(written, actor=writer.actor, about=[card, "automation"])
    return card


@atomic
def practise(
    card: AutomationCard, question: str, words: str, *, worked: bool, writer: Writer, on: date | None = None
) -> AutomationPractice:
    """Keep that somebody did what an answer says, today or `on` a day, and whether it was so.

    Raises BadInput, Conflict.
    """
    words = " ".join(words.split())
    if not words or len(words) > MAX_WORDS:
        raise BadInput("words", f"say what was done, in at most {MAX_WORDS} characters", status=422)
    answer = card.answers.filter(question=question).order_by("-version").first()
    if answer is None or not answer.text:
        raise Conflict("There is no answer yet that could be practised. Write one first.")
    at = _moment(on)
    made = AutomationPractice.objects.create(answer=answer, worked=worked, words=words, at=at, by=writer.person)
    practised = events.AutomationPractised(
        practice=made.pk,
        answer=answer.pk,
        worked=worked,
        words=words,
        person=writer.person.pk if writer.person else None,
        practised_at=at,
    )
    timeline.append(practised, actor=writer.actor, about=[card, "automation"])
    return made


def _moment(on: date | None) -> datetime:
    """Return when it was: noon of an earlier day, which is the same day nearly everywhere."""
    at = now()
    if on is None:
        return at
    noon = datetime.combine(on, time(12), UTC)
    if noon > at + timedelta(days=1):
        raise BadInput("on", "this day is still to come", status=422)
    if on.year < EARLIEST:
        raise BadInput("on", f"say a day from {EARLIEST} on", status=422)
    return min(noon, at)


@atomic
def remove(card: AutomationCard, *, writer: Writer) -> AutomationCard:
    """Take a card out of use. It can be brought back. Safe to call twice."""
    at = now()
    if AutomationCard.objects.filter(pk=card.pk, removed_at__isnull=True).update(removed_at=at):
        timeline.append(events.AutomationRemoved(removed_at=at), actor=writer.actor, about=[card, "automation"])
    card.refresh_from_db()
    return card


@atomic
def bring_back(card: AutomationCard, *, writer: Writer) -> AutomationCard:
    """Put a removed card into use again. Safe to call twice."""
    if AutomationCard.objects.filter(pk=card.pk, removed_at__isnull=False).update(removed_at=None):
        timeline.append(events.AutomationBroughtBack(), actor=writer.actor, about=[card, "automation"])
    card.refresh_from_db()
    return card


def cards(*, removed: bool = False) -> QuerySet[AutomationCard]:
    """Cards in use, or those that are not any more, by title."""
    found = AutomationCard.objects.filter(removed_at__isnull=not removed)
    return found.select_related("team", "updated_by").order_by("title", "pk")


def card(slug: str) -> AutomationCard:
    """Return a card, in use or not. Raises NotFound."""
    found = AutomationCard.objects.select_related("team", "updated_by").filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such automation card.")
    return found


def answered(of: Sequence[AutomationCard]) -> dict[int, list[Answered]]:
    """Return the four questions of some cards, by card; the number of queries is fixed."""
    answers: dict[tuple[int, str], list[AutomationAnswer]] = {}
    for one in AutomationAnswer.objects.filter(card__in=of).select_related("by").order_by("-version"):
        answers.setdefault((one.card_id, one.question), []).append(one)
    practices: dict[tuple[int, str], list[AutomationPractice]] = {}
    done = AutomationPractice.objects.filter(answer__card__in=of).select_related("answer", "by")
    for practice in done.order_by("-at", "-pk"):
        practices.setdefault((practice.answer.card_id, practice.answer.question), []).append(practice)
    return {
        card.pk: [
            _answered(question, answers.get((card.pk, question), []), practices.get((card.pk, question), []))
            for question in Question
        ]
        for card in of
    }


def _answered(
    question: Question, answers: Sequence[AutomationAnswer], practices: Sequence[AutomationPractice]
) -> Answered:
    newest = answers[0] if answers else None
    state = _state(newest, practices)
    return Answered(question, newest, [one for one in answers[1:] if one.text][:HISTORY], practices[:HISTORY], state)


def _state(answer: AutomationAnswer | None, practices: Sequence[AutomationPractice]) -> str:
    if answer is None or not answer.text:
        return "empty"
    if not practices:
        return "never"
    last = practices[0]
    if last.answer_id != answer.pk:
        return "reworded"
    if not last.worked:
        return "failed"
    return "fresh" if now() - last.at <= FRESH_FOR else "stale"

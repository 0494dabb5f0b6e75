"""Verbs of questions: ask, answer, answer in the next update. They land at the desk, not on responders."""

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import privacy
from raglan.incidents.models import Incident
from raglan.outside import events
from raglan.outside.models import Question, StatusUpdate
from raglan.people import mail
from raglan.people.models import Person

MAX_TEXT = 2_000
MOST_WAITING = 200
State = Question.State


@atomic
def ask(incident: Incident, text: str, *, by: Person, key: str) -> Question:
    """Put a question to the desk. The same key asks once. Raises BadInput, Conflict."""
    if found := Question.objects.filter(incident=incident, key=key).first():
        return found
    text = clean_text(text.strip())
    _check(text, "text", "write what you want to know")
    if Question.objects.filter(incident=incident, state=State.WAITING).count() >= MOST_WAITING:
        raise Conflict("Very many questions wait already. Wait for the next word, please.")
    made, is_new = Question.objects.get_or_create(
        incident=incident, key=key, defaults={"text": text, "asker": by, "asked_at": now()}
    )
    if is_new:
        asked = events.QuestionAsked(
            question=made.pk, incident=incident.pk, key=key, text=text, person=by.pk, asked_at=made.asked_at
        )
        timeline.append(asked, actor=by, about=_about(made))
    return made


@atomic
def answer(question: Question, text: str, *, by: Person) -> Question:
    """Answer a question; whoever asked gets it by mail. Raises BadInput, and Conflict when it is answered already."""
    text = clean_text(text.strip())
    _check(text, "answer", "write the answer")
    at = now()
    waiting = Question.objects.filter(pk=question.pk).exclude(state=State.ANSWERED)
    if not waiting.update(state=State.ANSWERED, answer=text, answered_by=by, answered_at=at):
        raise Conflict("Somebody answered this question meanwhile.")
    question.refresh_from_db()
    told = events.QuestionAnswered(question=question.pk, answer=text, person=by.pk, answered_at=at, update=None)
    timeline.append(told, actor=by, about=_about(question))
    _mail(question, text)
    return question


@atomic
def put_off(question: Question, *, by: Person) -> Question:
    """Say that a question is answered in the next update. Safe to call twice."""
    if Question.objects.filter(pk=question.pk, state=State.WAITING).update(state=State.NEXT):
        payload = events.QuestionPutOff(question=question.pk, person=by.pk)
        timeline.append(payload, actor=by, about=_about(question))
    question.refresh_from_db()
    return question


def answer_with(update: StatusUpdate) -> None:
    """Answer with an update all questions that were put off until it."""
    found = Question.objects.select_for_update(of=("self",)).select_related("asker", "incident")
    for question in found.filter(incident=update.incident_id, state=State.NEXT).order_by("pk"):
        question.state, question.answered_in = State.ANSWERED, update
        question.answered_by, question.answered_at = update.by, update.at
        question.save(update_fields=["state", "answered_in", "answered_by", "answered_at"])
        told = events.QuestionAnswered(
            question=question.pk, answer="", person=update.by_id, answered_at=update.at, update=update.pk
        )
        timeline.append(told, actor=update.by, about=_about(question))
        _mail(question, update.text)


def _check(text: str, field: str, when_empty: str) -> None:
    if not text:
        raise BadInput(field, when_empty, status=422)
    if len(text) > MAX_TEXT:
        raise BadInput(field, f"is longer than {MAX_TEXT} characters", status=422)


def _about(question: Question) -> list[timeline.Subject]:
    """Return what events of a question are about: the desk alone, so that no room looks up for it."""
    return [f"desk:{question.incident_id}", question]


def _mail(question: Question, answer: str) -> None:
    if not privacy.may_know(question.asker, question.incident):
        return
    link = f"{config().public_url}/incidents/{question.incident_id}/outside/"
    text = f"You asked: {question.text}\n\n{answer}\n\n{link}\n"
    subject = f"Your question about incident {question.incident_id}"
    mail.write(question.asker.email, subject=subject, text=text, about=question, lane=mail.ASKED_FOR)

"""Reads of the outside."""

from datetime import datetime

from django.db.models import Case, IntegerField, QuerySet, Value, When

from raglan.core.errors import NotFound
from raglan.incidents.models import Incident
from raglan.outside.models import Desk, Question, StatusUpdate


def desk(incident: Incident) -> Desk:
    """Return the desk of a room; one that nobody has touched yet is not stored."""
    found = Desk.objects.select_related("holder").filter(incident=incident).first()
    return found or Desk(incident=incident)


def is_late(desk: Desk, at: datetime) -> bool:
    """Tell whether the promised word did not come in time."""
    return desk.next_word_at is not None and desk.next_word_at < at


def updates(incident: Incident) -> QuerySet[StatusUpdate]:
    """What those who wait were told, newest first."""
    found = StatusUpdate.objects.filter(incident=incident).select_related("by")
    return found.prefetch_related("questions__asker").order_by("-number")


def questions(incident: Incident) -> QuerySet[Question]:
    """Questions of a desk: those that wait first, oldest of them first; then the answered ones."""
    turn = Case(
        When(state=Question.State.WAITING, then=Value(0)),
        When(state=Question.State.NEXT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = Question.objects.filter(incident=incident).select_related("asker", "answered_by", "answered_in")
    return found.annotate(turn=turn).order_by("turn", "pk")


def question(pk: int) -> Question:
    """Return a question. Raises NotFound."""
    found = Question.objects.select_related("asker", "incident").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such question.")
    return found

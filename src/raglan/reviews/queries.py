"""Reads of reviews."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from raglan.core.errors import NotFound
from raglan.incidents import privacy
from raglan.reviews.models import Moment, Reply, Review
from raglan.reviews.questions import QUESTIONS, Question

MOMENTS_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the answers that people gave."""

    question: Question
    replies: list[Reply]


def reviews() -> QuerySet[Review]:
    """All reviews, newest first."""
    seen = Review.objects.filter(privacy.visible("incident__"))
    return seen.select_related("incident").order_by("-pk")


def review(pk: int) -> Review:
    """Return a review. Raises NotFound."""
    found = reviews().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such review.")
    return found


def page_of(review: Review, entry_id: int) -> int:
    """Return on which page of the timeline an entry stands."""
    found = review.moments.filter(entry_id=entry_id).first()
    if found is None:
        return 1
    before = Q(at__lt=found.at) | Q(at=found.at, entry_id__lt=entry_id)
    return review.moments.filter(before).count() // MOMENTS_PER_PAGE + 1


def moments_after(review: Review, entry_id: int) -> QuerySet[Moment]:
    """Return the timeline after an entry, oldest first; all of it for 0. Raises NotFound."""
    found = review.moments.order_by("at", "entry_id")
    if not entry_id:
        return found
    last = found.filter(entry_id=entry_id).first()
    if last is None:
        raise NotFound("There is no such moment in this review.")
    return found.filter(Q(at__gt=last.at) | Q(at=last.at, entry_id__gt=entry_id))


def asked(review: Review) -> dict[str, list[Asked]]:
    """Return all questions with their answers, by heading."""
    replies: dict[str, list[Reply]] = {}
    for item in review.replies.select_related("person").order_by("at"):
        replies.setdefault(item.question, []).append(item)
    groups: dict[str, list[Asked]] = {}
    for question in QUESTIONS:
        groups.setdefault(question.group, []).append(Asked(question, replies.get(question.key, [])))
    return groups

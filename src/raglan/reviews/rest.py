"""REST of reviews."""

from datetime import datetime

from django.http import HttpRequest

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit, Line, Text
from raglan.people.rest.caller import responder
from raglan.reviews import actions, queries
from raglan.reviews.models import Moment, Review

router = Router(tags=["reviews"])
MOST_AT_ONCE = 500  # moments that stand in a review itself


class MomentOut(Schema):
    """One moment of the timeline."""

    entry_id: int
    at: datetime
    kind: str
    who: str
    text: str
    outcome: str
    in_story: bool


class ReplyOut(Schema):
    """What one person answered."""

    person: str
    text: str


class QuestionOut(Schema):
    """A question with its answers side by side."""

    key: str
    group: str
    text: str
    replies: list[ReplyOut]


class ReviewOut(Schema):
    """A review, briefly."""

    id: int
    incident_id: int
    title: str
    state: str
    version: int
    updated_at: datetime


class ReviewDetail(ReviewOut):
    """A review with its questions and the beginning of its timeline, which is paged by `list_moments`."""

    summary: str
    surprised: str
    went_right: str
    moments: list[MomentOut]
    moments_in_all: int
    questions: list[QuestionOut]


class ReviewIn(Body):
    """The text of a review; `version` is the one that was read."""

    title: Line
    summary: Text = ""
    surprised: Text = ""
    went_right: Text = ""
    version: Cursor


class ReplyIn(Body):
    """An answer; an empty text takes it back."""

    question: Line
    text: Text = ""


class MomentIn(Body):
    """Whether a moment belongs to the story."""

    in_story: bool


@router.get("/reviews", response=list[ReviewOut], operation_id="list_reviews", summary="Reviews, newest first")
def list_reviews(request: HttpRequest, before: Cursor = 0, limit: Limit = 100) -> list[Review]:
    """Return reviews; `before` is the id to go on from."""
    found = queries.reviews()
    return list((found.filter(pk__lt=before) if before else found)[:limit])


@router.get("/reviews/{review_id}", response=ReviewDetail, operation_id="get_review", summary="One review")
def get_review(request: HttpRequest, review_id: Cursor) -> ReviewDetail:
    """Return the text, the questions and the first 500 moments of the timeline; `list_moments` has all of them."""
    return _detail(queries.review(review_id))


@router.get(
    "/reviews/{review_id}/moments", response=list[MomentOut], operation_id="list_moments", summary="A review’s timeline"
)
def list_moments(request: HttpRequest, review_id: Cursor, after: Cursor = 0, limit: Limit = 100) -> list[Moment]:
    """Return moments, oldest first; `after` is the `entry_id` to go on from."""
    return list(queries.moments_after(queries.review(review_id), after)[:limit])


@router.get(
    "/incidents/{incident_id}/review", response=ReviewDetail, operation_id="review_of", summary="An incident’s review"
)
def review_of(request: HttpRequest, incident_id: Cursor) -> ReviewDetail:
    """Return the review of an incident; 404 until people have stood down."""
    found = queries.reviews().filter(incident_id=incident_id).first()
    return _detail(queries.review(found.pk if found else 0))


@router.put("/reviews/{review_id}", response=ReviewDetail, operation_id="write_review", summary="Save the text")
def write_review(request: HttpRequest, review_id: Cursor, data: ReviewIn) -> ReviewDetail:
    """Save; 409 when somebody saved in between."""
    review = actions.write(
        queries.review(review_id),
        title=data.title,
        summary=data.summary,
        surprised=data.surprised,
        went_right=data.went_right,
        seen_version=data.version,
        by=responder(request),
    )
    return _detail(review)


@router.post("/reviews/{review_id}/replies", response=ReviewDetail, operation_id="reply", summary="Answer a question")
def reply(request: HttpRequest, review_id: Cursor, data: ReplyIn) -> ReviewDetail:
    """Answer for oneself."""
    review = queries.review(review_id)
    actions.reply(review, data.question, data.text, by=responder(request))
    return _detail(review)


@router.put(
    "/reviews/{review_id}/moments/{entry_id}",
    response=ReviewDetail,
    operation_id="keep_moment",
    summary="Into the story or out",
)
def keep_moment(request: HttpRequest, review_id: Cursor, entry_id: Cursor, data: MomentIn) -> ReviewDetail:
    """Take a moment into the story, or leave it out.

    The answer holds the first 500 moments, as every answer with a review does: read one beyond them by `list_moments`.
    """
    review = queries.review(review_id)
    actions.keep_moment(review, entry_id, in_story=data.in_story, by=responder(request))
    return _detail(review)


@router.post(
    "/reviews/{review_id}/share", response=ReviewDetail, operation_id="share_review", summary="Open it for reading"
)
def share(request: HttpRequest, review_id: Cursor) -> ReviewDetail:
    """Open a draft for everyone."""
    return _detail(actions.share(queries.review(review_id), by=responder(request)))


def _detail(review: Review) -> ReviewDetail:
    review = queries.review(review.pk)
    questions = [
        QuestionOut(
            key=item.question.key,
            group=item.question.group,
            text=item.question.text,
            replies=[ReplyOut(person=given.person.name, text=given.text) for given in item.replies],
        )
        for items in queries.asked(review).values()
        for item in items
    ]
    moments = [MomentOut.model_validate(moment, from_attributes=True) for moment in review.moments.all()[:MOST_AT_ONCE]]
    base = ReviewOut.model_validate(review, from_attributes=True).model_dump()
    return ReviewDetail(
        **base,
        summary=review.summary,
        surprised=review.surprised,
        went_right=review.went_right,
        moments=moments,
        moments_in_all=review.moments.count(),
        questions=questions,
    )

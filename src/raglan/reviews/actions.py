"""Verbs of reviews."""

from collections.abc import Sequence

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import queries as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.reviews import events
from raglan.reviews.models import Moment, Reply, Review
from raglan.reviews.questions import BY_KEY

MAX_TEXT = 20_000
AT_ONCE = 1_000  # entries of a long timeline that are drafted together


@atomic
def draft(incident: Incident) -> Review:
    """Make the draft of an incident's review, or bring the timeline of an existing one up to date.

    Nothing written is lost. Of a long timeline several events tell, each of some of it.
    """
    at = now()
    review, made = Review.objects.get_or_create(
        incident=incident,
        defaults={"title": incident.title, "summary": incident.closing_words, "created_at": at, "updated_at": at},
    )
    have = set(review.moments.values_list("entry_id", flat=True))
    numbers = incident.entries.order_by("at", "pk").values_list("pk", flat=True)
    new = [pk for pk in numbers if pk not in have]
    for start in range(0, max(len(new), 1 if made else 0), AT_ONCE):
        some = new[start : start + AT_ONCE]
        _take_in(review, some)
        drafted = events.ReviewDrafted(
            review=review.pk,
            incident=incident.pk,
            title=review.title,
            summary=review.summary,
            drafted_at=at,
            entries=some,
        )
        timeline.append(drafted, about=[review, incident, "reviews"])
    return review


def _take_in(review: Review, entry_ids: Sequence[int]) -> None:
    found = incidents.entries(review.incident, oldest_first=True).filter(pk__in=entry_ids)
    Moment.objects.bulk_create(
        Moment(
            review=review,
            entry_id=entry.pk,
            at=entry.at,
            kind=entry.kind,
            who=entry.who,
            text=entry.text,
            outcome=_outcome(entry),
        )
        for entry in found
    )


def _outcome(entry: Entry) -> str:
    answers = [
        f"{given.person.name}: {given.get_side_display()}{'. ' + given.text if given.text else ''}"
        for given in entry.answers.all()
    ]
    taken = [f"{entry.taken_by.name} took this."] if entry.taken_by else []
    return "\n".join([*taken, *answers, *([entry.outcome] if entry.outcome else [])])


@atomic
def write(  # noqa: PLR0913 -- the parts of a review's text are saved together
    review: Review, *, title: str, summary: str, surprised: str, went_right: str, seen_version: int, by: Person
) -> Review:
    """Save the text. Raises Conflict when somebody saved in between."""
    if not title.strip():
        raise BadInput("title", "give it a title that says what it teaches")
    review = Review.objects.select_for_update().get(pk=review.pk)
    if review.version != seen_version:
        raise Conflict("Somebody saved while you were writing. Both texts are shown; put them together.")
    review.title, review.summary = title.strip()[:300], summary.strip()[:MAX_TEXT]
    review.surprised, review.went_right = surprised.strip()[:MAX_TEXT], went_right.strip()[:MAX_TEXT]
    review.version += 1
    review.updated_at = now()
    review.save()
    written = events.ReviewWritten(
        title=review.title,
        summary=review.summary,
        surprised=review.surprised,
        went_right=review.went_right,
        version=review.version,
        written_at=review.updated_at,
    )
    timeline.append(written, actor=by, about=[review, review.incident, "reviews"])
    return review


@atomic
def reply(review: Review, question: str, text: str, *, by: Person) -> Reply | None:
    """Answer a question for oneself; an empty text takes one's answer back. Raises BadInput for an unknown question."""
    if question not in BY_KEY:
        raise BadInput("question", "is not one of the questions")
    at, text = now(), text.strip()[:MAX_TEXT]
    if not text:
        Reply.objects.filter(review=review, question=question, person=by).delete()
        given = None
    else:
        given, _ = Reply.objects.update_or_create(
            review=review, question=question, person=by, defaults={"text": text, "at": at}
        )
    replied = events.ReplyWritten(question=question, person=by.pk, text=text, replied_at=at)
    timeline.append(replied, actor=by, about=[review, "reviews"])
    return given


@atomic
def keep_moment(review: Review, entry_id: int, *, in_story: bool, by: Person) -> None:
    """Take a moment into the story or leave it out; it stays in the timeline either way."""
    if Moment.objects.filter(review=review, entry_id=entry_id).update(in_story=in_story):
        kept = events.MomentKept(entry=entry_id, in_story=in_story)
        timeline.append(kept, actor=by, about=[review, "reviews"])


@atomic
def take_moments_out(incident_id: int, entry_ids: Sequence[int]) -> None:
    """Let entries that are no longer in the timeline be none in its draft; a review that is open to read keeps them."""
    review = Review.objects.select_for_update().filter(incident=incident_id, state=Review.State.DRAFT).first()
    if review is None:
        return
    gone = Moment.objects.filter(review=review, entry_id__in=entry_ids)
    numbers = sorted(gone.values_list("entry_id", flat=True))
    if numbers:
        gone.delete()
        timeline.append(events.MomentsTakenOut(entries=numbers), about=[review, "reviews"])


@atomic
def share(review: Review, *, by: Person) -> Review:
    """Open a draft for everyone to read."""
    at = now()
    Review.objects.filter(pk=review.pk).update(state=Review.State.SHARED, updated_at=at)
    review.refresh_from_db()
    timeline.append(events.ReviewShared(shared_at=at), actor=by, about=[review, review.incident, "reviews"])
    return review

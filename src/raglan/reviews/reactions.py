"""A review is drafted when people stand down."""

from raglan.core import timeline
from raglan.incidents import privacy
from raglan.incidents.models import Incident
from raglan.reviews import actions
from raglan.reviews.models import Review

privacy.register(Review.ref_kind, Review, "incident", places=("reviews",))


@timeline.reaction("incident.stood_down")
def draft_review(event: timeline.Happened) -> None:
    """Make the draft from the timeline."""
    number = next(subject for subject in event.subjects if subject.startswith("incident:")).removeprefix("incident:")
    actions.draft(Incident.objects.get(pk=int(number)))

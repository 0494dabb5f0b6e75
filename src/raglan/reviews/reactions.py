"""A review is drafted when people stand down, and lets go of what was taken out of the timeline."""

from raglan.core import timeline
from raglan.incidents import privacy
from raglan.incidents.events import EntriesTakenOut
from raglan.incidents.models import Incident
from raglan.reviews import actions
from raglan.reviews.models import Review

privacy.register(Review.ref_kind, Review, "incident", places=("reviews",))


@timeline.reaction("incident.stood_down")
def draft_review(event: timeline.Happened) -> None:
    """Make the draft from the timeline."""
    number = next(subject for subject in event.subjects if subject.startswith("incident:")).removeprefix("incident:")
    actions.draft(Incident.objects.get(pk=int(number)))


@timeline.reaction("entry.taken_out")
def follow_what_was_taken_out(event: timeline.Happened) -> None:
    """What was brought in by mistake is no part of the story."""
    number = next(subject for subject in event.subjects if subject.startswith("incident:")).removeprefix("incident:")
    gone = event.payload()
    assert isinstance(gone, EntriesTakenOut)
    actions.take_moments_out(int(number), gone.entries)

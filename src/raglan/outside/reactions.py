"""How the outside follows news of rooms."""

from raglan.core import timeline
from raglan.incidents import moving, privacy
from raglan.incidents.models import Incident
from raglan.outside import desk
from raglan.outside.models import Desk, Question, StatusUpdate
from raglan.outside.publishing import publish_soon

moving.register("questions", Question, has_key=True)
privacy.register(Desk.ref_kind, Desk, "incident")
privacy.register(Question.ref_kind, Question, "incident", places=("questions",))
privacy.register(StatusUpdate.ref_kind, StatusUpdate, "incident", places=("updates",))


@timeline.reaction("incident.stood_down", "incident.merged")
def ask_for_last_word(event: timeline.Happened) -> None:
    """When people stand down, those who wait hear that it is over: whoever holds the outside is reminded."""
    number = next(subject for subject in event.subjects if subject.startswith("incident:")).removeprefix("incident:")
    desk.remind_of_last_word(Incident.objects.select_related("lead").get(pk=int(number)))


@timeline.reaction("incident.made_private", "incident.opened_up")
def publish_anew(event: timeline.Happened) -> None:
    """What became private goes from the status page at once, and comes back when it is opened up."""
    publish_soon()

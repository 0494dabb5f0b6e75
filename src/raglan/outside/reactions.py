"""How the outside follows news of rooms."""

from collections.abc import Sequence

from raglan.core import timeline
from raglan.core.standing import Matter, Nothing
from raglan.incidents import moving, privacy
from raglan.incidents.models import Incident
from raglan.outside import desk, queries
from raglan.outside.models import Desk, Question, StatusUpdate
from raglan.outside.publishing import publish_soon
from raglan.outside.snapshot import LABELS

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


_is_off = Nothing(Matter("status_page."), queries.is_on)


def _of_components(events: Sequence[timeline.Happened]) -> set[int]:
    """Return which of many events components may look different for: those about services that they stand on."""
    names = set[str]() if _is_off() else queries.names_of_services()
    return {event.id for event in events if names and (event.kind != "group.opened" or names & _labels(event))}


def _labels(event: timeline.Happened) -> set[str]:
    labels = event.data.get("labels")
    return {str(labels[name]).lower() for name in LABELS if name in labels} if isinstance(labels, dict) else set()


@timeline.reaction(
    "group.opened",
    "incident.declared",
    "incident.about",
    "incident.standing",
    "incident.reopened",
    "incident.lead",
    "incident.alerts_joined",
    "headsup.given",
    needed=_of_components,
)
def publish_trouble(event: timeline.Happened) -> None:
    """Where an alert or a room speaks of trouble, the page does not go on to say that all is fine."""
    publish_soon()

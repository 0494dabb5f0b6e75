"""How alerts follow news of lower contexts: who has a page is shown on its group."""

from raglan.alerts.models import AlertGroup
from raglan.core import bus, timeline


@timeline.reaction("page.acknowledged", "page.unanswered", "page.reached_somebody", "page.passed_on")
def refresh_group(event: timeline.Happened) -> None:
    """Tell the alert screens that the page of a group moved on."""
    page_id = next((subject.removeprefix("page:") for subject in event.subjects if subject.startswith("page:")), "")
    if page_id and (group := AlertGroup.objects.filter(page_id=int(page_id)).first()):
        bus.publish([timeline.ref(group), "alerts"], event.id)

"""How runbooks follow news of lower contexts, and what they add to a room."""

from django.db.models import Q

from raglan.alerts import links
from raglan.alerts.models import Alert
from raglan.core import timeline
from raglan.incidents import moving, ports, privacy
from raglan.incidents.models import Incident
from raglan.paging import ports as paging
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.runbooks import following, queries, suggest
from raglan.runbooks.models import Following

SHOWN = 5
ALERTS = 3


@timeline.reaction("incident.stood_down")
def stop_what_is_followed(event: timeline.Happened) -> None:
    """What is being followed in a room stops when people stand down."""
    number = next(subject for subject in event.subjects if subject.startswith("incident:")).removeprefix("incident:")
    following.stop_all(Incident.objects.get(pk=int(number)))


def panel(incident: Incident, reader: Person) -> dict[str, object]:
    """Return what is or was followed in a room."""
    found = list(queries.followings(incident).prefetch_related("results")[:SHOWN])
    return {"followings": [(one, len(one.results.all())) for one in found]}


def _followed_there(target: Incident) -> Q:
    going = Following.objects.filter(incident=target, state=Following.State.GOING).values("runbook")
    return Q(state=Following.State.GOING, runbook__in=going)


moving.register("followings", Following, stays=_followed_there)
privacy.register(Following.ref_kind, Following, "incident")
ports.register_panel("runbooks/part_room.html", panel)


def links_of(alert: Alert) -> list[links.Link]:
    """Return runbooks for an alert: those kept here, then addresses of others that it names."""
    kept = suggest.shelf()
    own = kept.for_alert(alert.labels, alert.annotations)
    found = [links.Link(fit.runbook.title, f"/library/runbooks/{fit.runbook.slug}/", fit.why) for fit in own]
    others = suggest.away(kept, alert.annotations)
    return found + [links.Link(f"Runbook at {one.host}", one.address, "named by the alert") for one in others]


def links_of_page(page: Page) -> list[paging.Known]:
    """Return runbooks for the newest alerts of a page."""
    alerts = Alert.objects.filter(group__page=page).order_by("-pk")[:ALERTS]
    found = {link.address: link for alert in alerts for link in links_of(alert)}
    return [paging.Known("Runbook:", link.text, link.address) for link in list(found.values())[: suggest.MOST]]


links.register(links_of)
paging.register_links(links_of_page)

"""What lost tools teach about the catalog: the tool may need a service that the incident is about."""

from dataclasses import dataclass

from raglan.catalog import actions as catalog
from raglan.catalog.models import Service, ServiceNeed
from raglan.core import timeline
from raglan.core.errors import BadInput
from raglan.incidents import queries
from raglan.incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Proposed:
    """That a tool, which was lost in an incident, may need a service that this was about; and whether it is known."""

    tool: Service
    needed: Service
    is_known: bool


def proposed(incident: Incident) -> list[Proposed]:
    """Return what may be so: each lost tool of the catalog with each service of the incident."""
    tools = {tool.service.pk: tool.service for tool in queries.lost_tools(incident, only_lost=False) if tool.service}
    known = set(ServiceNeed.objects.filter(service__in=tools).values_list("service_id", "needed_id"))
    about = list(incident.services.order_by("name", "pk"))
    return [
        Proposed(tool, needed, (tool.pk, needed.pk) in known)
        for tool in tools.values()
        for needed in about
        if tool.pk != needed.pk
    ]


def unknown_tools(incident: Incident) -> list[str]:
    """Return the names of lost tools that the catalog does not know: nothing can be said of what those need."""
    names = (tool.name for tool in queries.lost_tools(incident, only_lost=False) if tool.service is None)
    return list(dict.fromkeys(names))


def accept(incident: Incident, tool: str, needed: str, *, by: timeline.Subject) -> None:
    """Say that it is so: the catalog knows the need from now on. Safe to call twice. Raises BadInput."""
    for one in proposed(incident):
        if (one.tool.slug, one.needed.slug) == (tool, needed):
            catalog.add_need(one.tool, one.needed, actor=by)
            return
    raise BadInput("needed", "nothing of this incident proposes that", status=422)

"""Verbs of the catalog."""

from collections.abc import Sequence

from raglan.catalog import events
from raglan.catalog.models import Service, ServiceNeed, ServicePurpose
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.people.models import Team


@atomic
def save_service(  # noqa: PLR0913 -- a service is these things together
    *,
    slug: str,
    name: str,
    team: Team | None,
    kind: str,
    purposes: Sequence[str],
    needs: Sequence[str],
    instead: str = "",
    actor: timeline.Subject,
) -> Service:
    """Make or change a service; purposes and needs are replaced. Raises BadInput for a need that does not exist."""
    if kind not in Service.Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(Service.Kind.values)}", status=422)
    found = {service.slug: service for service in Service.objects.filter(slug__in=needs)}
    for number, need in enumerate(needs):
        if need not in found or need == slug:
            raise BadInput(f"needs[{number}]", f"there is no other service {need}", status=422)
    defaults = {"name": name.strip()[:120], "team": team, "kind": kind, "instead": instead[:300]}
    service, _ = Service.objects.update_or_create(slug=slug, defaults=defaults)
    service.purposes.all().delete()
    ServicePurpose.objects.bulk_create(
        ServicePurpose(service=service, purpose=word) for word in dict.fromkeys(purposes)
    )
    service.needs.all().delete()
    ServiceNeed.objects.bulk_create(ServiceNeed(service=service, needed=item) for item in found.values())
    timeline.append(events.ServiceSaved(slug=slug), actor=actor, about=[service])
    return service

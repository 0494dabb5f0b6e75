"""Verbs of the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.catalog import events
from raglan.catalog.models import Service, ServiceNeed, ServicePurpose
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.people.models import Team

MAX_INSTEAD = 300


@dataclass(frozen=True, slots=True)
class ServiceDraft:
    """A service as somebody wrote it; purposes and needs are all of them."""

    slug: str
    name: str
    team: Team | None = None
    kind: str = Service.Kind.SERVICE
    purposes: Sequence[str] = ()
    needs: Sequence[str] = ()
    instead: str = ""


@atomic
def save_service(draft: ServiceDraft, *, actor: timeline.Subject) -> Service:
    """Make or change a service; purposes and needs are replaced. Raises BadInput naming the field."""
    needed = check_service(draft)
    fields = {
        "name": draft.name.strip()[:120],
        "team": draft.team,
        "kind": draft.kind,
        "instead": draft.instead.strip()[:MAX_INSTEAD],
    }
    service, _ = Service.objects.update_or_create(slug=draft.slug, defaults=fields)
    purposes = sorted(set(draft.purposes))
    service.purposes.all().delete()
    ServicePurpose.objects.bulk_create(ServicePurpose(service=service, purpose=word) for word in purposes)
    service.needs.all().delete()
    ServiceNeed.objects.bulk_create(ServiceNeed(service=service, needed=item) for item in needed)
    _tell(service, purposes, [item.pk for item in needed], actor)
    return service


@atomic
def add_need(service: Service, needed: Service, *, actor: timeline.Subject) -> None:
    """Say that a service needs another one, besides what it needs already. Safe to call twice."""
    service = Service.objects.select_for_update(of=("self",)).select_related("team").get(pk=service.pk)
    if not ServiceNeed.objects.get_or_create(service=service, needed=needed)[1]:
        return
    purposes = sorted(service.purposes.values_list("purpose", flat=True))
    needs = list(service.needs.order_by("needed__slug").values_list("needed_id", flat=True))
    _tell(service, purposes, needs, actor)


def _tell(service: Service, purposes: list[str], needs: list[int], actor: timeline.Subject) -> None:
    payload = events.ServiceSaved(
        service=service.pk,
        slug=service.slug,
        name=service.name,
        team=service.team.pk if service.team else None,
        service_kind=service.kind,
        purposes=purposes,
        needs=needs,
        instead=service.instead,
    )
    timeline.append(payload, actor=actor, about=[service, *([service.team] if service.team else []), "catalog"])


def check_service(draft: ServiceDraft) -> list[Service]:
    """Return the services that a draft needs, by short name. Raises BadInput naming the field."""
    if not draft.name.strip():
        raise BadInput("name", "give the service a name")
    if draft.kind not in Service.Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(Service.Kind.values)}", status=422)
    for number, purpose in enumerate(draft.purposes):
        if purpose not in ServicePurpose.Purpose.values:
            allowed = ", ".join(ServicePurpose.Purpose.values)
            raise BadInput(f"purposes[{number}]", f"must be one of {allowed}", status=422)
    found = {service.slug: service for service in Service.objects.filter(slug__in=draft.needs)}
    for number, need in enumerate(draft.needs):
        if need not in found or need == draft.slug:
            raise BadInput(f"needs[{number}]", f"there is no other service {need}", status=422)
    return [found[slug] for slug in sorted(found)]

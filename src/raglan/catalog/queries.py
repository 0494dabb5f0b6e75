"""Reads of the catalog."""

from collections.abc import Sequence

from django.db.models import Prefetch, QuerySet

from raglan.catalog.models import Service, ServiceNeed, ServicePurpose
from raglan.core.errors import BadInput, NotFound


def services() -> QuerySet[Service]:
    """All services, by name, with owners, purposes and needs; the number of queries is fixed."""
    purposes = Prefetch("purposes", ServicePurpose.objects.order_by("purpose"))
    needs = Prefetch("needs", ServiceNeed.objects.select_related("needed").order_by("needed__slug"))
    return Service.objects.select_related("team").prefetch_related(purposes, needs).order_by("name", "pk")


def service(slug: str) -> Service:
    """Return a service. Raises NotFound."""
    found = services().filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such service.")
    return found


def named(slugs: list[str]) -> QuerySet[Service]:
    """Services by short name."""
    return Service.objects.filter(slug__in=slugs)


def all_named(slugs: Sequence[str], field: str) -> list[Service]:
    """Return services by short name. Raises BadInput naming the first that there is not."""
    found = {service.slug: service for service in Service.objects.filter(slug__in=slugs)}
    for number, slug in enumerate(slugs):
        if slug not in found:
            raise BadInput(f"{field}[{number}]", f"there is no service {slug}", status=422)
    return list(found.values())


def called(words: Sequence[str]) -> tuple[list[Service], list[str]]:
    """Return services by what people call them, short name or name, and the words that are neither."""
    known = {name.casefold(): one for one in Service.objects.order_by("-pk") for name in (one.name, one.slug)}
    found = {known[word.casefold()].pk: known[word.casefold()] for word in words if word.casefold() in known}
    return list(found.values()), [word for word in words if word.casefold() not in known]


def response_tools() -> QuerySet[Service]:
    """Services that people use in an incident to see, change, know, talk, wake, get in or tell customers."""
    return services().filter(purposes__isnull=False).distinct()

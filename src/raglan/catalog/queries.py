"""Reads of the catalog."""

from django.db.models import QuerySet

from raglan.catalog.models import Service


def services() -> QuerySet[Service]:
    """All services, by name, with owners, purposes and needs."""
    return Service.objects.select_related("team").prefetch_related("purposes", "needs__needed").order_by("name", "pk")


def named(slugs: list[str]) -> QuerySet[Service]:
    """Services by short name."""
    return Service.objects.filter(slug__in=slugs)

"""Django's view of the catalog."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Holds services."""

    name = "raglan.catalog"
    label = "catalog"
